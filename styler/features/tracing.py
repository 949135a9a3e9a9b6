"""A graph for models that Keras keeps none for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from styler.errors import NetworkError
from styler.networks.calls import graph_of

if TYPE_CHECKING:
    import keras

WAY_OUT = "pass example=<inputs> to trace it, or give a concrete function of it to GraphExtractor"


def with_graph(model: Any, example: Any = None) -> keras.Model:
    """The model itself if Keras knows its graph, else one traced by calling it on symbols.

    Args:
        model: Any Keras model.
        example: Inputs to call it with: arrays, whose batch size is left open, or `keras.Input`s.

    Raises:
        NetworkError: Not a Keras model, no graph and no example, or its `call` does not work on symbols.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise _no_keras_model(model)
    if graph_of(model) is not None:
        return model
    if example is None:
        kind = "is not built yet" if isinstance(model, keras.Sequential) else "is subclassed"
        message = f"{model.name!r} {kind}, so Keras does not know its graph of layers; {WAY_OUT}"
        raise NetworkError(message)
    return _traced(model, keras.tree.map_structure(_symbol, example))


def _no_keras_model(model: Any) -> NetworkError:
    kind = type(model).__name__
    loaded = hasattr(model, "signatures")
    what = "a SavedModel is not a Keras model" if loaded else f"got {kind}"
    return NetworkError(
        f"expected a Keras model, {what}; GraphExtractor reads SavedModels, graphs and concrete functions"
    )


def _symbol(example: Any) -> Any:
    import keras
    import numpy as np

    if isinstance(example, keras.KerasTensor):
        return example
    array = np.asarray(example)
    dtype = "float32" if np.issubdtype(array.dtype, np.floating) else array.dtype.name
    return keras.Input(array.shape[1:], dtype=dtype)


def _traced(model: Any, symbols: Any) -> keras.Model:
    import inspect

    import keras

    if isinstance(model, keras.Sequential):
        model(symbols)
        if graph_of(model) is not None:
            return model
    extra = {"training": False} if "training" in inspect.signature(model.call).parameters else {}
    try:
        outputs = model.call(symbols, **extra)
    except Exception as cause:
        message = (
            f"{model.name!r} cannot be traced: its call() fails on Keras's symbols ({type(cause).__name__}: "
            f"{str(cause).splitlines()[0]}). Use keras.ops in call(), or give a concrete function to GraphExtractor"
        )
        raise NetworkError(message) from cause
    return keras.Model(symbols, outputs, name=model.name)
