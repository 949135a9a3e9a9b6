"""Computes inside a network with reduced precision; its variables stay float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from styler.networks.runtime import FLOATX

if TYPE_CHECKING:
    import keras

MIXED = "mixed_bfloat16"  # has the range of float32; activations and gradients could overflow in float16


def in_precision(model: keras.Model, precision: str) -> keras.Model:
    """Return a model whose layers compute with the given precision. Its variables stay float32.

    Args:
        model: Sequential or functional model.
        precision: "float32"; or "mixed", for activations and products in bfloat16.

    Returns:
        The model itself if it already has that precision, else a copy. With "mixed", its outputs are bfloat16.
    """
    if precision == FLOATX and all(layer.compute_dtype == FLOATX for layer in model._flatten_layers()):
        return model
    import keras

    policy = MIXED if precision == "mixed" else FLOATX

    def clone(layer: Any) -> Any:
        precise = {"dtype": policy} if isinstance(layer, keras.layers.Layer) else {}  # other operations have no dtype
        return layer.__class__.from_config({**layer.get_config(), **precise})

    made = keras.models.clone_model(model, clone_function=clone, recursive=True)
    made.set_weights(model.get_weights())
    made.trainable = False
    return made
