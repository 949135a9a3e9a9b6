"""Every constructor of keras.applications against a multi-output model written by hand, both compiled."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from styler.features.extractor import FeatureExtractor

SIDE = 96  # pixels; the constructors want 32, 71 or 75 at least
OUTPUTS = 8
CONSTRUCTORS = sorted(
    name
    for name, member in vars(keras.applications).items()
    if inspect.isfunction(member) and "include_top" in inspect.signature(member).parameters
)


def operations(function):
    """Types of the operations of a compiled function, those that only pass a tensor on left out."""
    graph = function.get_concrete_function().graph
    return sorted(each.type for each in graph.get_operations() if each.type != "Identity")


def spread(model):
    """Some layers from the first to the last."""
    names = [layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    return [names[index] for index in np.linspace(0, len(names) - 1, OUTPUTS).round().astype(int)]


def difference(one, other):
    """Largest difference relative to the largest value."""
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    assert np.isfinite(other).all()
    return np.abs(one - other).max() / max(np.abs(other).max(), 1e-30)


@pytest.mark.slow
@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_equals_a_model_by_hand(name):
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3))
    layers = spread(model)
    extractor = FeatureExtractor(model, layers)
    by_hand = tf.function(
        keras.Model(model.input, [model.get_layer(layer).output for layer in layers]),
        input_signature=[tf.TensorSpec(model.input.shape, tf.float32)],
    )
    pixels = np.random.default_rng(0).random((1, SIDE, SIDE, 3), np.float32)
    features, expected = extractor(pixels), by_hand(tf.constant(pixels))
    assert list(features) == layers
    worst = max(difference(features[layer], each) for layer, each in zip(layers, expected, strict=True))
    ours, theirs = operations(extractor._source._compiled), operations(by_hand)
    report = os.environ.get("STYLER_TEST_REPORT")
    if report:
        with Path(report).open("a") as stream:
            stream.write(f"{name} {worst:.2e} {len(ours)} {len(theirs)}\n")
    assert worst <= 1e-5
    assert ours == theirs


def test_all_constructors_are_tried():
    assert len(CONSTRUCTORS) >= 38
