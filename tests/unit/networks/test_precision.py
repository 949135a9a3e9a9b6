import keras
import numpy as np
import pytest
import tensorflow as tf

from styler.networks.compact import build_untrained, to_inputs
from styler.networks.precision import in_precision
from support.pictures import blobs

IMAGE = to_inputs(tf.constant(blobs(64, 64, 5))[None])


def test_float32_is_the_model_itself():
    model = build_untrained()
    before = [layer.dtype_policy.name for layer in model.layers]
    assert in_precision(model, "float32") is model
    assert [layer.dtype_policy.name for layer in model.layers] == before


def test_mixed_computes_in_bfloat16_with_variables_in_float32():
    model = build_untrained()
    exact = model(IMAGE)
    rounded = in_precision(model, "mixed")(IMAGE)
    assert rounded.dtype == tf.bfloat16
    assert {variable.dtype for variable in model.variables} == {"float32"}
    error = float(tf.norm(tf.cast(rounded, tf.float32) - exact) / tf.norm(exact))
    assert 0 < error < 0.03  # a product in bfloat16 is right to 2^-9, and there are eight layers


def test_layers_of_inner_models_are_reached():
    inner = keras.Sequential([keras.layers.Conv2D(2, 3)])
    model = keras.Sequential([keras.Input((8, 8, 3)), inner])
    mixed = in_precision(model, "mixed")
    assert mixed.layers[-1].layers[0].compute_dtype == "bfloat16"
    assert inner.layers[0].compute_dtype == "float32"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mixed_takes_any_float(dtype):
    model = in_precision(build_untrained(), "mixed")
    assert model(np.zeros((1, 64, 64, 3), dtype)).dtype == tf.bfloat16


@pytest.mark.parametrize("policy", ["mixed_float16", "float16", "mixed_bfloat16"])
def test_a_network_saved_in_half_precision_computes_in_float32(policy):
    layers = [keras.Input((None, None, 3), dtype="float32"), keras.layers.Conv2D(4, 3, dtype=policy)]
    model = in_precision(keras.Sequential(layers), "float32")
    assert model(IMAGE).dtype == tf.float32
