"""Which pixels drive a channel: gradient times input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from styler.errors import LayerError
from styler.types import Tensor

if TYPE_CHECKING:
    from styler.features.extractor import FeatureExtractor


def attribution(extractor: FeatureExtractor, images: Tensor, address: str, channel: int) -> Tensor:
    """Share of each pixel in the sum of a channel's activations, to first order.

    The gradient of the sum times the distance of the pixel from the image's mean color, summed over the three colors.
    Measuring from the mean rather than from black makes the map blind to overall brightness, which a network with
    centered inputs is blind to as well.

    Args:
        extractor: Gives `address`.
        images: (B, H, W, 3), RGB 0..1.
        address: A layer of the extractor.
        channel: From 0.

    Returns:
        (B, H, W): positive where a pixel raises the channel, negative where it lowers it.

    Raises:
        LayerError: The layer has no such channel.

    References:
        Shrikumar, Greenside & Kundaje, Learning Important Features Through Propagating Activation Differences, ICML
        2017, arXiv 1704.02685, section 2: gradient times input.
    """
    import tensorflow as tf

    images = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        features = extractor(images)[address]
        if not 0 <= channel < features.shape[-1]:
            message = f"{address!r} has channels 0 to {features.shape[-1] - 1}, not {channel}"
            raise LayerError(message)
        value = tf.reduce_sum(features[..., channel])
    slope = tape.gradient(value, images)
    return tf.reduce_sum(slope * (images - tf.reduce_mean(images, [1, 2], keepdims=True)), -1)


def parse_channel(text: str) -> tuple[str, int]:
    """`block4_conv2:37` -> ("block4_conv2", 37).

    Raises:
        LayerError: There is no channel number.
    """
    address, _, number = text.rpartition(":")
    if not address or not number.isdigit():
        message = f"expected LAYER:CHANNEL such as block4_conv2:37, got {text!r}"
        raise LayerError(message)
    return address, int(number)
