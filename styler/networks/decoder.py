"""The decoder of `compact`: from activations of its blocks 3 and 4 back to an image, in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from styler.networks.runtime import building
from styler.networks.weights import load_verified

if TYPE_CHECKING:
    import keras

FILENAME = "decoder.npz"
LAYERS = ("block3_conv1", "block4_conv1")
"""Layers that are decoded. Shallower ones would carry the photo through: the picture is sharp and has no strokes."""

CHANNELS = (128, 160)
"""Channels of these layers."""

DEEP = (160, 128)
MIDDLE = (128, 96)
HALF = (64, 48)
FULL = (32,)
"""Channels of the convolutions at an eighth, a quarter, half and all of the image's size."""


def build_decoder() -> keras.Model:
    """Build the untrained decoder: 3x3 convolutions, reflection padding, ReLU, bilinear enlargement.

    Returns:
        Model of two inputs, the activations of `LAYERS`, (B, H / 4, W / 4, C) and (B, H / 8, W / 8, C'), to RGB 0..1,
        float32, (B, H, W, 3).
    """
    import keras

    from styler.networks.filtered_upsampling import SMOOTH, FilteredUpSampling2D

    middle, deep = (keras.Input((None, None, count), name=name) for name, count in zip(LAYERS, CHANNELS, strict=True))
    x = _convolved(deep, "deep", DEEP)
    x = FilteredUpSampling2D(name="deep_enlarged")(x)
    x = keras.layers.Concatenate()([x, middle])
    x = _convolved(x, "middle", MIDDLE)
    x = FilteredUpSampling2D(name="middle_enlarged")(x)
    x = _convolved(x, "half", HALF)
    x = FilteredUpSampling2D(SMOOTH, name="half_enlarged")(x)
    x = _convolved(x, "full", FULL)
    colors = keras.layers.Conv2D(
        3,
        3,
        activation="sigmoid",
        kernel_initializer="glorot_uniform",
        dtype="float32",
        name="colors",
    )
    return keras.Model([middle, deep], colors(_padded(x)), name="decoder")


def load_decoder() -> keras.Model:
    """Build the trained decoder.

    Raises:
        WeightsError: The file with its weights is missing or damaged.
    """
    arrays = load_verified(FILENAME)
    with building():
        model = build_decoder()
        for layer in model.layers:
            if layer.weights:
                layer.set_weights([arrays[f"{layer.name}/kernel"], arrays[f"{layer.name}/bias"]])
        model.trainable = False
        return model


def _convolved(x: Any, name: str, widths: tuple[int, ...]) -> Any:
    import keras

    for index, width in enumerate(widths, start=1):
        convolution = keras.layers.Conv2D(
            width,
            3,
            activation="relu",
            kernel_initializer="he_normal",
            name=f"{name}_conv{index}",
        )
        x = convolution(_padded(x))
    return x


def _padded(x: Any) -> Any:
    import keras

    return keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
