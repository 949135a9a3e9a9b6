"""The preprocessing of published networks, as differentiable functions of RGB in 0..1.

Each function equals `preprocess_input` of the network's module in `keras.applications` for pixels in 0..255.
"""

from __future__ import annotations

from styler.types import Tensor

CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)  # ImageNet means, Simonyan & Zisserman 2015
TORCH_MEAN_RGB = (0.485, 0.456, 0.406)  # ImageNet mean and standard deviation of pixels in 0..1, as in torchvision
TORCH_STD_RGB = (0.229, 0.224, 0.225)


def caffe(image: Tensor) -> Tensor:
    """Convert RGB in 0..1 to BGR in 0..255 minus the ImageNet mean, for VGG-16, VGG-19 and ResNet-50.

    Args:
        image: Float pixels of shape (..., 3).
    """
    import tensorflow as tf

    return image[..., ::-1] * 255.0 - tf.constant(CAFFE_MEAN_BGR, image.dtype)


def signed(image: Tensor) -> Tensor:
    """Convert RGB in 0..1 to -1..1, for MobileNetV2 and Inception v3."""
    return image * 2.0 - 1.0


def standardized(image: Tensor) -> Tensor:
    """Normalize RGB in 0..1 to zero mean and unit standard deviation over ImageNet, for DenseNet-121.

    Args:
        image: Float pixels of shape (..., 3).
    """
    import tensorflow as tf

    return (image - tf.constant(TORCH_MEAN_RGB, image.dtype)) / tf.constant(TORCH_STD_RGB, image.dtype)


def bytes_range(image: Tensor) -> Tensor:
    """Convert RGB in 0..1 to 0..255, for networks that contain their preprocessing: EfficientNet, ConvNeXt."""
    return image * 255.0


def unchanged(image: Tensor) -> Tensor:
    """Return RGB in 0..1 unchanged."""
    return image
