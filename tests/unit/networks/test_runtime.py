from __future__ import annotations

import random
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from styler.errors import ConfigError
from styler.networks import find_network
from styler.networks.compact import build_untrained, to_inputs
from styler.networks.runtime import building, check_flags, check_keras, eagerly, standard_settings
from support.pictures import blobs

IMAGE = to_inputs(blobs(64, 64, 5))[None]


@pytest.fixture(params=["mixed_float16", "mixed_bfloat16", "float64", "float16", "channels_first", "untouched"])
def setting(request):
    """A setting of the caller; what Keras says of all of them must be as the caller left it."""
    usual = keras.config.dtype_policy(), keras.config.floatx(), keras.config.image_data_format()
    if request.param.startswith("mixed"):
        keras.config.set_dtype_policy(request.param)
    elif request.param.startswith("float"):
        keras.config.set_floatx(request.param)
        keras.config.set_dtype_policy(request.param)
    elif request.param == "channels_first":
        keras.config.set_image_data_format(request.param)
    before = keras.config.dtype_policy().name, keras.config.floatx(), keras.config.image_data_format()
    yield request.param
    assert (keras.config.dtype_policy().name, keras.config.floatx(), keras.config.image_data_format()) == before
    keras.config.set_dtype_policy(usual[0])
    keras.config.set_floatx(usual[1])
    keras.config.set_image_data_format(usual[2])


def activations(pooling=None):
    model = find_network("compact").build(pooling)
    with standard_settings():
        return np.asarray(model(IMAGE))


@pytest.fixture(scope="module")
def expected():
    return {pooling: activations(pooling) for pooling in (None, "max")}


@pytest.mark.parametrize("setting", ["mixed_float16", "channels_first"], indirect=True)
def test_and_with_its_pooling_swapped(expected, setting):
    np.testing.assert_array_equal(activations("max"), expected["max"])


@pytest.mark.parametrize("pooling", [None, pytest.param("max", marks=pytest.mark.slow)])
def test_the_embedded_network_is_the_same_whatever_the_caller_set(expected, setting, pooling):
    np.testing.assert_array_equal(activations(pooling), expected[pooling])


@pytest.mark.parametrize("name", ["vgg19", pytest.param("efficientnet_b0", marks=pytest.mark.slow)])
def test_so_are_the_networks_of_keras(setting, name):
    model = find_network(name).build_untrained(None)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert {getattr(layer, "data_format", "channels_last") for layer in model.layers} == {"channels_last"}
    assert model.input.shape == (None, None, None, 3)


def test_a_policy_that_nobody_set_stays_unset():
    with_policy, usual = keras.config.dtype_policy(), keras.config.floatx()
    keras.src.backend.common.global_state.set_global_attribute("dtype_policy", None)
    build_untrained()
    keras.config.set_floatx("float64")
    assert keras.config.dtype_policy().name == "float64"
    keras.config.set_floatx(usual)
    keras.config.set_dtype_policy(with_policy)


def test_settings_are_the_callers_again_only_when_nobody_is_within(setting):
    callers = keras.config.floatx(), keras.config.image_data_format()
    entered, leave = threading.Event(), threading.Event()

    def other():
        with standard_settings():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with standard_settings():
        thread.start()
        assert entered.wait(10)
    assert (keras.config.floatx(), keras.config.image_data_format()) == ("float32", "channels_last")
    leave.set()
    thread.join()
    assert (keras.config.floatx(), keras.config.image_data_format()) == callers


def test_random_numbers_of_the_caller_go_on_as_if_nothing_had_been_built():
    def drawn():
        return random.random(), np.random.rand(), float(tf.random.uniform(()))

    def seeded():
        random.seed(3)
        np.random.seed(3)
        tf.random.set_seed(3)

    seeded()
    expected = drawn()
    seeded()
    build_untrained("max")
    assert drawn() == expected


def test_layers_are_built_in_float32_within():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with building():
            assert keras.layers.Dense(1).compute_dtype == "float32"
        assert keras.layers.Dense(1).compute_dtype == "float16"
    finally:
        keras.config.set_dtype_policy("float32")


def test_numbers_are_computed_within_a_graph_of_the_caller():
    with tf.Graph().as_default():
        with eagerly():
            assert float(tf.ones(()) + 1) == 2
        assert not tf.executing_eagerly()


def test_a_strategy_of_the_caller_has_no_part_in_it(expected):
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    with strategy.scope():
        np.testing.assert_array_equal(activations(), expected[None])
        with building():
            assert type(tf.Variable(1.0)) is type(keras.Variable(1.0).value)
            assert not tf.distribute.has_strategy()
        assert tf.distribute.get_strategy() is strategy


def test_within_a_function_it_stays_symbolic():
    @tf.function
    def doubled(x):
        with eagerly():
            assert tf.is_symbolic_tensor(x + x)
        return x + x

    assert float(doubled(tf.ones(()))) == 2


def test_shapes_of_version_1_are_refused(monkeypatch):
    monkeypatch.setattr(tf.TensorShape, "__getitem__", lambda self, at: tf.compat.v1.Dimension(1))
    with pytest.raises(ConfigError, match="disable_v2_behavior"), standard_settings():
        pass


@pytest.mark.parametrize(("variable", "named"), [("jax", "KERAS_BACKEND to tensorflow, not 'jax'"), ("", "keras.json")])
def test_another_backend_is_refused_with_what_to_change(monkeypatch, tmp_path, variable, named):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    monkeypatch.setenv("KERAS_BACKEND", variable)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=named):
        check_keras()


def test_a_keras_that_does_not_start_is_refused_with_what_to_change(monkeypatch, tmp_path):
    def broken():
        raise AttributeError("'list' object has no attribute 'get'")

    monkeypatch.setattr(keras.config, "backend", broken)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"no attribute 'get'.*keras\.json"):
        check_keras()


def test_no_flags_are_no_question(monkeypatch):
    monkeypatch.setattr("subprocess.run", None)
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    check_flags("XLA_FLAGS")


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["XLA_FLAGS", "TF_XLA_FLAGS"])
def test_flags_that_would_end_the_process_are_refused(monkeypatch, variable):
    monkeypatch.setenv(variable, "--xla_no_such_flag=1")
    with pytest.raises(ConfigError, match=f"{variable}.*xla_no_such_flag"):
        check_flags(variable)
