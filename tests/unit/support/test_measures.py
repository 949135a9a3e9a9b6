"""The measures against images whose values are known."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from support import measures
from support.pictures import blobs

SIZE = (96, 128)


def grainy(seed=0, size=SIZE):
    """Gray noise without a preferred direction."""
    gray = np.random.default_rng(seed).normal(0.5, 0.08, (*size, 1))
    return np.float32(np.clip(np.repeat(gray, 3, axis=2), 0.05, 0.95))


def blurred(image):
    return np.asarray(Image.fromarray(np.uint8(image * 255)).filter(ImageFilter.GaussianBlur(2)), np.float32) / 255


def flat(color, size=SIZE):
    return np.full((*size, 3), color, np.float32)


def grid(period, turned):
    """Lines along the axes, or at 45 degrees."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(float)
    if turned:
        rows, columns = (rows + columns) / 2**0.5, (rows - columns) / 2**0.5
    lines = np.sin(rows * 2 * np.pi / period) + np.sin(columns * 2 * np.pi / period)
    return np.float32(np.repeat(lines[..., None], 3, axis=2))


def neutral_speckle(seed=1):
    """Color noise that leaves lightness (BT.601 luma) alone."""
    red = np.random.default_rng(seed).normal(0, 0.1, SIZE)
    return np.float32(np.stack([red, -red * 0.299 / 0.587, np.zeros(SIZE)], axis=-1))


def test_a_picture_judged_against_itself():
    image = grainy()
    assert measures.noise(image, image) == 1
    assert measures.fringe(image, image) == 1
    assert measures.palette_distance(image, image) < 0.002  # both are sampled
    assert measures.oklab_distance(image, image) < 0.002
    assert measures.edge_similarity(image, image) == pytest.approx(1)
    assert measures.weave(image, image, image) == pytest.approx(1, abs=0.35)  # a few windows against all of them
    assert measures.clipped(image, image) == 0


def test_a_blurred_picture_has_less_noise_and_fewer_edges():
    image = grainy()
    assert measures.noise(blurred(image), image) < 0.1
    assert measures.edge_similarity(blurred(image), image) < 0.5


def test_edges_that_moved_are_other_edges():
    image = blobs(*SIZE, seed=1, cells=12)
    assert measures.edge_similarity(np.roll(image, 5, axis=1), image) < measures.edge_similarity(image * 0.9, image)


def test_colored_speckle_is_fringe_and_no_noise():
    image = grainy()
    speckled = image + neutral_speckle()
    assert measures.fringe(speckled, image) > 10
    assert measures.noise(speckled, image) == pytest.approx(1, abs=0.01)


def test_a_palette_does_not_depend_on_places():
    image = blobs(*SIZE, seed=1)
    shuffled = np.random.default_rng(0).permutation(image.reshape(-1, 3)).reshape(image.shape)
    assert measures.palette_distance(shuffled, image) < 0.005


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        (measures.palette_distance, 3**0.5 / 2),
        (measures.oklab_distance, 1 / 2),
    ],
)
def test_two_flat_colors_are_half_their_distance_apart(distance, expected):
    """The mean of |cos| over all directions of space is 1/2; black and white differ by (1, 1, 1) and by L = 1."""
    assert distance(flat(0.0), flat(1.0)) == pytest.approx(expected, rel=0.15)


def test_lines_along_the_axes_are_weave_and_slanted_lines_are_not():
    painting = grainy()
    photo = blobs(*SIZE, seed=1)
    woven, slanted = (grainy(2) + 0.05 * grid(4, turned) for turned in (False, True))
    assert measures.weave(woven, photo, painting) > 3
    assert measures.weave(slanted, photo, painting) < 0.5


def test_weave_is_looked_for_where_the_photo_is_flat():
    photo = grainy()
    photo[:, :64] = 0.5
    woven = grainy(2)
    woven[:, 64:] += 0.05 * grid(4, False)[:, 64:]
    assert measures.weave(woven, photo, grainy(3)) == pytest.approx(1, abs=0.4)
    assert measures.weave(woven[:, ::-1], photo, grainy(3)) > 3


def test_clipped_counts_beyond_the_painting():
    half = flat(1.0)
    half[:48] = 0.5
    assert measures.clipped(half, flat(0.5)) == pytest.approx(0.5)
    assert measures.clipped(half, half) == 0
    assert measures.clipped(flat(0.5), half) == 0
