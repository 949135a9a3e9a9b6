"""Fixtures for all tests."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest

SHARED_IMAGES = Path(__file__).resolve().parents[2] / "shared" / "images"


@pytest.fixture(autouse=True)
def seeds():
    """The same random numbers in every test, whichever tests ran before."""
    random.seed(0)
    np.random.seed(0)  # what a library may still draw from; tests use `rng`
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].random.set_seed(0)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def shared_images():
    """Folder of real photos and paintings, `content/` and `style/`; not part of the repository."""
    if not SHARED_IMAGES.is_dir():
        pytest.skip(f"no {SHARED_IMAGES.parent.name}/{SHARED_IMAGES.name} beside the checkout")
    return SHARED_IMAGES
