from __future__ import annotations

import numpy as np
import pytest

from styler.images.color import from_ycbcr, to_ycbcr, with_chroma_of, with_oklab_chroma_of
from styler.images.oklab import to_linear, to_oklab
from support.pictures import blobs, stripes


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [  # ITU-T T.871 on corners of the cube
        ([0, 0, 0], [0, 0, 0]),
        ([1, 1, 1], [1, 0, 0]),
        ([1, 0, 0], [0.299, -0.168736, 0.5]),
        ([0, 1, 0], [0.587, -0.331264, -0.418688]),
        ([0, 0, 1], [0.114, 0.5, -0.081312]),
    ],
)
def test_to_ycbcr(rgb, expected):
    np.testing.assert_allclose(to_ycbcr(np.float32(rgb)), expected, atol=1e-6)


def test_there_and_back(rng):
    pixels = rng.random((5, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(from_ycbcr(to_ycbcr(pixels)), pixels, atol=1e-6)


def test_luma_is_the_results_everywhere():
    result, content = stripes(40, 60), blobs(40, 60, 0)
    mixed = with_chroma_of(result, content)
    np.testing.assert_allclose(to_ycbcr(mixed)[..., 0], to_ycbcr(result)[..., 0], atol=1e-5)
    assert 0.0 <= mixed.min() <= mixed.max() <= 1.0
    assert mixed.dtype == np.float32


def test_chroma_is_the_contents_where_it_fits_and_else_its_hue():
    result, content = stripes(40, 60), blobs(40, 60, 0)
    mine, theirs = (to_ycbcr(p)[..., 1:].astype(float) for p in (with_chroma_of(result, content), content))
    inside = (from_ycbcr(np.dstack([to_ycbcr(result)[..., :1], theirs])) <= 1).all(-1)
    inside &= (from_ycbcr(np.dstack([to_ycbcr(result)[..., :1], theirs])) >= 0).all(-1)
    assert 0.2 < inside.mean() < 1.0
    np.testing.assert_allclose(mine[inside], theirs[inside], atol=1e-5)
    cross = mine[..., 0] * theirs[..., 1] - mine[..., 1] * theirs[..., 0]
    np.testing.assert_allclose(cross, 0, atol=1e-5)
    assert (np.linalg.norm(mine, axis=-1) <= np.linalg.norm(theirs, axis=-1) + 1e-5).all()


@pytest.mark.parametrize("gray", [0.0, 0.5, 1.0])
def test_a_gray_photo_gives_a_gray_result(gray):
    mixed = with_chroma_of(stripes(8, 8), np.full((8, 8, 3), gray, np.float32))
    np.testing.assert_allclose(mixed, np.repeat(to_ycbcr(stripes(8, 8))[..., :1], 3, -1), atol=1e-6)


def test_black_and_white_stay_black_and_white():
    for extreme in (0.0, 1.0):
        flat = np.full((8, 8, 3), extreme, np.float32)
        np.testing.assert_allclose(with_chroma_of(flat, blobs(8, 8, 0)), flat, atol=1e-6)


def test_oklab_lightness_is_the_results_and_the_color_the_contents_where_it_fits():
    result, content = stripes(40, 60), blobs(40, 60, 0)
    mine, theirs, wanted = (to_oklab(p) for p in (with_oklab_chroma_of(result, content), content, result))
    np.testing.assert_allclose(mine[..., 0], wanted[..., 0], atol=1e-3)
    light = to_linear(np.concatenate([wanted[..., :1], theirs[..., 1:]], -1))
    inside = ((light >= 0) & (light <= 1)).all(-1)
    assert 0.2 < inside.mean() < 1.0
    np.testing.assert_allclose(mine[inside], np.dstack([wanted[..., :1], theirs[..., 1:]])[inside], atol=1e-3)
    cross = mine[..., 1] * theirs[..., 2] - mine[..., 2] * theirs[..., 1]
    np.testing.assert_allclose(cross, 0, atol=1e-4)
    chroma = [np.linalg.norm(each[..., 1:], axis=-1) for each in (mine, theirs)]
    assert (chroma[0] <= chroma[1] + 1e-3).all()


@pytest.mark.parametrize("extreme", [0.0, 1.0])
def test_black_and_white_stay_so_in_oklab(extreme):
    flat = np.full((8, 8, 3), extreme, np.float32)
    np.testing.assert_allclose(with_oklab_chroma_of(flat, blobs(8, 8, 0)), flat, atol=1e-3)
