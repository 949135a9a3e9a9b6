"""Replaces max pooling with average pooling, or the reverse, and preserves the mean activation.

Gatys, Ecker & Bethge (CVPR 2016, section 2) found that average pooling gives slightly better pictures. An average is
smaller than a maximum, but the following layers were trained on the larger values. Each replaced pooling is therefore
multiplied by its own factor, which is measured when the network is built: the ratio of the mean output of the original
pooling to that of the new one, on noise whose spectrum resembles that of photographs. The shallowest pooling comes
first, and each measurement uses the network with all earlier poolings replaced. crowsonkb's style-transfer-pytorch uses
the factor 2 for every pooling of VGG-19. The factors measured here are smaller and depend on the network and the depth;
see `docs/networks.md`.
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

SIDE = 128  # pixels of the noise; with 256, the factors of a compressed VGG-19 change by at most 1.3 %
SLOPE = 1.5  # amplitude is 1 / frequency ** SLOPE. Measured: of 1, 1.25, 1.5 and 1.75, this preserves the means of a
# compressed VGG-19 on four photos and two paintings best, at 0.65 to 1.42 times the original; 1 gives 0.75 to 1.69
SENSIBLE = (1 / 8, 8.0)  # the maximum of 2 x 2 non-negative values is 1 to 4 times their mean; others are not sensible


def natural_noise(side: int = SIDE, seed: int = 0) -> NDArray[np.float32]:
    """Return noise that is about as smooth as photographs, RGB in 0..1, shape (1, side, side, 3).

    The amplitudes of photographs fall approximately as 1/f (Field, JOSA A 1987, doi 10.1364/JOSAA.4.002379). Noise has
    no edges and therefore needs a steeper fall. The mean 0.45 and the standard deviation 0.25 are those of natural
    images in sRGB.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    gray = random.normal(size=(side, side, 1))
    tint = random.normal(size=(side, side, 3))
    white = gray + 0.3 * tint
    down = np.fft.fftfreq(side)
    across = np.fft.rfftfreq(side)
    frequency = np.hypot(down[:, None], across[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(white, axes=(0, 1)) / frequency[..., None] ** SLOPE
    noise = np.fft.irfft2(spectrum, s=(side, side), axes=(0, 1))
    image = 0.45 + 0.25 * noise / noise.std()
    return np.clip(image, 0, 1).astype(np.float32)[None]


def repooled(
    model: keras.Model,
    kind: str | None,
    preprocess: Callable[[Tensor], Tensor],
) -> keras.Model:
    """Return the network with every max pooling replaced with an average ("avg"), or the reverse ("max").

    Args:
        model: A network for images of any size.
        kind: "avg" or "max"; None returns the model itself. Binomial pooling counts as an average.
        preprocess: Function from RGB in 0..1 to the model's units.

    Returns:
        A network with the same layer names and weights, or the model itself if there is nothing to replace. The
        attribute `factor` of the new pooling layers is their scale.
    """
    import keras

    from styler.networks.binomial_pooling import BinomialPooling2D

    if kind is None:
        return model
    replaceable: dict[str, Any] = {
        "avg": keras.layers.MaxPooling2D,
        "max": (keras.layers.AveragePooling2D, BinomialPooling2D),
    }
    other = replaceable[kind]
    swapped = [layer.name for layer in _layers(model) if isinstance(layer, other)]
    if not swapped:
        return model
    made = _cloned(model, kind, other)
    noise = preprocess(natural_noise())
    _calibrate(
        model,
        made,
        swapped,
        noise,
    )
    return made


def _layers(model: Any) -> list[Any]:
    """Return the layers in model order, with each nested model replaced by its layers."""
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
        return ScaledPooling2D(
            kind,
            1.0,
            layer.pool_size,
            layer.strides,
            layer.padding,
            name=layer.name,
        )

    made = keras.models.clone_model(model, clone_function=clone, recursive=True)
    made.set_weights(model.get_weights())
    made.trainable = False
    return made


def _calibrate(
    model: keras.Model,
    made: keras.Model,
    names: list[str],
    inputs: Tensor,
) -> None:
    """Measure and set the factor of each replaced pooling, from shallow to deep."""
    for name in names:
        before = _layer(model, name)
        after = _layer(made, name)
        if not _reachable(model, before):
            continue
        wanted = _mean(model, before, inputs)
        got = _mean(made, after, inputs)
        after.factor = _sensible(wanted, got)


def _layer(model: keras.Model, name: str) -> Any:
    """Return the first layer with a name, in nested models too."""
    return next(layer for layer in _layers(model) if layer.name == name)


def _mean(model: keras.Model, layer: Any, inputs: Tensor) -> float:
    """Return the mean activation of a layer.

    The layer is compiled, because TensorFlow, when told that weights are constant, confuses layers that are not.
    """
    import keras
    import tensorflow as tf

    part = keras.Model(model.inputs, layer.output)

    def mean() -> Tensor:
        activations = part([inputs], training=False)
        return tf.reduce_mean(activations)

    compiled = tf.function(mean, autograph=False)
    return float(compiled())


def _reachable(model: Any, layer: Any) -> bool:
    """Return whether a layer belongs to the model itself, and not to a nested model, which has other inputs."""
    return layer in model.layers


def _sensible(wanted: float, got: float) -> float:
    """Return the ratio with four digits; 1 if the means are too close to zero for a meaningful ratio."""
    smallest, largest = SENSIBLE
    ratio = wanted / got if got else 0.0
    if not smallest <= ratio <= largest:
        return 1.0
    return float(f"{ratio:.4g}")
