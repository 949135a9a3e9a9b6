"""What is read of Keras's records is what a model was built with; a new Keras that keeps them otherwise fails here."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from styler.errors import NetworkError
from styler.networks.calls import (
    calls_by_operation,
    calls_of,
    check_kernels,
    graph_of,
    inputs_of,
    model_layers,
    needed_for,
)
from support.small_models import Subclassed, branching, sequential, two_inputs


def names(calls):
    return [call.operation.name for call in calls]


def test_every_call_comes_after_those_it_needs():
    known = set()
    for call in calls_of(graph_of(branching())):
        assert {id(symbol) for symbol in call.inputs} <= known
        known |= {id(symbol) for symbol in call.outputs}


def test_calls_are_counted_as_they_were_made():
    model = branching()
    calls = calls_by_operation(model)
    shared = calls[model.get_layer("shared")]
    left, right = model.get_layer("halves").output
    assert [call.inputs[0] is half for call, half in zip(shared, (left, right), strict=True)] == [True, True]
    assert len(calls[model.get_layer("inner")]) == 2
    assert [call.is_input for call in calls[model.get_layer("image")]] == [True]


def test_calls_outside_of_the_model_do_not_count():
    model = sequential()
    layer = model.layers[0]
    layer(keras.Input((None, None, 3)))
    assert len(calls_by_operation(graph_of(model))[layer]) == 1


def test_only_what_a_tensor_needs():
    model = branching()
    stem = model.get_layer("stem").output
    assert names(needed_for(calls_of(model), [stem])) == ["image", "stem"]


@pytest.mark.parametrize("named", [False, True])
def test_inputs_in_their_structure(named):
    inputs = inputs_of(two_inputs(named=named))
    assert isinstance(inputs, dict if named else list)
    assert not isinstance(inputs_of(sequential()), list)


def test_models_without_a_graph_have_none():
    assert graph_of(Subclassed()) is None
    assert graph_of(keras.Sequential([keras.layers.Dense(2)])) is None
    assert graph_of(keras.layers.Dense(2)) is None


def test_layers_without_inputs():
    assert "image" not in [layer.name for layer in model_layers(branching())]


def with_kernel(kernel):
    image = keras.Input((8, 8, 3))
    return keras.Model(image, keras.ops.conv(image, kernel(image)))


def test_a_kernel_that_depends_on_the_image_is_refused():
    check_kernels(with_kernel(lambda image: np.ones((1, 1, 3, 2), np.float32)))
    check_kernels(sequential())
    with pytest.raises(NetworkError, match="kernel"):
        check_kernels(with_kernel(lambda image: keras.ops.reshape(keras.ops.mean(image, (0, 1, 2)), (1, 1, 3, 1))))
