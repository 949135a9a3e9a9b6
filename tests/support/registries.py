"""Entries of a registry for one test."""

from __future__ import annotations

from typing import Any

from styler.registry import Registry


def registered(monkeypatch: Any, registry: Registry[Any], name: str, entry: Any) -> str:
    """Register an entry, in place of one of the same name if there is one; the registry is as before after the test."""
    monkeypatch.setattr(registry, "_things", {**registry._things, name: entry})
    return name
