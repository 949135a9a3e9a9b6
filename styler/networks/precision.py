"""Reduced precision inside a network, float32 outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

MIXED = "mixed_bfloat16"  # float32's range, so that neither activations nor gradients overflow as float16's would


def in_precision(model: keras.Model, precision: str) -> keras.Model:
    """A model whose layers compute in the given precision; its variables stay float32.

    Args:
        model: Sequential or functional.
        precision: "float32" for the model itself, or "mixed": activations and products in bfloat16.

    Returns:
        With "mixed" a copy whose outputs are bfloat16.
    """
    if precision == "float32":
        return model
    import keras

    def clone(layer: Any) -> Any:
        precise = {"dtype": MIXED} if isinstance(layer, keras.layers.Layer) else {}  # other operations have none
        return layer.__class__.from_config({**layer.get_config(), **precise})

    made = keras.models.clone_model(model, clone_function=clone, recursive=True)
    made.set_weights(model.get_weights())
    made.trainable = False
    return made
