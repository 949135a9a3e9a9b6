"""Pixel conventions of published networks, as differentiable operations on RGB 0..1."""

from __future__ import annotations

from styler.types import Tensor

CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)  # ImageNet means, Simonyan & Zisserman 2015


def caffe(image: Tensor) -> Tensor:
    """RGB 0..1 -> BGR 0..255 minus the ImageNet mean: VGG-16 and VGG-19.

    Args:
        image: (..., 3), float.
    """
    import tensorflow as tf

    return image[..., ::-1] * 255.0 - tf.constant(CAFFE_MEAN_BGR, image.dtype)
