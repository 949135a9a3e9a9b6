"""The grain of an image as activations: brightness in a full set of small patterns, beside the layers of a network.

A network sees little of what its pooling averages away. Left to it, the optimizer makes up for missing contrast with
thin horizontal and vertical lines two to four pixels apart, and flat areas come out woven like cloth. The covariance
of all patterns of 3 x 3 pixels fixes how much of each direction and fineness there is, so that grain runs in all
directions as the painting's does. The study in `docs/look.md` has what it does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from styler.networks.units import affine

if TYPE_CHECKING:
    import keras

    from styler.types import Tensor

GRAIN = "grain"
SIDE = 3  # pixels; 5 has three times the patterns, brings the style no closer and more noise, though half the lines
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601; differences of color as well double the colored fringes


def with_grain(model: keras.Model, preprocess: Callable[[Tensor], Tensor]) -> keras.Model:
    """A model of several outputs with one more: its input's luma in the patterns of `patterns`.

    Args:
        model: Functional, of one image (B, H, W, 3) in the network's units.
        preprocess: RGB 0..1 -> those units, an affine map of each pixel.

    Returns:
        The same outputs, then (B, H, W, 8), float32, -3.8..3.8; flat areas have 0.

    Raises:
        NetworkError: `preprocess` is no affine map of three channels.
    """
    import keras

    to_luma = np.linalg.inv(affine(preprocess)[0]) @ LUMA
    kernel = patterns()[:, :, None, :] * to_luma[:, None]
    reach = ((0, 0), (SIDE // 2, SIDE // 2), (SIDE // 2, SIDE // 2), (0, 0))
    padded = keras.ops.pad(keras.ops.cast(model.inputs[0], "float32"), reach, mode="reflect")
    layer = keras.layers.Conv2D(
        kernel.shape[-1], SIDE, use_bias=False, name=f"{GRAIN}-patterns", trainable=False, dtype="float32"
    )
    seen = layer(padded)
    layer.set_weights([kernel.astype(np.float32)])
    return keras.Model(model.input, [*model.outputs, seen])


def patterns() -> NDArray[np.float64]:
    """All patterns of the two-dimensional discrete cosine transform but the flat one, (3, 3, 8).

    Each is as much larger than an orthonormal one as it is finer, since natural images and paintings have amplitudes
    of about 1/frequency (Field, J. Opt. Soc. Am. A 4, 1987): all count about alike.
    """
    places = np.arange(SIDE)
    waves = np.cos(np.pi * np.outer(places, places + 0.5) / SIDE)
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    pairs = [(down, right) for down in places for right in places if down or right]
    return np.stack([np.hypot(*pair) * np.outer(waves[pair[0]], waves[pair[1]]) for pair in pairs], -1)
