"""Carry out `styler features` for a batch of images: write one archive, or a picture of the activations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from styler.cli.extraction import ATTRIBUTION, Extraction, Wanted, common_shape
from styler.cli.reader import Reader, cut
from styler.errors import ImageError, shown
from styler.features.archive import DTYPES, write_archive
from styler.features.sheet import Heat, sheet
from styler.images.reading import read_image
from styler.images.writing import write_image
from styler.types import Size


def carry_out_extraction(request: Extraction) -> None:
    """Extract the activations and write them.

    Raises:
        StylerError: The extraction fails.
    """
    wanted = request.wanted
    paths = [photo.path for photo in request.photos]
    reader = Reader(wanted)
    pictures = [read_image(path) for path in paths]
    sizes = [Size(*picture.pixels.shape[:2]) for picture in pictures]
    shapes = [reader.intake.shape_for(size, wanted.size) for size in sizes]
    shape = shapes[0] if len(set(shapes)) == 1 else common_shape(paths, sizes, wanted.size)
    for path, size in zip(paths, sizes, strict=True):
        if left := cut(size, shape):
            print(f"note: {shown(path)}: only {left} is used", file=sys.stderr)
    images = np.stack([reader.intake.prepared(picture.pixels, shape) for picture in pictures])
    arrays = reader(images)
    if request.archive is not None:
        cast = cast_to(arrays, wanted.dtype)
        origin = {**options_of(wanted, reader.digest), "images": [source_facts(picture.source) for picture in pictures]}
        write_archive(
            request.archive,
            cast,
            origin=origin,
            overwrite=request.overwrite,
        )
        _tell(request.archive, cast)
    if request.grid is not None:
        picture = _drawn(wanted, arrays, images, [path.name for path in paths])
        write_image(picture, request.grid, overwrite=request.overwrite)
        print(f"{shown(request.grid)}  {picture.width}x{picture.height}", file=sys.stderr)


def options_of(wanted: Wanted, digest: str) -> dict[str, Any]:
    """Return everything that determines the contents of an archive, apart from the image, as JSON values.

    Args:
        wanted: What to compute.
        digest: SHA-256 of the network.
    """
    channel = wanted.channel
    return {
        "layers": wanted.layers,
        "weights": digest,
        "size": wanted.size,
        "reduce": wanted.reduce,
        "dtype": wanted.dtype,
        "attribution": None if channel is None else f"{channel.address}:{channel.number}",
        "method": None if channel is None else channel.method,
        "maps": None if channel is None else channel.maps,
    }


def source_facts(source: Any) -> dict[str, Any]:
    """Return the name, hash and length of an image file."""
    return {} if source is None else {"name": source.name, "sha256": source.sha256, "bytes": source.bytes}


def cast_to(arrays: dict[str, NDArray[Any]], dtype: str) -> dict[str, NDArray[Any]]:
    """Convert floating-point arrays to the type of the archive; integers and booleans stay as they are.

    Attributions are always float32: gradients are often too small for half precision and would all become 0.

    Raises:
        ImageError: A value is too large for the type.
    """
    cast: dict[str, NDArray[Any]] = {}
    for key, array in arrays.items():
        if array.dtype.kind not in "fV":  # V: bfloat16
            cast[key] = array
            continue
        if key.startswith(ATTRIBUTION):
            cast[key] = array.astype(DTYPES[0])
            continue
        with np.errstate(over="ignore"):
            cast[key] = array.astype(dtype)
        lost = np.isinf(cast[key]) & np.isfinite(array.astype(np.float32))
        if lost.any():
            largest = float(np.abs(array[lost]).max())
            message = f"{key!r} reaches {largest:.4g}, more than --dtype {dtype} holds; pass --dtype float32"
            raise ImageError(message)
    return cast


def _drawn(
    wanted: Wanted,
    arrays: dict[str, NDArray[Any]],
    images: NDArray[Any],
    names: list[str],
) -> Any:
    key = "" if wanted.channel is None else wanted.channel.key
    heat = None
    if wanted.channel is not None:
        title = f"{wanted.channel.address}:{wanted.channel.number} {wanted.channel.method}"
        silent = "" if np.any(arrays[key]) else " (silent on these images)"
        heat = Heat(title + silent, arrays[key], images)
    return sheet({name: array for name, array in arrays.items() if name != key}, names, heat)


def _tell(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    for key, array in arrays.items():
        print(f"{key}  {'x'.join(map(str, array.shape))}  {array.dtype}", file=sys.stderr)
    print(f"{shown(path)}  {path.stat().st_size:,} bytes", file=sys.stderr)
