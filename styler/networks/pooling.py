"""Swap maximum pooling for average pooling, or back, and keep the mean activation where it was.

Gatys, Ecker & Bethge (CVPR 2016, section 2) found that average pooling gives slightly better pictures. An average is
smaller than a maximum, and layers below were trained for the larger values: each swapped pooling is multiplied by a
factor of its own. The factor is measured when the network is built: the ratio of the mean output of the original
pooling to that of the swapped one, on noise with about the spectrum of photographs, first pooling first, with the
ones before it swapped already. crowsonkb's style-transfer-pytorch has one factor, 2, for every pooling of VGG-19; what
is measured here is smaller and depends on the network and the depth, see `docs/networks.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from styler.networks.calls import graph_of
from styler.types import Tensor

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

SIDE = 128  # pixels of the noise; at 256 the factors of a compressed VGG-19 change by at most 1.3 %
SLOPE = 1.5  # amplitude is 1 / frequency ** SLOPE. Measured: of 1, 1.25, 1.5, 1.75 it keeps the means of a compressed
# VGG-19 on four photos and two paintings best, between 0.65 and 1.42 of the original; 1 gives 0.75 to 1.69
SENSIBLE = (1 / 8, 8.0)  # a maximum over 2 x 2 non-negative values is 1 to 4 times their mean; more is no rescaling


def natural_noise(side: int = SIDE, seed: int = 0) -> NDArray[np.float32]:
    """Gray-world noise about as smooth as photographs, RGB 0..1, (1, side, side, 3).

    Amplitudes of photographs fall about as 1/f (Field, JOSA A 1987, doi 10.1364/JOSAA.4.002379) but keep edges, which
    noise has none of and makes up for by a steeper fall. Mean 0.45 and deviation 0.25 are those of natural images in
    sRGB.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = np.inf
    gray, tint = (random.normal(size=(side, side, channels)) for channels in (1, 3))
    spectrum = np.fft.rfft2(gray + 0.3 * tint, axes=(0, 1)) / frequency[..., None] ** SLOPE
    noise = np.fft.irfft2(spectrum, s=(side, side), axes=(0, 1))
    return np.clip(0.45 + 0.25 * noise / noise.std(), 0, 1).astype(np.float32)[None]


def repooled(model: keras.Model, kind: str | None, preprocess: Callable[[Tensor], Tensor]) -> keras.Model:
    """The same network with every maximum pooling an average ("avg") or the other way about ("max").

    Args:
        model: A network of images of any size.
        kind: Wanted pooling; None returns the model itself, as does one without the other kind.
        preprocess: RGB 0..1 -> the model's units.

    Returns:
        A network of the same layer names and weights; `factor` of its pooling layers tells the scale.
    """
    import keras

    other = {"avg": keras.layers.MaxPooling2D, "max": keras.layers.AveragePooling2D, None: ()}[kind]
    swapped = [layer.name for layer in _layers(model) if isinstance(layer, other)]
    if kind is None or not swapped:
        return model
    made = _cloned(model, kind, other)
    _calibrate(model, made, swapped, preprocess(natural_noise()))
    return made


def _layers(model: Any) -> list[Any]:
    """Layers in model order, those of nested models in place of them."""
    found = []
    for layer in model.layers:
        found += _layers(layer) if graph_of(layer) is not None else [layer]
    return found


def _cloned(model: keras.Model, kind: str, other: Any) -> keras.Model:
    import keras

    from styler.networks.scaled_pooling import ScaledPooling2D

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if not isinstance(layer, other):
            return layer.__class__.from_config(layer.get_config())
        return ScaledPooling2D(kind, 1.0, layer.pool_size, layer.strides, layer.padding, name=layer.name)

    made = keras.models.clone_model(model, clone_function=clone, recursive=True)
    made.set_weights(model.get_weights())
    made.trainable = False
    return made


def _calibrate(model: keras.Model, made: keras.Model, names: list[str], inputs: Tensor) -> None:
    """Give each swapped pooling its factor, shallow to deep."""
    for name in names:
        before, after = (next(each for each in _layers(one) if each.name == name) for one in (model, made))
        if not _reachable(model, before):
            continue
        wanted, got = (_mean(one, layer, inputs) for one, layer in ((model, before), (made, after)))
        after.factor = _sensible(wanted, got)


def _mean(model: keras.Model, layer: Any, inputs: Tensor) -> float:
    """Mean activation of a layer, compiled: told of constant weights, TensorFlow tells uncompiled layers not apart."""
    import keras
    import tensorflow as tf

    part = keras.Model(model.inputs, layer.output)
    return float(tf.function(lambda: tf.reduce_mean(part([inputs], training=False)), autograph=False)())


def _reachable(model: Any, layer: Any) -> bool:
    """Whether the layer is the model's own, not that of a nested model, whose tensors hang on other inputs."""
    return layer in model.layers


def _sensible(wanted: float, got: float) -> float:
    """The ratio to four digits; 1 where means are too near zero for it to mean anything."""
    ratio = wanted / got if got else 0.0
    return float(f"{ratio:.4g}") if SENSIBLE[0] <= ratio <= SENSIBLE[1] else 1.0
