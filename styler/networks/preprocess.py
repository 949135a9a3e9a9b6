"""Pixel conventions of published networks, as differentiable operations on RGB 0..1.

Each equals `preprocess_input` of the network's module in `keras.applications` on pixels 0..255, which also tells
which network wants which.
"""

from __future__ import annotations

from styler.types import Tensor

CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)  # ImageNet means, Simonyan & Zisserman 2015
TORCH_MEAN_RGB = (0.485, 0.456, 0.406)  # ImageNet means and deviations of pixels 0..1, as in torchvision
TORCH_STD_RGB = (0.229, 0.224, 0.225)


def caffe(image: Tensor) -> Tensor:
    """RGB 0..1 -> BGR 0..255 minus the ImageNet mean: VGG-16, VGG-19, ResNet-50.

    Args:
        image: (..., 3), float.
    """
    import tensorflow as tf

    return image[..., ::-1] * 255.0 - tf.constant(CAFFE_MEAN_BGR, image.dtype)


def signed(image: Tensor) -> Tensor:
    """RGB 0..1 -> -1..1: MobileNetV2, Inception v3."""
    return image * 2.0 - 1.0


def standardized(image: Tensor) -> Tensor:
    """RGB 0..1 -> zero mean and unit deviation over ImageNet: DenseNet-121.

    Args:
        image: (..., 3), float.
    """
    import tensorflow as tf

    return (image - tf.constant(TORCH_MEAN_RGB, image.dtype)) / tf.constant(TORCH_STD_RGB, image.dtype)


def bytes_range(image: Tensor) -> Tensor:
    """RGB 0..1 -> 0..255, for networks that begin with layers of preprocessing: EfficientNet, ConvNeXt."""
    return image * 255.0


def unchanged(image: Tensor) -> Tensor:
    """RGB 0..1 as it is."""
    return image
