"""Tiled equals whole: value, gradient, statistics and targets."""

from __future__ import annotations

import dataclasses
import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from styler.losses import STYLE_LOSSES
from styler.losses.content import ContentLoss
from styler.render.objective import Objective, Targets, Weights, shares
from styler.render.tiles import view_of
from styler.render.tiling import Tiling
from support.convolutions import convolutional, extractor_of, with_random_weights
from support.networks import tiny_model

NETWORKS = [("same", "avg"), ("same", "max"), ("reflect", "avg"), ("reflect", "max"), ("valid", "max")]
WEIGHTS = (0.7, 1.3, 2.0)
room = functools.partial(np.empty, dtype="float32")


@functools.cache
def made(padding, pooling, loss, dtype):
    """Kept, since every one traces programs."""
    return objective_of(convolutional(np.random.default_rng(3), padding=padding, pooling=pooling, dtype=dtype), loss)


def objective_of(model, loss):
    """Every convolution a style layer, two of them content layers."""
    extract = extractor_of(model)
    names = extract.addresses
    objective = Objective(
        extract=extract,
        content_layers=shares(((names[1], 2.0), (names[-1], 1.0))),
        style_layers=shares(tuple((name, 1.0) for name in names)),
        content_loss=ContentLoss(),
        style_loss=STYLE_LOSSES[loss](),
    )
    return objective, Tiling(objective, extract.model, view_of(extract), model.inputs[0].dtype)


def picture(rng, height, width, dtype):
    return rng.uniform(0, 1, (height, width, 3)).astype(dtype)


def whole(objective, image, photo, style):
    """Value, gradient and terms in one piece."""
    targets = Targets(objective.observe(photo[None]).content, style, weights_of(image.dtype))
    value, gradient = objective.at(targets)(tf.constant(image)[None])
    return float(value), gradient[0].numpy(), objective.terms(tf.constant(image)[None], targets)


ALPHA = np.random.default_rng(8).uniform(0, 1, (150, 150, 1))
ALPHA[20:70, 30:80] = 0.0


@pytest.mark.parametrize("loss", ["gram", "wasserstein"])
@pytest.mark.parametrize(("padding", "pooling"), NETWORKS)
@pytest.mark.parametrize(("height", "width", "tile"), [(96, 96, 32), (70, 101, 32)])
def test_what_is_transparent_counts_as_little_by_tiles(loss, padding, pooling, height, width, tile):
    objective, tiling = made(padding, pooling, loss, "float64")
    rng, alpha = np.random.default_rng(2), ALPHA[:height, :width]
    image, photo, painting = (picture(rng, *size, "float64") for size in ((height, width), (height, width), (40, 33)))
    style = objective.blend([objective.observe(painting[None]).style], [1.0])
    seen = objective.observe(photo[None], tf.constant(alpha)[None])
    targets = Targets(seen.content, style, weights_of("float64"), seen.opacity)
    value, gradient = objective.at(targets)(tf.constant(image)[None])
    stats, tiled = tiling.observe(photo, tile, lambda shape: np.empty(shape, "float64"), alpha)
    mine = np.empty_like(image)
    found = tiling.evaluate(image, tiled._replace(style=style, weights=weights_of("float64")), tile, mine).value
    assert abs(found / float(value) - 1) <= 1e-7, "alpha is averaged in float32"
    assert np.linalg.norm(mine - gradient[0].numpy()) <= 1e-7 * np.linalg.norm(gradient[0])
    for name, expected in seen.style.items():
        np.testing.assert_allclose(stats[name].second, expected.second, rtol=1e-6)


def weights_of(dtype):
    return Weights(*(tf.constant(weight, dtype) for weight in WEIGHTS))


def compare(padding, pooling, loss, dtype, height, width, tile, seed=0):
    """Norm-wise relative errors of value and gradient."""
    return errors(*made(padding, pooling, loss, dtype), np.random.default_rng(seed), height, width, tile)


