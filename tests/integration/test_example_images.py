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
SIDE = 72
QUICKEST = ("still_life", "dots", "facets")


@pytest.fixture(scope="module")
def script():
    sys.path.insert(0, str(EXAMPLES))
    spec = importlib.util.spec_from_file_location("make_images", EXAMPLES / "make_images.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(EXAMPLES))


def test_every_maker_is_tested(script):
    assert set(script.MAKERS) == set(NAMES)


@pytest.mark.parametrize(
    "name", [name if name in QUICKEST else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_a_maker_gives_the_same_picture_twice(script, name):
    picture = script.MAKERS[name](SIDE)
    assert np.array_equal(picture, script.MAKERS[name](SIDE))
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    assert max(picture.shape) == SIDE
    assert picture.min() >= 0
    assert picture.max() <= 1
    assert picture.std() > 0.1
    colors = np.unique(np.uint8(picture * 255).reshape(-1, 3), axis=0)
    assert len(colors) > 2000


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_file_decodes(name):
    with Image.open(EXAMPLES / "images" / f"{name}.jpg") as image:
        assert image.mode == "RGB"
        assert max(image.size) == 512
        assert len(np.unique(np.asarray(image).reshape(-1, 3), axis=0)) > 10_000


def test_the_committed_files_are_small():
    assert sum((EXAMPLES / "images" / f"{name}.jpg").stat().st_size for name in NAMES) < 900_000


def test_a_committed_file_is_that_picture(script):
    with Image.open(EXAMPLES / "images" / "woodcut.jpg") as image:  # the quickest at full size
        seen = np.asarray(image.resize((48, 48), Image.Resampling.BOX), float)
    drawn = np.asarray(script.draw("woodcut", 512).resize((48, 48), Image.Resampling.BOX), float)
    assert np.abs(seen - drawn).mean() < 3  # JPEG and another processor's rounding move a little, not a scene


def test_the_script_writes_what_is_asked_for(script, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["make_images.py", "--out", str(tmp_path), "--only", "woodcut", "--side", "96"])
    script.main()
    assert [file.name for file in tmp_path.iterdir()] == ["woodcut.jpg"]
