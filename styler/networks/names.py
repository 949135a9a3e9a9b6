"""Names of layers as they stand in an address."""

from __future__ import annotations

SIGNS = frozenset("/:@#*?[]'\"=,")
"""Signs that addresses give a meaning to, and those that lists of them on the command line do."""


def quoted(name: str) -> str:
    """A layer name as it stands in an address: in quotes if it holds a sign that addresses give a meaning to."""
    if not SIGNS & set(name):
        return name
    return f'"{name}"' if "'" in name else f"'{name}'"
