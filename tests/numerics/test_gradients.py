"""Gradients of every loss and of the whole objective against finite differences, in float64.

The features come from a small smooth network of two layers, so that central differences are good to eight digits.
"""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from styler.config import LOSSES
from styler.losses import STYLE_LOSSES
from styler.losses import functional as F
from styler.losses.content import ContentLoss
from styler.render.objective import Objective, Targets, Weights

STEP = 1e-5
KERNELS = [np.random.default_rng(seed).normal(0, 0.4, shape) for seed, shape in enumerate([(3, 3, 3, 4), (3, 3, 4, 5)])]


def smooth_features(image):
    """Two convolutions with tanh and a pooling between them."""
    first = tf.tanh(tf.nn.conv2d(image, KERNELS[0], 1, "SAME"))
    second = tf.tanh(tf.nn.conv2d(tf.nn.avg_pool2d(first, 2, 2, "SAME"), KERNELS[1], 1, "SAME"))
    return {"shallow": first, "deep": second}


def image(rng, height=7, width=9):
    return tf.constant(rng.uniform(size=(1, height, width, 3)))


def assert_gradient(function, at, rng):
    """The slope of `function` along random directions."""
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = function(at)
    gradient = tape.gradient(value, at)
    assert float(tf.norm(gradient)) > 1e-6
    for _ in range(4):
        move = tf.constant(rng.normal(size=at.shape))
        numeric = float(function(at + STEP * move) - function(at - STEP * move)) / (2 * STEP)
        assert float(tf.reduce_sum(gradient * move)) == pytest.approx(numeric, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("layer", ["shallow", "deep"])
def test_style_losses(rng, name, layer):
    loss = STYLE_LOSSES[name]()
    target = loss.prepared(loss.statistics(smooth_features(image(rng, 11, 6))[layer]))
    assert_gradient(lambda x: loss.distance(loss.statistics(smooth_features(x)[layer]), target), image(rng), rng)


@pytest.mark.parametrize("name", LOSSES)
def test_style_losses_of_few_positions_and_many_channels(rng, name):
    """Fewer positions than channels: both covariances are singular."""
    loss = STYLE_LOSSES[name]()
    target = loss.prepared(loss.statistics(smooth_features(image(rng, 4, 4))["deep"]))
    assert_gradient(lambda x: loss.distance(loss.statistics(smooth_features(x)["deep"]), target), image(rng, 4, 2), rng)


def test_content_loss(rng):
    target = ContentLoss().prepared(smooth_features(image(rng))["deep"])
    assert_gradient(lambda x: ContentLoss().distance(smooth_features(x)["deep"], target), image(rng), rng)


def test_total_variation(rng):
    assert_gradient(F.nine_point_variation, image(rng), rng)


@pytest.mark.parametrize("name", LOSSES)
def test_the_whole_objective(rng, name):
    objective = Objective(
        extract=smooth_features,
        content_layers=(("shallow", 0.4), ("deep", 0.6)),
        style_layers=(("shallow", 0.75), ("deep", 0.25)),
        content_loss=ContentLoss(),
        style_loss=STYLE_LOSSES[name](),
    )
    styles = [objective.observe(image(rng, *size)).style for size in ((6, 8), (10, 5))]
    style = objective.blend(styles, [0.3, 0.7])
    content = objective.observe(image(rng)).content
    weights = Weights(*(tf.constant(weight, tf.float64) for weight in (0.7, 1.3, 0.4)))
    targets = Targets(content, style, weights)
    assert_gradient(lambda x: objective.value(x, targets), image(rng), rng)
    value, gradient = objective.at(targets)(at := image(rng))
    assert float(value) == pytest.approx(float(objective.value(at, targets)), rel=1e-12)
    distances = {name: ContentLoss().distance(smooth_features(at)[name], content[name]) for name in content}
    expected = 0.4 * distances["shallow"] + 0.6 * distances["deep"]
    assert float(objective.terms(at, targets).content) == pytest.approx(float(expected), rel=1e-12)
    with tf.GradientTape() as tape:
        tape.watch(at)
        plain = objective.value(at, targets)
    np.testing.assert_allclose(gradient, tape.gradient(plain, at), rtol=1e-9)


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_a_whole_is_that_of_its_tiles(rng, name):
    """The distance's slope in the statistics, pulled back tile by tile: what exact tiling rests on."""
    loss = STYLE_LOSSES[name]()
    target = loss.prepared(loss.statistics(tf.constant(rng.normal(size=(1, 5, 7, 4)))))
    features = tf.constant(rng.normal(size=(1, 6, 8, 4)))
    with tf.GradientTape() as tape:
        tape.watch(features)
        value = loss.distance(loss.statistics(features), target)
    whole = tape.gradient(value, features)

    stats = loss.statistics(features)
    with tf.GradientTape() as tape:
        tape.watch([stats.first, stats.second])
        value = loss.distance(stats, target)
    slopes = [
        tf.zeros_like(part) if slope is None else slope
        for part, slope in zip(stats[1:], tape.gradient(value, [stats.first, stats.second]), strict=True)
    ]
    tiles = []
    for tile in tf.split(features, 2, axis=2):
        with tf.GradientTape() as tape:
            tape.watch(tile)
            _, first, second = loss.statistics(tile)
        tiles.append(tape.gradient([first, second], tile, output_gradients=slopes))
    np.testing.assert_allclose(tf.concat(tiles, 2), whole, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_the_whole_objective_where_positions_count_unequally(rng, name):
    objective = Objective(
        extract=smooth_features,
        content_layers=(("shallow", 0.4), ("deep", 0.6)),
        style_layers=(("shallow", 0.75), ("deep", 0.25)),
        content_loss=ContentLoss(),
        style_loss=STYLE_LOSSES[name](),
    )
    alpha = tf.constant(rng.uniform(size=(1, 7, 9, 1)))
    style = objective.blend([objective.observe(image(rng, 6, 8), tf.ones((1, 6, 8, 1), tf.float64)).style], [1.0])
    photo = objective.observe(image(rng), alpha)
    weights = Weights(*(tf.constant(weight, tf.float64) for weight in (0.7, 1.3, 0.4)))
    targets = Targets(photo.content, style, weights, photo.opacity)
    assert set(photo.opacity) == {"shallow", "deep"}
    assert_gradient(lambda x: objective.value(x, targets), image(rng), rng)
    unweighted = targets._replace(opacity={})
    at = image(rng)
    assert float(objective.value(at, targets)) != pytest.approx(float(objective.value(at, unweighted)), rel=1e-3)
