"""The judge with a network small enough to build here."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from support.judge import (
    COMPRESSED,
    MEASURED,
    REAL,
    SEEN,
    Judge,
    content_distance,
    network,
    opened,
    style_distance,
    style_share,
    with_side,
)
from support.pictures import blobs, saved, stripes

WIDTH = 4


def archive(path):
    """Random weights of a VGG-19 of four channels, to the first layer of block 3."""
    random = np.random.default_rng(0)
    weights = {"conv0/kernel": np.eye(3, dtype=np.float32)[None, None], "conv0/bias": np.zeros(3, np.float32)}
    channels = 3
    for name in ("conv11", "conv12", "conv21", "conv22", "conv31"):
        weights[f"{name}/kernel"] = random.normal(0, 0.4, (3, 3, channels, WIDTH)).astype(np.float32)
        weights[f"{name}/bias"] = np.full(WIDTH, 0.1, np.float32)
        channels = WIDTH
    np.savez(path, **weights)
    return path


@pytest.fixture(scope="module")
def teachers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teachers")
    for name in (COMPRESSED, REAL):
        archive(folder / name)
    return folder


@pytest.fixture(scope="module")
def small(teachers):
    return network(teachers / REAL)


PHOTO, PAINTING, OTHER = blobs(64, 96, 1), stripes(64, 96), blobs(64, 96, 2, cells=20)


def test_a_network_ends_where_its_archive_does(small):
    assert list(small(PHOTO[None])) == ["conv11", "conv21", "conv31"]


def test_style_goes_from_the_photo_to_the_painting(small):
    assert style_share(small, PHOTO, [PAINTING], PHOTO) == pytest.approx(1)
    assert style_share(small, PHOTO, [PAINTING], PAINTING) == pytest.approx(0, abs=1e-6)


def test_several_paintings_are_one_painting_whose_gram_matrices_are_the_mean(small):
    assert style_distance(small, PHOTO, [PAINTING, PAINTING]) == pytest.approx(style_distance(small, PHOTO, [PAINTING]))
    assert style_distance(small, PAINTING, [PAINTING, OTHER]) < style_distance(small, PAINTING, [OTHER])


def test_content_goes_from_the_photo_upward(small):
    assert content_distance(small, PHOTO, PHOTO) == pytest.approx(0, abs=1e-6)
    assert content_distance(small, OTHER, PHOTO) > 0.2
    assert content_distance(small, PHOTO[:, ::-1], PHOTO) > 0.2


def test_columns_without_networks_are_left_out(tmp_path, teachers):
    photo, painting, result = (
        saved(tmp_path / f"{name}.png", pixels)
        for name, pixels in (("photo", PHOTO), ("painting", PAINTING), ("result", PAINTING))
    )
    alone = Judge.of(None)
    assert alone.columns == MEASURED
    measured = alone.row(photo, [painting], result)
    assert measured.pop("weave") > 0
    assert measured == pytest.approx({"noise": 1, "fringe": 1, "palette": 0, "clipped": 0}, abs=0.005)
    whole = Judge.of(teachers)
    row = whole.row(photo, [painting], result)
    assert tuple(row) == whole.columns == SEEN + MEASURED
    assert row["style"] == pytest.approx(0, abs=1e-6)


def test_transparent_parts_are_white(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert opened(tmp_path / "clear.png").getpixel((0, 0)) == (255, 255, 255)


def test_images_too_thin_to_judge_are_refused():
    with pytest.raises(ValueError, match="at least 64 pixels"):
        with_side(Image.new("RGB", (500, 50)), 400)
