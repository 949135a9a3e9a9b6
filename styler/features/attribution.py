"""What in an image makes a channel fire: gradient saliency and Grad-CAM."""

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
    *("MaxPooling2D", "AveragePooling2D", "ScaledPooling2D", "UpSampling2D"),
    *("ZeroPadding2D", "Cropping2D", "Pad"),
)
"""What only moves, joins or adds positions; the maps before it say the same more exactly."""


def attribution(extractor: FeatureExtractor, images: Tensor, address: str, channel: int) -> Tensor:
    """`saliency` of a channel of one of an extractor's layers, for some images at once.

    Args:
        extractor: Gives `address`, perhaps among others.
        images: (B, H, W, C), float.
        address: A layer of the extractor.
        channel: From 0.

    Returns:
        (B, H, W), >= 0.

    Raises:
        LayerError: The extractor does not give the layer, or the layer has no such channel.
    """
    import tensorflow as tf

    if address not in extractor.addresses:
        message = f"unknown layer {address!r} of this extractor. {suggestion(address, extractor.addresses)}"
        raise LayerError(message)
    return saliency(extractor, channel, address)(tf.convert_to_tensor(images))


def saliency(extractor: FeatureExtractor, channel: int, address: str | None = None) -> Callable[[Tensor], Tensor]:
    """How much each pixel changes a channel: the gradient's absolute value, the largest of the colors.

    M[i, j] = max over c of |d S / d image[i, j, c]|, with the score S = sum of the channel over all positions.

    Args:
        extractor: Gives the layer of the channel.
        channel: From 0.
        address: The layer, where the extractor gives several.

    Returns:
        images (B, H, W, C) float -> (B, H, W), >= 0; compiled once for all sizes.

    Raises:
        LayerError: The layer has no such channel, or does not depend on the image.

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
    """Where the maps of a layer speak for a channel of a later layer.

    L = relu(sum over k of a[k] A[k]), with the weights a[k] = mean over positions of d S / d A[k] (equations 1 and 2),
    A the maps and S the sum of the channel over all positions, which is the channel itself for a class.

    Args:
        extractor: Gives the layer of the maps and the layer of the channel, in this order.
        channel: From 0.

    Returns:
        images (B, H, W, C) float -> (B, H', W'), >= 0, a value for each position of the maps; compiled once.

    Raises:
        LayerError: There is no such channel, what was to be maps is none, or the channel does not depend on them.

    References:
        Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, ICCV 2017,
        arXiv 1610.02391. Differs from the paper where the channel is a probability: there the score is what goes into
        the softmax, here it is the channel as the layer gives it.
    """
    import tensorflow as tf

    def compute(images: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            tape.watch(images)  # so that the maps, which depend on it, are recorded
            (where, maps), (address, features) = extractor(images).items()
            _check_maps(where, maps)
            value = _score(features, address, channel)
        slope = _slope(tape, value, maps, f"{address!r} does not depend on {where!r}; choose maps that lead to it")
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
        message = f"{address!r} gives {tuple(maps.shape)}, expected maps (batch, height, width, channels) for Grad-CAM"
        raise LayerError(message)


def _slope(tape: Any, value: Tensor, of: Tensor, problem: str) -> Tensor:
    slope = tape.gradient(value, of)
    if slope is None:
        raise LayerError(problem)
    return slope


def maps_before(model: keras.Model, address: str) -> str:
    """The layer whose maps Grad-CAM weighs where nobody says which.

    It is the last one with positions, poolings and paddings left out, that the channel's layer is computed from. For a
    classifier this is its last convolution with what follows it there.

    Args:
        model: A model with a graph.
        address: Of the layer.

    Raises:
        LayerError: No such layer, or none before it has maps.
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
    """`block4_conv2:37` -> ("block4_conv2", 37).

    Raises:
        LayerError: There is no channel number.
    """
    address, _, number = text.rpartition(":")
    if not address or not (number.isascii() and number.isdigit()):
        message = f"--attribution: expected LAYER:CHANNEL such as block4_conv2:37, got {text!r}"
        raise LayerError(message)
    return address, int(number)
