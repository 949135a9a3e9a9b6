"""Small networks of random weights in any precision, with every kind of border a network here can have."""

from __future__ import annotations

import keras
import numpy as np

from styler.features.extractor import FeatureExtractor


def convolutional(
    rng, *, padding="same", pooling="avg", widths=(4, 6, 8), depths=(1, 2, 1), dtype="float32"
) -> keras.Model:
    """Blocks of 3 x 3 convolutions with a 2 x 2 pooling before all but the first.

    Args:
        rng: Source of the weights.
        padding: "same" (zeros), "reflect" or "valid" (none at all).
        pooling: "avg" or "max".
        widths: Channels of each block.
        depths: Convolutions of each block.
        dtype: Of weights and activations.
    """
    options = {"dtype": dtype}
    pool = keras.layers.AveragePooling2D if pooling == "avg" else keras.layers.MaxPooling2D
    x = inputs = keras.Input((None, None, 3), dtype=dtype)
    for block, (width, depth) in enumerate(zip(widths, depths, strict=True), start=1):
        x = x if block == 1 else pool(2, name=f"block{block - 1}_pool", **options)(x)
        for index in range(1, depth + 1):
            if padding == "reflect":
                x = keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
            kind, name = "same" if padding == "same" else "valid", f"block{block}_conv{index}"
            x = keras.layers.Conv2D(width, 3, padding=kind, activation="relu", name=name, **options)(x)
    return with_random_weights(keras.Model(inputs, x), rng)


def with_random_weights(model: keras.Model, rng) -> keras.Model:
    """He-normal kernels and biases that are not zero, so that padding shows."""
    for layer in model.layers:
        weights = layer.get_weights()
        if weights:
            kernel, bias = weights
            spread = np.sqrt(2 / np.prod(kernel.shape[:-1]))
            layer.set_weights([rng.normal(0, spread, kernel.shape), rng.normal(0.1, 0.1, bias.shape)])
    model.trainable = False
    return model


def extractor_of(model: keras.Model) -> FeatureExtractor:
    """Every convolution of a model."""
    names = [layer.name for layer in model.layers if "conv" in layer.name]
    return FeatureExtractor(model, names, preprocess=lambda image: (image - 0.5) * 4)
