"""Reduced precision inside a network, float32 outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

MIXED = "mixed_bfloat16"  # float32's range, so that neither activations nor gradients overflow as float16's would


def in_precision(model: keras.Model, precision: str) -> keras.Model:
    """A model whose layers compute in the given precision; its variables stay float32.

    Args:
        model: Built for this purpose alone: its layers are changed in place.
        precision: "float32", which changes nothing, or "mixed": activations and products in bfloat16.

    Returns:
        The same model; with "mixed" its outputs are bfloat16.
    """
    if precision == "mixed":
        import keras

        for layer in _all_layers(model):
            layer.dtype_policy = keras.DTypePolicy(MIXED)
    return model


def _all_layers(model: keras.Model) -> Iterator[Any]:
    """Layers of a model and of the models within it."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _all_layers(layer)
