"""Attribution: shows which parts of an image activate a channel, by gradient saliency or Grad-CAM."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from styler.errors import LayerError, NetworkError, suggestion
from styler.features.table import IMAGE_AXES, within
from styler.networks.calls import Call, calls_of, graph_of, needed_for
from styler.types import Tensor

if TYPE_CHECKING:
    import keras

    from styler.features.extractor import FeatureExtractor

METHODS = ("gradient", "gradcam")
RESAMPLING = (
    *("MaxPooling2D", "AveragePooling2D", "BinomialPooling2D", "ScaledPooling2D", "UpSampling2D"),
    *("ZeroPadding2D", "Cropping2D", "Pad"),
)
"""Layers that only move, merge or add positions. The maps before them are more precise."""


def attribution(
    extractor: FeatureExtractor,
    images: Tensor,
    address: str,
    channel: int,
) -> Tensor:
    """Compute the `saliency` of a channel for a batch of images.

    Args:
        extractor: Extractor with the layer of the channel.
        images: Float images (B, H, W, C).
        address: Address of the layer.
        channel: Index of the channel, from 0.

    Returns:
        Saliency of each pixel, (B, H, W), >= 0.

    Raises:
        LayerError: The extractor does not have the layer, or the layer does not have the channel.
    """
    import tensorflow as tf

    if address not in extractor.addresses:
        message = f"unknown layer {address!r} of this extractor. {suggestion(address, extractor.addresses)}"
        raise LayerError(message)
    return saliency(extractor, channel, address)(tf.convert_to_tensor(images))


def saliency(extractor: FeatureExtractor, channel: int, address: str | None = None) -> Callable[[Tensor], Tensor]:
    """Make a function that computes how much each pixel affects a channel.

    M[i, j] = max over colors c of |d S / d image[i, j, c]|, where the score S is the sum of the channel over all
    positions.

    Args:
        extractor: Extractor with the layer of the channel.
        channel: Index of the channel, from 0.
        address: Address of the layer; None if the extractor has only one layer.

    Returns:
        Function from float images (B, H, W, C) to their saliency (B, H, W), >= 0. It is compiled once for all sizes.

    Raises:
        LayerError: The layer does not have the channel, or does not depend on the image.

    References:
        Simonyan, Vedaldi & Zisserman, Deep Inside Convolutional Networks, 2013, arXiv 1312.6034, section 3.1.
    """
    import tensorflow as tf

    def compute(images: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            tape.watch(images)
            given = extractor(images)
            ((name, features),) = given.items() if address is None else [(address, given[address])]
            value = _score(features, name, channel)
        return tf.reduce_max(tf.abs(_slope(tape, value, images, f"{name!r} does not depend on the image")), -1)

    return tf.function(compute, reduce_retracing=True, autograph=False)


def grad_cam(extractor: FeatureExtractor, channel: int) -> Callable[[Tensor], Tensor]:
    """Make a function that computes where the maps of a layer contribute to a channel of a later layer.

    L = relu(sum over k of a[k] A[k]), with the weights a[k] = mean over positions of d S / d A[k] (equations 1 and 2).
    A are the maps, and S is the sum of the channel over all positions; for a class, S is the channel itself.

    Args:
        extractor: Extractor with the layer of the maps and the layer of the channel, in this order.
        channel: Index of the channel, from 0.

    Returns:
        Function from float images (B, H, W, C) to values (B, H', W'), >= 0, one per position of the maps. It is
        compiled once for all sizes.

    Raises:
        LayerError: The layer does not have the channel, the first layer has no maps, or the channel does not depend on
            the maps.

    References:
        Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, ICCV 2017,
        arXiv 1610.02391. This differs from the paper if the channel is a probability: the paper uses the score before
        the softmax, this function uses the output of the layer.
    """
    import tensorflow as tf

    def compute(images: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            tape.watch(images)  # the maps depend on the images and are therefore recorded
            (where, maps), (address, features) = extractor(images).items()
            _check_maps(where, maps)
            value = _score(features, address, channel)
        slope = _slope(tape, value, maps, f"{address!r} does not depend on {where!r}; choose a layer that leads to it")
        weights = tf.reduce_mean(slope, [1, 2], keepdims=True)
        return tf.nn.relu(tf.reduce_sum(weights * maps, -1))

    return tf.function(compute, reduce_retracing=True, autograph=False)


def _score(features: Tensor, address: str, channel: int) -> Tensor:
    import tensorflow as tf

    count = features.shape[-1] if features.shape.rank else None
    if count is not None and not 0 <= channel < count:
        message = f"{address!r} has channels 0 to {count - 1}, not {channel}"
        raise LayerError(message)
    return tf.reduce_sum(features[..., channel])


def _check_maps(address: str, maps: Tensor) -> None:
    if maps.shape.rank != IMAGE_AXES:
        message = f"Grad-CAM expected maps (batch, height, width, channels), got {tuple(maps.shape)} from {address!r}"
        raise LayerError(message)


def _slope(
    tape: Any,
    value: Tensor,
    of: Tensor,
    problem: str,
) -> Tensor:
    slope = tape.gradient(value, of)
    if slope is None:
        raise LayerError(problem)
    return slope


def maps_before(model: keras.Model, address: str) -> str:
    """Return the layer whose maps Grad-CAM uses by default.

    It is the last layer with positions on which the channel's layer depends, not counting pooling and padding. In a
    classifier this is the last convolution, or a layer that directly follows it, such as its activation.

    Args:
        model: A model with a graph.
        address: Address of the channel's layer.

    Raises:
        LayerError: The layer does not exist, or no layer before it has maps.
    """
    from styler.features.resolution import resolve

    if graph_of(model) is None:
        message = "Grad-CAM needs a Keras model with a graph of layers"
        raise NetworkError(message)
    (target,) = resolve(model, [address])
    known = {found.key: found.address for found, _ in within(model)}
    for depth in range(len(target.path), 0, -1):
        graph = model if depth == 1 else target.path[depth - 2].operation
        before = needed_for(calls_of(graph_of(graph)), target.path[depth - 1].inputs)
        for call in reversed(before):
            if _has_maps(call):
                return known[(*(id(each.node) for each in (*target.path[: depth - 1], call)), 0)]
    message = f"no layer before {address!r} has maps (batch, height, width, channels), which Grad-CAM needs"
    raise LayerError(message)


def _has_maps(call: Call) -> bool:
    shape = call.outputs[0].shape
    spread = len(shape) == IMAGE_AXES and shape[1] != 1 and shape[2] != 1
    return spread and not call.is_input and type(call.operation).__name__ not in RESAMPLING


def parse_channel(text: str) -> tuple[str, int]:
    """Split a string such as `block4_conv2:37` into the address and the channel: ("block4_conv2", 37).

    Raises:
        LayerError: The string has no channel number.
    """
    address, _, number = text.rpartition(":")
    if not address or not (number.isascii() and number.isdigit()):
        message = f"--attribution: expected LAYER:CHANNEL such as block4_conv2:37, got {text!r}"
        raise LayerError(message)
    return address, int(number)
