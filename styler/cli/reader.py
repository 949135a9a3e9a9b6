"""Open a network for `styler features` and compute named arrays from photos."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from styler.cli.extraction import Channel, Wanted
from styler.errors import ConfigError, ImageError, NetworkError
from styler.features.attribution import grad_cam, maps_before, saliency
from styler.features.extractor import FeatureExtractor
from styler.images.reading import Pixels
from styler.images.resampling import resampled
from styler.images.sizes import with_longer_side
from styler.networks.custom import SUFFIX, read_config
from styler.sources import source_of
from styler.types import Size

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601 weights for gray, as used by Pillow and Keras


@dataclass(frozen=True, slots=True)
class Intake:
    """The images that a network takes.

    Attributes:
        height: Fixed height in pixels; None for any height.
        width: Fixed width in pixels; None for any width.
        channels: Number of channels, 1 or 3.
        whole: Whether values are integers 0..255 instead of floats 0..1.
    """

    height: int | None = None
    width: int | None = None
    channels: int = 3
    whole: bool = False

    def shape_for(self, size: Size, longer: int | None) -> Size:
        """Return the (height, width) to which an image is converted.

        A fixed size of the network comes first. Otherwise the image is scaled to the longer side if one is given, and
        keeps its own size if none is.

        Raises:
            ConfigError: The network does not take this longer side.
        """
        own = size
        if longer is not None:
            own = with_longer_side(size, longer)
            if self.height and self.width and longer != max(self.height, self.width):
                message = (
                    f"--size: the network only takes images of {self.width}x{self.height} pixels; "
                    f"expected {max(self.height, self.width)}, got {longer}; leave --size out"
                )
                raise ConfigError(message)
        height = self.height or own.height
        width = self.width or own.width
        return Size(height, width)

    def prepared(self, pixels: Pixels, shape: Size) -> NDArray[Any]:
        """Scale and crop an image to (height, width), and convert it to gray or integers if needed."""
        fitted = cropped(pixels, shape)
        if self.channels == 1:
            gray = fitted @ np.asarray(LUMA, np.float32)
            fitted = gray[..., None]
        if not self.whole:
            return fitted
        levels = np.rint(255 * fitted)
        return levels.clip(0, 255).astype(np.uint8)


def cut(size: Size, shape: Size) -> str:
    """Describe the part of an image that `cropped` keeps; "" if it keeps the whole image."""
    scale = max(shape.height / size.height, shape.width / size.width)
    height = min(size.height, round(shape.height / scale))
    width = min(size.width, round(shape.width / scale))
    if size.height - height <= 1 and size.width - width <= 1:  # rounding
        return ""
    return f"the middle {width}x{height} of {size.width}x{size.height} pixels"


def cropped(pixels: Pixels, shape: Size) -> Pixels:
    """Scale an image to cover (height, width) and keep the middle."""
    height, width = pixels.shape[:2]
    scale = max(shape.height / height, shape.width / width)
    covering = Size(
        max(shape.height, round(height * scale)),
        max(shape.width, round(width * scale)),
    )
    large = resampled(pixels, covering)
    top = (covering.height - shape.height) // 2
    left = (covering.width - shape.width) // 2
    bottom = top + shape.height
    right = left + shape.width
    return large[top:bottom, left:right]


class Reader:
    """Computes activations and attributions with one compiled program for images of all sizes.

    Args:
        wanted: What to compute for each image.

    Raises:
        LayerError: The network does not have one of the layers.
        NetworkError: The network cannot be built or does not take images.
        WeightsError: The weights of the network are not available.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._model: Any = None
        source: Any = wanted.network
        self._options: dict[str, Any] = {}
        if not isinstance(source, Path):
            self._model = source.build(None)
            self._options = {"minimum_size": source.minimum_size}
            if not takes_whole_numbers(self._model):
                self._options["preprocess"] = source.preprocess
            source = self._model
        channel = wanted.channel
        layers: Any = wanted.layers
        if not layers and channel:
            layers = [channel.address]
        self._extractor = FeatureExtractor(
            source,
            layers,
            reduce=wanted.reduce,
            **self._options,
        )
        self.intake = _intake(self._extractor)
        self._attribution = self._attributed(channel) if channel else None

    def _attributed(self, channel: Channel) -> Any:
        if self.intake.whole:
            message = "--attribution needs a network that takes floating-point images; this one takes integers"
            raise ConfigError(message)
        compute: Callable[[FeatureExtractor, int], Any]
        if channel.method == "gradient":
            compute = saliency
            layers = [channel.address]
        else:
            compute = grad_cam
            maps = channel.maps or maps_before(self._model, channel.address)
            layers = [maps, channel.address]
        extractor = FeatureExtractor(self._model, layers, **self._options)
        return compute(extractor, channel.number)

    def __call__(self, images: Pixels) -> dict[str, NDArray[Any]]:
        """Compute the activations by key, and the attribution under `Channel.key`.

        Args:
            images: Array of shape (B, H, W, C) with C = 3 for RGB or 1 for gray, as prepared by `intake`.

        Raises:
            ImageError: The images are too small for the layers or too large for the memory.
        """
        import tensorflow as tf

        channel = self._wanted.channel
        found: dict[str, Any] = {}
        try:
            if self._wanted.layers:
                found |= self._extractor(images)
            if self._attribution is not None and channel is not None:
                found[channel.key] = self._attribution(tf.constant(images))
            return {key: np.asarray(tensor) for key, tensor in found.items()}
        except (tf.errors.ResourceExhaustedError, MemoryError) as cause:
            height, width = images.shape[1:3]
            message = f"not enough memory for the activations at {width}x{height} pixels; use a smaller --size"
            raise ImageError(message) from cause

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the network.

        It covers the files of a graph, the weights of a registered network, or the weights and layers of a custom file.
        """
        network = self._wanted.network
        if isinstance(network, Path):
            return _digest_of_files(network)
        digest = hashlib.sha256()
        for weight in self._model.weights:
            value = np.asarray(weight)
            digest.update(f"{value.dtype} {value.shape}".encode())
            digest.update(value.tobytes())
        own = Path(network.name)
        if own.suffix == SUFFIX and own.is_file():
            digest.update(json.dumps(read_config(own), sort_keys=True).encode())
        return digest.hexdigest()


def takes_whole_numbers(model: Any) -> bool:
    """Whether a Keras model has one input and it takes integers; such images are not preprocessed."""
    inputs = getattr(model, "inputs", None) or []
    return len(inputs) == 1 and "int" in str(inputs[0].dtype)


def _digest_of_files(place: Path) -> str:
    paths = [place]
    if place.is_dir():
        paths = sorted(path for path in place.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in paths:
        name = path.relative_to(place)
        digest.update(os.fsencode(name))
        digest.update(source_of(path).sha256.encode())
    return digest.hexdigest()


def _intake(extractor: FeatureExtractor) -> Intake:
    """Return the images that a network takes.

    Raises:
        NetworkError: The network does not take a single gray or color image.
    """
    shapes = extractor.shapes
    if shapes == (None,):
        return Intake()
    shape = shapes[0] if len(shapes) == 1 else None
    if shape is None or len(shape) != 4 or shape[-1] not in (1, 3, None):
        listed = ", ".join(map(str, shapes))
        message = (
            "expected a network that takes images of shape (batch, height, width, 1 or 3), "
            f"got one that takes {listed}; use it from Python with styler.FeatureExtractor"
        )
        raise NetworkError(message)
    _, height, width, channels = shape
    return Intake(
        height=height,
        width=width,
        channels=channels or 3,
        whole="int" in extractor.dtypes[0],
    )
