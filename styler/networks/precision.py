"""Reduced precision inside a network, float32 outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from styler.networks.runtime import FLOATX

if TYPE_CHECKING:
    import keras

MIXED = "mixed_bfloat16"  # float32's range, so that neither activations nor gradients overflow as float16's would


def in_precision(model: keras.Model, precision: str) -> keras.Model:
    """A model whose layers compute in the given precision; its variables stay float32.

    Args:
        model: Sequential or functional.
        precision: "float32", or "mixed": activations and products in bfloat16.

    Returns:
        The model itself where it is in that precision already, else a copy; with "mixed" its outputs are bfloat16.
    """
    if precision == FLOATX and all(layer.compute_dtype == FLOATX for layer in model._flatten_layers()):
        return model
    import keras

    policy = MIXED if precision == "mixed" else FLOATX

    def clone(layer: Any) -> Any:
        precise = {"dtype": policy} if isinstance(layer, keras.layers.Layer) else {}  # other operations have none
        return layer.__class__.from_config({**layer.get_config(), **precise})

    made = keras.models.clone_model(model, clone_function=clone, recursive=True)
    made.set_weights(model.get_weights())
    made.trainable = False
    return made
