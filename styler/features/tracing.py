"""Traces models whose graph Keras does not know."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from styler.errors import NetworkError
from styler.features.frozen import FORMS, is_legacy_keras
from styler.networks.calls import graph_of

WAY_OUT = "pass example=<inputs> to trace it, or use a concrete function of it"
FUNCTION = "tf.function(model).get_concrete_function(tf.TensorSpec(shape, dtype))"


@dataclass(frozen=True, slots=True)
class Traced:
    """A model with a graph.

    Attributes:
        model: Functional or Sequential.
        within: Name of the layer that is the traced model itself, if Keras cannot trace its inside; else empty.
    """

    model: Any
    within: str = ""


def with_graph(model: Any, example: Any = None) -> Traced:
    """Return the model itself if Keras knows its graph, otherwise a model traced by calling it on symbols.

    Args:
        model: Any Keras model.
        example: Example inputs: arrays, whose batch size is ignored, or `keras.Input`s.

    Raises:
        NetworkError: It is not a Keras model, has no graph and there is no example, or its `call` fails on symbols.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise _no_keras_model(model)
    if graph_of(model) is not None:
        return Traced(model)
    if example is None:
        kind = "is not built yet" if isinstance(model, keras.Sequential) else "is subclassed"
        message = f"{model.name!r} {kind}, so Keras does not know its graph of layers; {WAY_OUT}"
        raise NetworkError(message)
    return _traced(model, keras.tree.map_structure(_symbol, example))


def _no_keras_model(model: Any) -> NetworkError:
    import keras

    kind = type(model).__name__
    if is_legacy_keras(model):
        return NetworkError(
            f"expected a model of Keras 3, got {kind} of Keras 2 (tf_keras); use a concrete function of it, "
            f"{FUNCTION}, and the names of its layers, or load it from a file with Keras 3"
        )
    if isinstance(model, str | os.PathLike):
        return NetworkError(
            f"expected a Keras model, got the string {str(model)!r}; for a registered network or a .keras file use "
            "FeatureExtractor.of; the folder of a SavedModel, or a frozen .pb file, must exist"
        )
    if isinstance(model, keras.layers.Layer):
        return NetworkError(f"expected a Keras model, got the layer {model.name!r}; put it into a keras.Sequential")
    return NetworkError(f"expected a Keras model or {FORMS}; got {kind}")


def _symbol(example: Any) -> Any:
    import keras
    import numpy as np

    if isinstance(example, keras.KerasTensor):
        return example
    array = np.asarray(example)
    dtype = "float32" if np.issubdtype(array.dtype, np.floating) else array.dtype.name
    return keras.Input(array.shape[1:], dtype=dtype)


def _traced(model: Any, symbols: Any) -> Traced:
    """Trace the layers in a model's `call`; if Keras cannot follow the code, treat the model as one layer."""
    import inspect

    import keras

    if isinstance(model, keras.Sequential):
        model(symbols)
        if graph_of(model) is not None:
            return Traced(model)
    extra = {"training": False} if "training" in inspect.signature(model.call).parameters else {}
    try:
        return Traced(keras.Model(symbols, model.call(symbols, **extra), name=model.name))
    except Exception:
        pass
    try:
        return Traced(keras.Model(symbols, model(symbols)), within=model.name)
    except Exception as cause:
        reason = f"{type(cause).__name__}: {next(iter(str(cause).splitlines()), 'no message')}"
        message = (
            f"cannot trace {model.name!r}: its call() fails on Keras's symbols ({reason}). Use keras.ops or "
            f"TensorFlow in call(), or use a concrete function: {FUNCTION}"
        )
        raise NetworkError(message) from cause
