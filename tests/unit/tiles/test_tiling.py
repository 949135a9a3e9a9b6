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
from styler.losses.term import CONTENT, SMOOTHNESS, STYLE
from styler.objective.objective import Targets
from styler.tiles.layout import view_of
from styler.tiles.tiling import Tiling
from styler.types import Size
from support.convolutions import convolutional, extractor_of, with_random_weights
from support.networks import tiny_model
from support.objectives import objective_of as objective_over
from support.tile_borders import at_borders

UNUSUAL = ("fixed", "both")
NETWORKS = [("same", "avg"), ("same", "max"), ("reflect", "avg"), ("reflect", "max"), ("valid", "max"), UNUSUAL]
LOSSES = list(STYLE_LOSSES)
PAIRS = [  # every network and every loss at least once, since each pair traces programs
    (*NETWORKS[number % len(NETWORKS)], LOSSES[number % len(LOSSES)])
    for number in range(max(len(NETWORKS), len(LOSSES)))
]
PAIRS_32 = [("same", "avg", "gram"), ("reflect", "max", "gram"), ("valid", "max", "wasserstein")]
WEIGHTS = {CONTENT: 0.7, STYLE: 1.3, SMOOTHNESS: 2.0}


def room(name, shape, dtype="float32"):
    return np.empty(shape, dtype)


@functools.cache
def made(padding, pooling, loss, dtype):
    """Kept, since every one traces programs."""
    rng = np.random.default_rng(3)
    if (padding, pooling) == UNUSUAL:
        return objective_of(unusual(rng), loss)
    return objective_of(convolutional(rng, padding=padding, pooling=pooling, dtype=dtype), loss)


def objective_of(model, loss):
    """The first and the last convolution are style layers, the second and the last content layers."""
    extract = extractor_of(model)
    names = extract.addresses
    style = ((names[0], 1.0), (names[-1], 1.0))  # few, since tracing takes most of the time
    objective = objective_over(extract, style, ((names[1], 2.0), (names[-1], 1.0)), loss)
    return objective, Tiling(objective, extract, view_of(objective, extract), model.inputs[0].dtype)


def aimed(objective, seen, painting):
    """Targets from an observation of the photo and the painting's pixels."""
    style = objective.observe(tf.constant(painting)[None]).stats
    weights = {term.name: term.share * WEIGHTS[term.group] for term in objective.terms}
    return Targets(objective.prepared(seen.stats, [style], [1.0]), seen.activations, weights, seen.regions)


def picture(rng, height, width, dtype):
    return rng.uniform(0, 1, (height, width, 3)).astype(dtype)


def whole(objective, image, targets):
    """Value, gradient and terms in one piece."""
    value, gradient = objective.at(targets)(tf.constant(image)[None])
    return float(value), gradient[0].numpy(), objective.values(tf.constant(image)[None], targets)


ALPHA = np.random.default_rng(8).uniform(0, 1, (150, 150, 2))
ALPHA[20:70, 30:80] = 0.0


def compare(padding, pooling, loss, dtype, height, width, tile, seed=0):
    """Norm-wise relative errors of value and gradient."""
    return errors(*made(padding, pooling, loss, dtype), np.random.default_rng(seed), height, width, tile)


def errors(objective, tiling, rng, height, width, tile, alpha=None):
    dtype = tiling.dtype
    image, photo, painting = (picture(rng, *size, dtype) for size in ((height, width), (height, width), (40, 33)))
    seen = objective.observe(photo[None], None if alpha is None else tf.constant(alpha, dtype)[None])
    expected, slope, terms = whole(objective, image, aimed(objective, seen, painting))
    tiled = tiling.observe(photo, tile, functools.partial(room, dtype=dtype), alpha)
    gradient = np.empty_like(image)
    mine = tiling.evaluate(image, aimed(objective, tiled, painting), tile, gradient)
    assert set(mine.terms) == set(terms)
    for name, value in mine.terms.items():
        np.testing.assert_allclose(value, float(terms[name]), rtol=1e-4)
    return abs(mine.value / expected - 1), np.linalg.norm(gradient - slope) / np.linalg.norm(slope)


def numbers(*quick):
    """Numbers of all pairs; those that are not quick are compared among the slow tests."""
    return [
        pytest.param(number, marks=[] if number in quick else pytest.mark.slow, id="-".join(pair))
        for number, pair in enumerate(PAIRS)
    ]


