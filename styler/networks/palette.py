"""The colors of an image as activations: soft histograms beside the layers of a network.

First and second moments of a network's activations leave the shape of a color's distribution open: skewed and
two-humped ones come out rounder than the painting's. Each channel and their mean are therefore counted into soft bins
whose statistics are matched like those of any layer: they add over tiles, masks and styles. The study in
`docs/look.md` has what it does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from styler.networks.units import affine

if TYPE_CHECKING:
    import keras

    from styler.types import Tensor

PALETTE = "palette"
AXES = np.array([[1, 0, 0, 1 / 3], [0, 1, 0, 1 / 3], [0, 0, 1, 1 / 3]], np.float64)  # red, green, blue, their mean
BINS = 12  # of each axis; 16, and two axes of color differences, gain .001 of palette for twice the channels
POOL = 2  # pixels along each axis that are averaged first: a quarter of the memory, and grain is not color


def with_palette(model: keras.Model, preprocess: Callable[[Tensor], Tensor]) -> keras.Model:
    """A model of several outputs with one more: soft bins of its input's colors.

    A color counts fully in the bin whose center it has, and less and less in that bin's neighbors: max(0, 1 - |x - c| /
    width).

    Args:
        model: Functional, of one image (B, H, W, 3) in the network's units.
        preprocess: RGB 0..1 -> those units, an affine map of each pixel.

    Returns:
        The same outputs, then (B, H // 2, W // 2, 48), each in 0..1.

    Raises:
        NetworkError: `preprocess` is no affine map of three channels.
    """
    import keras

    kernel, bias = _to_bins(*affine(preprocess))
    pooled = keras.layers.AveragePooling2D(POOL, name=f"{PALETTE}-pool", dtype="float32")(model.inputs[0])
    layer = keras.layers.Conv2D(kernel.shape[-1], 1, name=f"{PALETTE}-bins", trainable=False, dtype="float32")
    away = layer(pooled)
    layer.set_weights([kernel, bias])
    return keras.Model(model.input, [*model.outputs, keras.ops.relu(1.0 - keras.ops.absolute(away))])


def _to_bins(matrix: NDArray[np.float64], offset: NDArray[np.float64]) -> tuple[Any, Any]:
    """Kernel (1, 1, 3, axes * bins) and bias of the distances to all centers, in widths of a bin."""
    widths = BINS - 1
    colors = np.linalg.inv(matrix) @ AXES * widths
    kernel = np.repeat(colors, BINS, axis=1)
    centers = np.tile(np.arange(BINS), AXES.shape[1])
    return kernel[None, None].astype(np.float32), (-offset @ kernel - centers).astype(np.float32)
