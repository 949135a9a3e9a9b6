"""The example images come from their script."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = ("lake", "still_life", "city", "swirls", "dots", "facets", "woodcut")


@pytest.fixture(scope="module")
def draw():
    sys.path.insert(0, str(EXAMPLES))
    spec = importlib.util.spec_from_file_location("make_images", EXAMPLES / "make_images.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module.draw
    sys.path.remove(str(EXAMPLES))


@pytest.mark.parametrize("name", NAMES)
def test_a_maker_gives_the_same_picture_twice(draw, name):
    first, second = draw(name, 96), draw(name, 96)
    assert max(first.size) == 96
    assert np.array_equal(np.asarray(first), np.asarray(second))
    assert len(np.unique(np.asarray(first).reshape(-1, 3), axis=0)) > 500


@pytest.mark.parametrize("name", ["city", "dots", "woodcut"])  # the quick ones at full size
def test_the_committed_file_is_that_picture(draw, name):
    with Image.open(EXAMPLES / "images" / f"{name}.jpg") as image:
        assert max(image.size) == 512
        seen = np.asarray(image.resize((48, 48), Image.Resampling.BOX), float)
    drawn = np.asarray(draw(name, 512).resize((48, 48), Image.Resampling.BOX), float)
    assert np.abs(seen - drawn).mean() < 3  # JPEG and another processor's rounding move a little, not a scene
