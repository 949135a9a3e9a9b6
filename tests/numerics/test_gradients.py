"""Gradients of every loss and of the whole objective against finite differences, in float64.

The features come from a small smooth network of two layers, so that central differences are good to eight digits.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from styler.losses import STYLE_LOSSES
from styler.losses.base import Frame, LocalTarget, added
from styler.losses.content import ContentLoss
from styler.losses.grain import Grain
from styler.losses.palette import Palette
from styler.losses.smoothness import HeavyColor, Smoothness
from styler.losses.term import STYLE, Term
from styler.objective.objective import Targets
from support.objectives import objective_of

STEP = 1e-6
LOSSES = list(STYLE_LOSSES)
KERNELS = [np.random.default_rng(seed).normal(0, 0.4, shape) for seed, shape in enumerate([(3, 3, 3, 4), (3, 3, 4, 5)])]
WEIGHTS = {"content": 0.7, "style": 1.3, "smoothness": 0.4}


def smooth_features(image):
    """Two convolutions with tanh and a pooling between them."""
    first = tf.tanh(tf.nn.conv2d(image, KERNELS[0], 1, "SAME"))
    second = tf.tanh(tf.nn.conv2d(tf.nn.avg_pool2d(first, 2, 2, "SAME"), KERNELS[1], 1, "SAME"))
    return {"shallow": first, "deep": second}


def picture(rng, height=7, width=9):
    return tf.constant(rng.uniform(size=(1, height, width, 3)))


def made(loss):
    """Two layers of style and content, smoothness, palette and grain."""
    objective = objective_of(
        smooth_features, (("shallow", 3.0), ("deep", 1.0)), (("shallow", 2.0), ("deep", 3.0)), loss
    )
    beside = [
        Term(name=name, group=STYLE, loss=STYLE_LOSSES[loss](), reading=reading, share=0.25)
        for name, reading in (("palette", Palette()), ("grain", Grain()))
    ]
    return replace(objective, statistic=(*objective.statistic, *beside))


def targets_of(objective, photo, styles, alpha=None):
    """Targets with weights as a render has them: a factor of the group times the term's share."""
    seen = objective.observe(photo, alpha)
    shares = [(place + 1) / sum(range(len(styles) + 1)) for place in range(len(styles))]
    aims = objective.prepared(seen.stats, styles, shares)
    weights = {term.name: tf.constant(WEIGHTS[term.group] * term.share, tf.float64) for term in objective.terms}
    return Targets(aims, seen.activations, weights, seen.regions)


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
        assert float(tf.reduce_sum(gradient * move)) == pytest.approx(numeric, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("layer", ["shallow", "deep"])
def test_style_losses(rng, name, layer):
    loss = STYLE_LOSSES[name]()
    target = loss.prepared(loss.statistics(smooth_features(picture(rng, 11, 6))[layer]))

    def function(image):
        return loss.distance(loss.statistics(smooth_features(image)[layer]), target)[0, 0]

    assert_gradient(function, picture(rng), rng)


@pytest.mark.parametrize("name", LOSSES)
def test_style_losses_of_few_positions_and_many_channels(rng, name):
    """Fewer positions than channels: both covariances are singular."""
    loss = STYLE_LOSSES[name]()
    target = loss.prepared(loss.statistics(smooth_features(picture(rng, 4, 4))["deep"]))

    def function(image):
        return loss.distance(loss.statistics(smooth_features(image)["deep"]), target)[0, 0]

    assert_gradient(function, picture(rng, 4, 2), rng)


@pytest.mark.parametrize("name", LOSSES)
def test_style_losses_of_two_regions(rng, name):
    """Overlapping ones, each with its own part of the style, both in one value."""
    loss = STYLE_LOSSES[name]()
    mine, theirs = (tf.constant(rng.uniform(size=(1, *size, 2))) for size in ((7, 9), (8, 6)))
    target = loss.prepared(loss.statistics(smooth_features(picture(rng, 8, 6))["shallow"], theirs))

    def function(image):
        distances = loss.distance(loss.statistics(smooth_features(image)["shallow"], mine), target)
        return tf.reduce_sum(distances * tf.constant([1.0, 3.0], tf.float64))

    assert_gradient(function, picture(rng), rng)


@pytest.mark.parametrize("weighted", [False, True])
def test_content_loss(rng, weighted):
    loss, content, size = ContentLoss(), smooth_features(picture(rng))["deep"], tf.constant([4, 5])
    weights = tf.constant(rng.uniform(size=(1, 4, 5, 2))) if weighted else None
    target = LocalTarget(loss.prepared(loss.statistics(content, weights)), content)
    frame = Frame(tf.zeros_like(size), size, size)
    assert_gradient(lambda x: loss.local(smooth_features(x)["deep"], target, weights, frame), picture(rng), rng)


def test_smoothness(rng):
    size = tf.constant([7, 9])
    frame = Frame(tf.zeros_like(size), size, size)
    assert_gradient(lambda x: Smoothness().local(HeavyColor()(x), LocalTarget((), ()), None, frame), picture(rng), rng)


@pytest.mark.parametrize("reading", [Palette(), Grain(), HeavyColor()], ids=lambda reading: type(reading).__name__)
def test_readings(rng, reading):
    at = picture(rng)
    slope = tf.constant(rng.normal(size=reading(at).shape))
    assert_gradient(lambda x: tf.reduce_sum(slope * reading(x)), at, rng)


@pytest.mark.parametrize(("name", "transparent"), list(zip(LOSSES, itertools.cycle([False, True]))))
def test_the_whole_objective(rng, name, transparent):
    objective = made(name)
    styles = [objective.observe(picture(rng, *size)).stats for size in ((6, 8), (10, 5))]
    alpha = tf.constant(rng.uniform(size=(1, 7, 9, 1))) if transparent else None
    targets = targets_of(objective, picture(rng), styles, alpha)
    at = picture(rng)
    assert_gradient(lambda x: objective.value(x, targets), at, rng)

    value, gradient = objective.at(targets)(at)
    terms = objective.values(at, targets)
    assert terms.keys() == {term.name for term in objective.terms}
    assert float(value) == pytest.approx(sum(float(targets.weights[of] * terms[of]) for of in terms), rel=1e-12)
    with tf.GradientTape() as tape:
        tape.watch(at)
        plain = objective.value(at, targets)
    np.testing.assert_allclose(gradient, tape.gradient(plain, at), rtol=1e-9)
    if transparent:
        unweighted = objective.value(at, targets._replace(regions={}))
        assert float(value) != pytest.approx(float(unweighted), rel=1e-3)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("regions", [0, 2])
def test_the_gradient_of_a_whole_is_that_of_its_tiles(rng, name, regions):
    """The distance's slope in the statistics, pulled back tile by tile: what exact tiling rests on."""
    loss = STYLE_LOSSES[name]()
    target = loss.prepared(loss.statistics(tf.constant(rng.normal(size=(1, 5, 7, 4)))))
    features = tf.constant(rng.normal(size=(1, 6, 8, 4)))
    weights = tf.constant(rng.uniform(size=(1, 6, 8, regions))) if regions else None
    with tf.GradientTape() as tape:
        tape.watch(features)
        value = tf.reduce_sum(loss.distance(loss.statistics(features, weights), target))
    whole = tape.gradient(value, features)

    tiles = tf.split(features, 2, 2)
    cuts = tf.split(weights, 2, 2) if regions else [None, None]
    stats = added(*(loss.statistics(*part) for part in zip(tiles, cuts, strict=True)))
    with tf.GradientTape() as tape:
        tape.watch(stats)
        value = tf.reduce_sum(loss.distance(stats, target))
    slopes = tape.gradient(value, stats, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    pulled = []
    for tile, cut in zip(tiles, cuts, strict=True):
        with tf.GradientTape() as tape:
            tape.watch(tile)
            amounts = loss.statistics(tile, cut)
            share = sum(tf.reduce_sum(slopes[of] * amount) for of, amount in amounts.items())
        pulled.append(tape.gradient(share, tile))
    np.testing.assert_allclose(tf.concat(pulled, 2), whole, rtol=1e-9, atol=1e-12)
