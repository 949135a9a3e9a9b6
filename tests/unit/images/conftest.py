"""Every test of images runs twice: on arrays in memory, and on arrays mapped from files."""

from __future__ import annotations

import sys

import pytest

SMALL = 2**10  # bytes: what the tests make is larger


@pytest.fixture(autouse=True, params=["in memory", "mapped"])
def arrays(request, monkeypatch):
    """Where arrays of some size live: as usual, or all in files."""
    if request.param == "mapped":
        for name, module in list(sys.modules.items()):
            if name.startswith("styler.images.") and hasattr(module, "LARGE"):
                monkeypatch.setattr(module, "LARGE", SMALL)
    return request.param
