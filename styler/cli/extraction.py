"""Check the arguments of `styler features` before TensorFlow is imported."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from styler.errors import ConfigError, ImageError, LayerError, OutputError, shown
from styler.features.address import parse_address, split_addresses
from styler.features.archive import DTYPES, SUFFIX, check_archive
from styler.features.attribution import METHODS, parse_channel
from styler.features.keys import REDUCTIONS
from styler.images.photos import Photo, photos_in
from styler.images.reading import check_readable
from styler.images.sizes import check_shape, with_longer_side
from styler.images.writing import check_output
from styler.networks import NETWORKS, NetworkSpec, find_network, is_graph
from styler.types import Size

ATTRIBUTION = "attribution/"
"""Prefix of the keys of attributions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel to attribute to pixels.

    Attributes:
        address: Address of its layer.
        number: Number of the channel, from 0.
        method: One of `METHODS`.
        maps: Layer whose maps are weighted by Grad-CAM; None for the last layer with maps before the channel's layer.
    """

    address: str
    number: int
    method: str
    maps: str | None = None

    @property
    def key(self) -> str:
        """Key of the attribution in an archive."""
        return f"{ATTRIBUTION}{self.address}:{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to compute for each image.

    Attributes:
        layers: Addresses, or addresses by key.
        network: A network, or the path of a graph.
        size: Longer side of the images in pixels; None keeps their size.
        reduce: One of `REDUCTIONS`, or None.
        dtype: Type of the arrays in the archive.
        channel: Channel to attribute to pixels, or None.
    """

    layers: list[str] | dict[str, str]
    network: NetworkSpec | Path
    size: int | None = None
    reduce: str | None = None
    dtype: str = DTYPES[0]
    channel: Channel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """A request that has been checked.

    Attributes:
        wanted: What to compute for each image.
        photos: The images, including all images in the given folders.
        problems: Folders that could not be read, with the reasons.
        archive: Path of one archive for all images, or None.
        folder: Folder for one archive per image, or None.
        grid: Path of the picture of the activations, or None.
        overwrite: Whether existing files may be replaced.
    """

    wanted: Wanted
    photos: list[Photo]
    problems: list[tuple[str, str]]
    archive: Path | None
    folder: Path | None
    grid: Path | None
    overwrite: bool


def checked_extraction(
    images: list[Path],
    wanted: Wanted,
    output: str | None,
    grid: Path | None,
    *,
    overwrite: bool,
) -> Extraction:
    """Check everything that can be checked before TensorFlow is imported.

    Args:
        images: Files and folders.
        wanted: What to compute for each image.
        output: Path of a file or folder, as typed by the user.
        grid: Path of the picture of the activations, or None.
        overwrite: Whether existing files may be replaced.

    Raises:
        StylerError: The request cannot be carried out; the subclass tells what is wrong.
    """
    folder = _is_folder(output) or any(image.is_dir() for image in images)
    archive = None if output is None else Path(output)
    if archive is None and grid is None:
        message = "expected -o FILE.npz, -o FOLDER/ or --grid FILE.png, got none of them"
        raise ConfigError(message)
    _check_outputs(
        archive,
        grid,
        folder=folder,
        overwrite=overwrite,
    )
    photos, problems = photos_in(images)
    if folder:
        check_names(photos)
    else:
        sizes = [check_readable(image) for image in images]
        if isinstance(wanted.network, NetworkSpec) and wanted.network.name in NETWORKS:  # these take any size
            shape = common_shape(images, sizes, wanted.size)
            check_shape(shape, wanted.network.minimum_size, "each image")
    return Extraction(
        wanted=wanted,
        photos=photos,
        problems=problems,
        archive=None if folder else archive,
        folder=archive if folder else None,
        grid=grid,
        overwrite=overwrite,
    )


def check_names(photos: list[Photo]) -> None:
    """Check that no two images have archives of the same name.

    Raises:
        ImageError: Two images have the same name; the message names the first such pair.
    """
    seen: dict[str, Photo] = {}
    for photo in photos:
        other = seen.setdefault(photo.name, photo)
        if other is not photo:
            message = f"{shown(other.path)} and {shown(photo.path)} would get the same archive; run them separately"
            raise ImageError(message)


def _is_folder(output: str | None) -> bool:
    return output is not None and (output.endswith(os.sep) or Path(output).is_dir())


def _check_outputs(
    archive: Path | None,
    grid: Path | None,
    *,
    folder: bool,
    overwrite: bool,
) -> None:
    if folder and grid is not None:
        message = "--grid: expected image files, got a folder; name files, or use -o FOLDER/ without --grid"
        raise ConfigError(message)
    if folder and archive is not None:
        _check_folder(archive)
    elif archive is not None:
        check_archive(archive, overwrite=overwrite)
    if grid is not None:
        check_output(grid, overwrite=overwrite)