# By default each padding and each loss is compared once, with or without regions.
@pytest.mark.parametrize("number", numbers(0, 2, 4))
@pytest.mark.parametrize(("height", "width", "tile"), [(61, 50, 24), (48, 130, 48)])
def test_tiled_equals_whole(number, height, width, tile):
    value, gradient = compare(*PAIRS[number], "float64", height, width, tile)
    assert value <= 1e-10
    assert gradient <= 1e-10


SIDES = st.integers(40, 150)


@pytest.mark.parametrize("number", numbers(3, 5))
def test_tiled_equals_whole_with_regions(rng, number):
    """Of the photo that count less or not at all."""
    objective, tiling = made(*PAIRS[number], "float64")
    regions = 1 + number // 2 % 2
    for height, width, tile in ((61, 133, 48), (150, 97, 77)):
        value, gradient = errors(objective, tiling, rng, height, width, tile, ALPHA[:height, :width, :regions])
        assert value <= 1e-10
        assert gradient <= 1e-10


@pytest.mark.slow
@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    network=st.sampled_from(NETWORKS),
    loss=st.sampled_from(list(STYLE_LOSSES)),
    height=SIDES,
    width=SIDES,
    tile=st.integers(48, 160),
    regions=st.sampled_from([0, 1, 2]),
    seed=st.integers(0, 99),
)
def test_tiled_equals_whole_for_all_that_there_is(network, loss, height, width, tile, regions, seed):
    """Sizes, tiles, networks, poolings, losses, and regions of the photo that count less or not at all."""
    shown = ALPHA[:height, :width, :regions] if regions else None
    objective, tiling = made(*network, loss, "float64")
    value, gradient = errors(objective, tiling, np.random.default_rng(seed), height, width, tile, shown)
    assert value <= 1e-10
    assert gradient <= 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS_32, ids="-".join)
@settings(max_examples=4, deadline=None, derandomize=True)
@given(height=SIDES, width=SIDES, tile=st.integers(24, 160), seed=st.integers(0, 99))
def test_tiled_equals_whole_at_random_sizes_in_float32(pair, height, width, tile, seed):
    value, gradient = compare(*pair, "float32", height, width, tile, seed)
    assert value <= (1e-5 if "gram" in pair else 1e-4)
    assert gradient <= (1e-4 if "gram" in pair else 1e-3)


def test_the_embedded_design():
    model = tiny_model().__class__.from_config(tiny_model().get_config())
    model.set_weights(tiny_model().get_weights())
    objective, tiling = objective_of(model, "gram")
    value, gradient = errors(objective, tiling, np.random.default_rng(5), 144, 130, 64)
    assert value <= 1e-5
    assert gradient <= 1e-4


def unusual(rng):
    """Windows that a VGG does not have: fixed padding before a stride, dilation, two branches of unequal reach."""
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


def test_more_tiles_than_one_share_two_programs(rng):
    """Nine kinds of border, two traces."""
    objective, tiling = objective_of(convolutional(rng, widths=(4, 6), depths=(1, 1)), "gram")
    extract, traces = objective.extract, []
    tiling.objective = dataclasses.replace(objective, extract=lambda image: traces.append(1) or extract(image))
    image = picture(rng, 130, 130, "float32")
    targets = aimed(objective, tiling.observe(image, 160, room), image)
    traces.clear()
    for tile in (32, 40, 64):
        tiling.evaluate(image, targets, tile, np.empty_like(image))
    assert len(traces) == 2


def test_every_tile_is_told_of(rng):
    objective, tiling = made("same", "avg", "gram", "float32")
    seen = []
    image = picture(rng, 64, 96, "float32")
    targets = aimed(objective, tiling.observe(image, 32, room), image)
    tiling.evaluate(image, targets, 32, np.empty_like(image), lambda done, count: seen.append((done, count)))
    assert seen == [(done, 12) for done in range(1, 13)]


def test_no_seam_shows_in_the_difference(rng):
    """The error of the tiled gradient is no larger at tile borders than elsewhere."""
    objective, tiling = made("same", "avg", "gram", "float32")
    image, painting = picture(rng, 192, 192, "float32"), picture(rng, 40, 40, "float32")
    targets, gradient = aimed(objective, tiling.observe(image, 32, room), painting), np.empty_like(image)
    tiling.evaluate(image, targets, 32, gradient)
    seen = aimed(objective, objective.observe(image[None]), painting)
    error = (gradient - whole(objective, image, seen)[1]) ** 2
    borders = at_borders(tiling.view, Size(192, 192), 32)
    assert 0.1 < borders.mean() < 0.6
    assert error[borders].mean() <= 1.5 * error[~borders].mean()
