"""Networks for tests only, built from archives that are not part of this repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from styler.networks import NetworkSpec
from styler.networks.spec import VGG_CONTENT, decreasing

BLOCKS = ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1))
LAYERS = tuple(f"block{block}_conv{index}" for block, count in BLOCKS for index in range(1, count + 1))


def compressed_vgg19(archive: Path) -> NetworkSpec:
    """VGG-19 compressed 16x (Wang et al., CVPR 2020): reflection padding, maximum pooling, RGB 0..1."""
    return NetworkSpec(
        name="compressed_vgg19",
        build=lambda pooling: _build(dict(np.load(archive)), pooling),
        preprocess=lambda image: image,
        style_layers=decreasing(tuple(f"block{block}_conv1" for block in range(1, 6))),
        content_layers=VGG_CONTENT,
        layer_names=LAYERS,
        summary="test-only",
        minimum_size=32,
    )


def _build(weights: dict[str, np.ndarray], pooling: str | None):
    import keras

    x = image = keras.Input((None, None, 3))
    x = keras.ops.conv(x, weights["conv0/kernel"]) + weights["conv0/bias"]
    pool = keras.layers.AveragePooling2D if pooling == "avg" else keras.layers.MaxPooling2D
    for block, count in BLOCKS:
        for index in range(1, count + 1):
            kernel, bias = (weights[f"conv{block}{index}/{part}"] for part in ("kernel", "bias"))
            x = keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
            layer = keras.layers.Conv2D(
                kernel.shape[-1], 3, activation="relu", name=f"block{block}_conv{index}", trainable=False
            )
            x = layer(x)
            layer.set_weights([kernel, bias])
        if block < 5:
            x = pool(2, name=f"block{block}_pool")(x)
    return keras.Model(image, x, name="compressed_vgg19")
