"""Quotes layer names for use in addresses."""

from __future__ import annotations

SIGNS = frozenset("/:@#*?[]'\"=,")
"""Characters with a meaning in addresses, or in lists of addresses on the command line."""


def quoted(name: str) -> str:
    """Return a layer name for use in an address: in quotes if it contains a character with a meaning there."""
    if not SIGNS & set(name):
        return name
    return f'"{name}"' if "'" in name else f"'{name}'"