def _check_folder(folder: Path) -> None:
    """Check that a path is a folder, or can become one, for one archive per image."""
    if folder.suffix == SUFFIX and not folder.is_dir():
        message = f"-o: expected a folder, for one archive per image, got {shown(folder)}"
        raise OutputError(message)
    existing = next((path for path in (folder, *folder.absolute().parents) if path.exists()), None)
    if existing is not None and not (existing.is_dir() and os.access(existing, os.W_OK)):
        what = "is not writable" if existing.is_dir() else "is not a folder"
        message = f"cannot write into {shown(folder)}: {shown(existing)} {what}"
        raise OutputError(message)


def checked_wanted(
    layers: str,
    network: str,
    *,
    allow_code: bool,
    attribution: str | None,
    method: str | None,
    maps: str | None,
    **rest: Any,
) -> Wanted:
    """Parse and check the layers, the network and the channel.

    Args:
        layers: Addresses separated by commas, each optionally after `key=`.
        network: Name or path of the network.
        allow_code: Whether a network file may run its own Python code.
        attribution: `LAYER:CHANNEL`, or None.
        method: One of `METHODS`; None for the first one.
        maps: Address of the layer for Grad-CAM, or None.
        **rest: `size`, `reduce` and `dtype` of `Wanted`.

    Raises:
        StylerError: The request cannot be carried out; the subclass tells what is wrong.
    """
    _check_choice("--dtype", rest["dtype"], DTYPES)
    _check_choice("--reduce", rest["reduce"], (None, *REDUCTIONS))
    channel = _channel(attribution, method, maps)
    asked = parse_layers(layers)
    if not asked and channel is None:
        message = "expected --layers a,b or --attribution layer:channel, got neither; styler layers lists the layers"
        raise ConfigError(message)
    if is_graph(network):
        if channel is not None:
            message = "--attribution needs a Keras network, got a graph; save the model as .keras"
            raise ConfigError(message)
        return Wanted(layers=asked, network=Path(network), **rest)
    of_channel = [] if channel is None else [channel.address, *([channel.maps] if channel.maps else [])]
    for address in (*(asked.values() if isinstance(asked, dict) else asked), *of_channel):
        parse_address(address)
    found = find_network(network, allow_code=allow_code, rendering=False)
    return Wanted(
        layers=asked,
        network=found,
        channel=channel,
        **rest,
    )


def _check_choice(option: str, value: str | None, choices: Iterable[str | None]) -> None:
    if value not in choices:
        message = f"{option}: expected {' or '.join(choice for choice in choices if choice)}, got {value!r}"
        raise ConfigError(message)


def _channel(attribution: str | None, method: str | None, maps: str | None) -> Channel | None:
    if attribution is None:
        given = next((name for name, value in (("--method", method), ("--maps", maps)) if value is not None), None)
        if given:
            message = f"{given} needs a channel to attribute; add --attribution LAYER:CHANNEL"
            raise ConfigError(message)
        return None
    _check_choice("--method", method, (None, *METHODS))
    if maps is not None and method != "gradcam":
        message = "--maps only works with Grad-CAM; add --method gradcam"
        raise ConfigError(message)
    address, number = parse_channel(attribution)
    return Channel(
        address=address,
        number=number,
        method=method or METHODS[0],
        maps=maps,
    )


def parse_layers(text: str) -> list[str] | dict[str, str]:
    """Parse the layers of `--layers`.

    `a,b` gives `["a", "b"]`, and `edges=a,b` gives `{"edges": "a", "b": "b"}`. Commas and equals signs inside quotes
    are part of a name.

    Raises:
        LayerError: A key has no address or is given twice.
    """
    parts = split_addresses(text)
    pairs = [(key.strip(), address.strip()) for key, address in map(_keyed, parts)]
    if all(not key for key, _ in pairs):
        return [address for _, address in pairs]
    named: dict[str, str] = {}
    for key, address in ((key or address, address) for key, address in pairs):
        if not address or key in named:
            problem = f"{key!r} is given twice" if address else f"nothing follows {key + '='!r}"
            message = f"--layers: expected key=address, each key once; {problem}"
            raise LayerError(message)
        named[key] = address
    return named


def _keyed(part: str) -> tuple[str, str]:
    key, sign, address = part.partition("=")
    return (key, address) if sign and not {"'", '"'} & set(key) else ("", part)


def common_shape(images: list[Path], sizes: list[Size], longer: int | None) -> Size:
    """Return the (height, width) that all images of a batch share.

    If `longer` is given, it is the longer side; images that would still differ in size become squares.

    Raises:
        ImageError: The images differ in size and no longer side is given.
    """
    scaled = [size if longer is None else with_longer_side(size, longer) for size in sizes]
    other = next((index for index, size in enumerate(scaled) if size != scaled[0]), None)
    if other is None:
        return scaled[0]
    if longer is None:
        (height, width), (rows, columns) = sizes[0], sizes[other]
        first = f"{shown(images[0])} of {width}x{height}"
        second = f"{shown(images[other])} of {columns}x{rows}"
        message = (
            f"expected images of one size, got {first} and {second} pixels; pass --size, or -o FOLDER/ for one "
            "archive per image"
        )
        raise ImageError(message)
    return Size(longer, longer)
