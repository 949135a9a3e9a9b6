"""What `styler features` was asked for, checked before TensorFlow is imported."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from styler.cli.photos import Photo, check_names, photos_in
from styler.errors import ConfigError, ImageError, LayerError, OutputError, shown
from styler.features.address import parse_address, split_addresses
from styler.features.archive import DTYPES, SUFFIX, check_archive
from styler.features.attribution import METHODS, parse_channel
from styler.features.keys import REDUCTIONS
from styler.images.reading import check_readable
from styler.images.sizes import check_shape, with_longer_side
from styler.images.writing import check_output
from styler.networks import NETWORKS, NetworkSpec, find_network, is_graph
from styler.types import Size

ATTRIBUTION = "attribution/"
"""What keys of attributions begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel to attribute to pixels.

    Attributes:
        address: Of its layer.
        number: From 0.
        method: One of `METHODS`.
        maps: Layer whose maps Grad-CAM weighs; None for the last one with maps before the channel's.
    """

    address: str
    number: int
    method: str
    maps: str | None = None

    @property
    def key(self) -> str:
        """Of its map in an archive."""
        return f"{ATTRIBUTION}{self.address}:{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be computed of each image.

    Attributes:
        layers: Addresses, or key -> address.
        network: A network, or where a graph lies.
        size: Longer side of the images, pixels; None leaves them.
        reduce: One of `REDUCTIONS`, or None.
        dtype: Of the archive's arrays.
        channel: Whose attribution, or None.
    """

    layers: list[str] | dict[str, str]
    network: NetworkSpec | Path
    size: int | None = None
    reduce: str | None = None
    dtype: str = DTYPES[0]
    channel: Channel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """A request found possible.

    Attributes:
        wanted: Of each image.
        photos: The images; of folders, all in them.
        problems: What of the folders could not be read, and why.
        archive: One file for all images, or None.
        folder: Where an archive an image goes, or None.
        grid: Where the picture goes, or None.
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
    images: list[Path], wanted: Wanted, output: str | None, grid: Path | None, *, overwrite: bool
) -> Extraction:
    """Check all that can be checked before any heavy import.

    Args:
        images: Files and folders.
        wanted: Of each image.
        output: As written: a file, or a folder.
        grid: Where the picture goes, or None.
        overwrite: Whether existing files may be replaced.

    Raises:
        StylerError: Whatever stands in the way, by its own class.
    """
    folder = _is_folder(output) or any(image.is_dir() for image in images)
    archive = None if output is None else Path(output)
    if archive is None and grid is None:
        message = "expected -o FILE.npz, -o FOLDER/ or --grid FILE.png, got none; say where the activations go"
        raise ConfigError(message)
    _check_outputs(archive, grid, folder=folder, overwrite=overwrite)
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


def _is_folder(output: str | None) -> bool:
    return output is not None and (output.endswith(os.sep) or Path(output).is_dir())


def _check_outputs(archive: Path | None, grid: Path | None, *, folder: bool, overwrite: bool) -> None:
    if folder and grid is not None:
        message = "--grid: expected one or a few image files, got a folder; give files, or -o FOLDER/ alone"
        raise ConfigError(message)
    if folder and archive is not None:
        _check_folder(archive)
    elif archive is not None:
        check_archive(archive, overwrite=overwrite)
    if grid is not None:
        check_output(grid, overwrite=overwrite)


def _check_folder(folder: Path) -> None:
    """Refuse a name that cannot become a folder of archives."""
    if folder.suffix == SUFFIX and not folder.is_dir():
        message = f"expected -o FOLDER/ for the images of a folder, an archive each, got {shown(folder)}"
        raise OutputError(message)
    existing = next((path for path in (folder, *folder.absolute().parents) if path.exists()), None)
    if existing is not None and not (existing.is_dir() and os.access(existing, os.W_OK)):
        what = "may not be written to" if existing.is_dir() else "is not a folder"
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
    """Read layers, network and channel.

    Args:
        layers: Addresses separated by commas, each with or without `key=` before it.
        network: A name or a path.
        allow_code: Let a file run Python code of its own.
        attribution: `LAYER:CHANNEL`, or None.
        method: One of `METHODS`; None for the first.
        maps: Address, for Grad-CAM.
        **rest: `size`, `reduce` and `dtype` of `Wanted`.

    Raises:
        StylerError: Whatever stands in the way, by its own class.
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
    return Wanted(layers=asked, network=found, channel=channel, **rest)


def _check_choice(option: str, value: str | None, choices: Iterable[str | None]) -> None:
    if value not in choices:
        message = f"{option}: expected {' or '.join(choice for choice in choices if choice)}, got {value!r}"
        raise ConfigError(message)


def _channel(attribution: str | None, method: str | None, maps: str | None) -> Channel | None:
    if attribution is None:
        given = next((name for name, value in (("--method", method), ("--maps", maps)) if value is not None), None)
        if given:
            message = f"{given} says how to attribute a channel; give --attribution LAYER:CHANNEL with it"
            raise ConfigError(message)
        return None
    _check_choice("--method", method, (None, *METHODS))
    if maps is not None and method != "gradcam":
        message = "--maps chooses the layer that Grad-CAM weighs; give --method gradcam with it"
        raise ConfigError(message)
    address, number = parse_channel(attribution)
    return Channel(address=address, number=number, method=method or METHODS[0], maps=maps)


def parse_layers(text: str) -> list[str] | dict[str, str]:
    """`a,b` -> ["a", "b"]; `edges=a,b` -> {"edges": "a", "b": "b"}; a sign within quotes is part of a name.

    Raises:
        LayerError: A key without an address, or one key twice.
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
    """The one (height, width) of a batch: that of all, scaled to the longer side if given, else a square.

    Raises:
        ImageError: The images differ and no size is given.
    """
    scaled = [size if longer is None else with_longer_side(size, longer) for size in sizes]
    other = next((index for index, size in enumerate(scaled) if size != scaled[0]), None)
    if other is None:
        return scaled[0]
    if longer is None:
        (height, width), (rows, columns) = sizes[0], sizes[other]
        first, second = f"{shown(images[0])} of {width}x{height}", f"{shown(images[other])} of {columns}x{rows}"
        message = (
            f"expected images of one size, got {first} and {second} pixels; give --size, or -o FOLDER/ for an archive "
            "an image"
        )
        raise ImageError(message)
    return Size(longer, longer)
