"""Finds the files that a render reads from its options, and reads the pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from styler.config import BUILT_IN_INITS, RenderConfig
from styler.images.picture import Picture
from styler.images.reading import read_image
from styler.inputs import Inputs
from styler.networks import find_network, network_file


def image_files(content: Path, styles: Iterable[Path], config: RenderConfig) -> Inputs[Path]:
    """Return all images that a render reads; the config may name an image to start from."""
    return with_start(Inputs.of(content, styles), config)


def with_start(files: Inputs[Path], config: RenderConfig) -> Inputs[Path]:
    """Add the image to start from, if the config names one."""
    return replace(files, init=None if config.init in BUILT_IN_INITS else Path(config.init))


def with_network(files: Inputs[Path], config: RenderConfig) -> Inputs[Path]:
    """Add the network's file, if it has one.

    Raises:
        NetworkError: The config names an unknown network.
    """
    return replace(files, network=network_file(find_network(config.network), config.network))


def read_images(files: Inputs[Path], max_pixels: int | None = None) -> Inputs[Picture]:
    """Read the image files.

    Raises:
        ImageError: An image cannot be read, or has more pixels than `max_pixels`.
    """
    return files.images.map(lambda path: read_image(path, max_pixels=max_pixels))
