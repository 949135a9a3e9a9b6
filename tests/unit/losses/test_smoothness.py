"""Total variation of an image, in one piece and by tiles."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from styler.losses.base import Frame, LocalTarget
from styler.losses.smoothness import CHROMA, HeavyColor, Smoothness

LOSS = Smoothness()
NOTHING = LocalTarget((), ())
STEP = 1e-6


def share(image, place=(slice(None), slice(None))):
    """What a rectangle adds to the whole: it is given its own pixels and, within the image, one more row and column."""
    size = image.shape[1:3]
    (top, bottom, _), (left, right, _) = (each.indices(length) for each, length in zip(place, size, strict=True))
    part = image[:, top : bottom + LOSS.after, left : right + LOSS.after]
    frame = Frame(tf.constant([0, 0]), tf.constant([bottom - top, right - left]), tf.constant(list(size)))
    return LOSS.local(part, NOTHING, None, frame)


def by_numpy(image):
    """Mean squares of the differences to each of the eight neighbors, axes 1/3 and diagonals 1/12, counted twice."""
    down, right = image[:, 1:] - image[:, :-1], image[:, :, 1:] - image[:, :, :-1]
    falling, rising = image[:, 1:, 1:] - image[:, :-1, :-1], image[:, 1:, :-1] - image[:, :-1, 1:]
    weights = {1 / 3: (down, right), 1 / 12: (falling, rising)}
    return 2 * sum(weight * np.square(slope).mean() for weight, slopes in weights.items() for slope in slopes)


@pytest.fixture
def image(rng):
    return tf.constant(rng.uniform(size=(1, 7, 9, 3)))


def test_it_is_the_mean_squared_difference_to_all_eight_neighbors(image):
    assert float(share(image)) == pytest.approx(by_numpy(image.numpy()), rel=1e-12)


def test_a_constant_image_has_none():
    assert float(share(tf.fill((1, 6, 5, 3), 0.4))) == 0.0


@pytest.mark.parametrize("slope", [(0.01, 0.0), (0.0, 0.02), (0.01, 0.02)])
def test_that_of_a_ramp_is_its_squared_slope_in_every_direction(slope):
    rows, columns = np.mgrid[0:9, 0:11]
    ramp = np.repeat((slope[0] * rows + slope[1] * columns)[None, ..., None], 3, -1)
    assert float(share(tf.constant(ramp))) == pytest.approx(slope[0] ** 2 + slope[1] ** 2, rel=1e-9)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_turned_image_has_as_much(image, turn):
    assert float(share(tf.image.rot90(image, turn))) == pytest.approx(float(share(image)), rel=1e-12)


@pytest.mark.parametrize(("down", "right"), [((), (4,)), ((3,), ()), ((1, 6), (2, 8))])
def test_shares_of_tiles_and_their_gradients_sum_to_those_of_the_whole(image, down, right):
    rows, columns = (
        [slice(*ends) for ends in zip((0, *cuts), (*cuts, length), strict=True)]
        for cuts, length in ((down, 7), (right, 9))
    )
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(image)
        whole = share(image)
        tiles = tf.add_n([share(image, (row, column)) for row in rows for column in columns])
    assert float(tiles) == pytest.approx(float(whole), rel=1e-12)
    np.testing.assert_allclose(tape.gradient(tiles, image), tape.gradient(whole, image), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("place", [(slice(0, 7), slice(0, 9)), (slice(2, 5), slice(3, 9)), (slice(6, 7), slice(0, 4))])
def test_the_gradient_of_a_share_is_that_of_finite_differences(image, place, rng):
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = 3.0 * share(image, place)  # a weight, as the objective has one
    move = rng.normal(size=image.shape)
    ahead, behind = (float(share(image + sign * STEP * move, place)) for sign in (1, -1))
    assert float(tf.reduce_sum(tape.gradient(value, image) * move)) == pytest.approx(
        3.0 * (ahead - behind) / (2 * STEP), rel=1e-6
    )


def test_slopes_of_color_weigh_more_than_those_of_lightness():
    ramp = np.broadcast_to(0.1 * np.arange(7.0)[None, None, :, None], (1, 5, 7, 3))
    for colors, factor in ((np.ones(3), 1.0), (np.array([1.0, 0.0, -1.0]), CHROMA)):
        image = tf.constant(ramp * colors)
        assert float(share(HeavyColor()(image))) == pytest.approx(factor * float(share(image)), rel=1e-9)


def test_heavy_color_leaves_gray_and_lightness_alone(image):
    gray = tf.repeat(image[..., :1], 3, -1)
    np.testing.assert_allclose(HeavyColor()(gray), gray, rtol=1e-12)
    lightness = [tf.reduce_mean(each, -1) for each in (HeavyColor()(image), image)]
    np.testing.assert_allclose(*lightness, rtol=1e-12)