def errors(objective, tiling, rng, height, width, tile):
    dtype = tiling.dtype
    image, photo, painting = (picture(rng, *size, dtype) for size in ((height, width), (height, width), (40, 33)))
    style = objective.blend([objective.observe(painting[None]).style], [1.0])
    _, targets = tiling.observe(photo, tile, lambda shape: np.empty(shape, dtype))
    gradient = np.empty_like(image)
    mine = tiling.evaluate(image, targets._replace(style=style, weights=weights_of(dtype)), tile, gradient)
    value, expected, terms = whole(objective, image, photo, style)
    np.testing.assert_allclose(np.array(mine.terms), [float(term) for term in terms], rtol=1e-4)
    return abs(mine.value / value - 1), np.linalg.norm(gradient - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize(("padding", "pooling"), NETWORKS)
@pytest.mark.parametrize("loss", ["gram", "wasserstein"])
@pytest.mark.parametrize(("height", "width", "tile"), [(96, 96, 32), (70, 101, 32), (61, 50, 24), (48, 130, 48)])
def test_tiled_equals_whole(padding, pooling, loss, height, width, tile):
    value, gradient = compare(padding, pooling, loss, "float64", height, width, tile)
    assert value <= 1e-10
    assert gradient <= 1e-10


SIDES = st.integers(40, 150)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(network=st.sampled_from(NETWORKS), height=SIDES, width=SIDES, tile=st.integers(24, 160), seed=st.integers(0, 99))
def test_tiled_equals_whole_at_random_sizes_in_float32(network, height, width, tile, seed):
    value, gradient = compare(*network, "gram", "float32", height, width, tile, seed)
    assert value <= 1e-5
    assert gradient <= 1e-4


@settings(max_examples=10, deadline=None, derandomize=True)
@given(network=st.sampled_from(NETWORKS), height=SIDES, width=SIDES, tile=st.integers(24, 160), seed=st.integers(0, 99))
def test_wasserstein_at_random_sizes_in_float32(network, height, width, tile, seed):
    value, gradient = compare(*network, "wasserstein", "float32", height, width, tile, seed)
    assert value <= 1e-4
    assert gradient <= 1e-3


@pytest.mark.parametrize("loss", ["gram", "wasserstein"])
def test_strides_dilations_and_branches(loss, rng):
    """Windows that a VGG does not have: fixed padding before a stride, dilation, two branches of unequal reach."""
    assert_equal(unusual(rng), loss, rng, 93, 110, 40)


@pytest.mark.parametrize("loss", ["gram", "wasserstein"])
def test_the_embedded_design(loss):
    model = tiny_model().__class__.from_config(tiny_model().get_config())
    model.set_weights(tiny_model().get_weights())
    assert_equal(model, loss, np.random.default_rng(5), 144, 130, 64, 1e-5, 1e-3 if loss == "wasserstein" else 1e-4)


def unusual(rng):
    layers = keras.layers
    inputs = keras.Input((None, None, 3), dtype="float64")
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), dtype="float64")(inputs)
    x = layers.Conv2D(6, 3, 2, activation="relu", name="conv1", dtype="float64")(x)
    near = layers.Conv2D(5, 1, activation="relu", name="conv2", dtype="float64")(x)
    far = layers.Conv2D(5, (5, 3), padding="same", dilation_rate=2, activation="relu", name="conv3", dtype="float64")(x)
    x = layers.Add(dtype="float64")([near, far])
    x = layers.AveragePooling2D(3, 1, padding="same", dtype="float64")(x)
    x = layers.MaxPooling2D(3, 2, dtype="float64")(x)
    x = layers.Conv2D(4, 2, activation="relu", name="conv4", dtype="float64")(x)
    return with_random_weights(keras.Model(inputs, x), rng)


def assert_equal(model, loss, rng, height, width, tile, value_error=1e-10, gradient_error=1e-10):
    """Every convolution of a model, tile by tile and in one piece."""
    objective, tiling = objective_of(model, loss)
    value, gradient = errors(objective, tiling, rng, height, width, tile)
    assert value <= value_error
    assert gradient <= gradient_error


def test_more_tiles_than_one_share_two_programs(rng):
    """Nine kinds of border, two traces."""
    objective, tiling = objective_of(convolutional(rng), "gram")
    extract, traces = objective.extract, []
    tiling.objective = dataclasses.replace(objective, extract=lambda image: traces.append(1) or extract(image))
    image = picture(rng, 130, 130, "float32")
    _, targets = tiling.observe(image, 160, room)
    style = objective.blend([objective.observe(image[None]).style], [1.0])
    targets = targets._replace(style=style, weights=weights_of("float32"))
    traces.clear()
    for tile in (32, 40, 64):
        tiling.evaluate(image, targets, tile, np.empty_like(image))
    assert len(traces) == 2


def test_every_tile_is_told_of(rng):
    objective, tiling = objective_of(convolutional(rng), "gram")
    seen = []
    tiling.watch = lambda done, count: seen.append((done, count))
    image = picture(rng, 64, 96, "float32")
    _, targets = tiling.observe(image, 32, room)
    style = objective.blend([objective.observe(image[None]).style], [1.0])
    tiling.evaluate(image, targets._replace(style=style, weights=weights_of("float32")), 32, np.empty_like(image))
    assert seen == [(done, 12) for done in range(1, 13)]


def test_no_seam_shows_in_the_difference(rng):
    """The error of the tiled gradient is no larger at tile borders than elsewhere."""
    objective, tiling = objective_of(convolutional(rng), "gram")
    image = picture(rng, 128, 128, "float32")
    _, targets = tiling.observe(image, 32, room)
    style = objective.blend([objective.observe(picture(rng, 40, 40, "float32")[None]).style], [1.0])
    gradient = np.empty_like(image)
    tiling.evaluate(image, targets._replace(style=style, weights=weights_of("float32")), 32, gradient)
    error = (gradient - whole(objective, image, image, style)[1]) ** 2
    borders = np.zeros((128, 128), bool)
    for line in range(32, 128, 32):
        borders[line - 2 : line + 2] = borders[:, line - 2 : line + 2] = True
    assert error[borders].mean() <= 4 * error[~borders].mean()
