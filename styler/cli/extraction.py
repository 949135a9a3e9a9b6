"""Carry out `styler features`: check, extract, write."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from styler.errors import ConfigError, ImageError
from styler.features.address import parse_address, split_addresses
from styler.features.archive import DTYPES, check_archive, write_archive
from styler.features.attribution import attribution, parse_channel
from styler.images.reading import Pixels, check_readable, read_image
from styler.images.resampling import resampled
from styler.images.sizes import check_shape, with_longer_side
from styler.images.writing import check_output, write_image
from styler.networks import NetworkSpec, find_network, is_saved_model
from styler.types import Features, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What `styler features` was asked for, found possible.

    Attributes:
        images: Paths.
        addresses: Layers, or tensors of a SavedModel.
        network: A network, or the folder of a SavedModel.
        shape: (height, width) that every image gets.
        channel: Layer and channel to attribute to pixels, or None.
        archive: Where the activations go, or None.
        grid: Where the picture goes, or None.
        dtype: Of the archive's arrays.
        overwrite: Whether existing files may be replaced.
    """

    images: list[Path]
    addresses: list[str]
    network: NetworkSpec | Path
    shape: Size
    channel: tuple[str, int] | None
    archive: Path | None
    grid: Path | None
    dtype: str
    overwrite: bool


def checked_extraction(
    images: list[Path], layers: str, network: str, size: int | None, channel: str | None, **outputs: Any
) -> Extraction:
    """Check all that can be checked before any heavy import.

    Raises:
        StylerError: Whatever stands in the way, by its own class.
    """
    _check_outputs(**{name: value for name, value in outputs.items() if name != "allow_code"})
    sizes = [check_readable(image) for image in images]
    chosen = parse_channel(channel) if channel else None
    addresses = split_addresses(layers)
    for address in [*addresses, *([chosen[0]] if chosen else [])]:
        parse_address(address) if not is_saved_model(network) else None
    if not addresses and not chosen:
        message = "expected --layers a,b or --attribution layer:channel, got neither; styler layers lists the layers"
        raise ConfigError(message)
    found = Path(network) if is_saved_model(network) else find_network(network, allow_code=outputs.pop("allow_code"))
    outputs.pop("allow_code", None)
    shape = common_shape(images, sizes, size)
    check_shape(shape, getattr(found, "minimum_size", 1), "each image")
    return Extraction(images=images, addresses=addresses, network=found, shape=shape, channel=chosen, **outputs)


def _check_outputs(archive: Path | None, grid: Path | None, dtype: str, overwrite: bool) -> None:
    if archive is None and grid is None:
        message = "expected -o FILE.npz or --grid FILE.png, got neither; say where the activations go"
        raise ConfigError(message)
    if dtype not in DTYPES:
        message = f"--dtype: expected {' or '.join(DTYPES)}, got {dtype!r}"
        raise ConfigError(message)
    if archive is not None:
        check_archive(archive, overwrite=overwrite)
    if grid is not None:
        check_output(grid, overwrite=overwrite)


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
        first, second = f"{images[0]} of {width}x{height}", f"{images[other]} of {columns}x{rows}"
        message = f"expected images of one size, got {first} and {second} pixels; give --size"
        raise ImageError(message)
    return Size(longer, longer)


def cropped(pixels: Pixels, shape: Size) -> Pixels:
    """Scaled to cover (height, width) and cut in the middle."""
    height, width = pixels.shape[:2]
    scale = max(shape.height / height, shape.width / width)
    covering = Size(max(shape.height, round(height * scale)), max(shape.width, round(width * scale)))
    large = resampled(pixels, covering)
    top, left = (covering.height - shape.height) // 2, (covering.width - shape.width) // 2
    return large[top : top + shape.height, left : left + shape.width]


def carry_out_extraction(request: Extraction) -> None:
    """Extract and write.

    Raises:
        StylerError: Whatever stands in the way.
    """
    import numpy as np

    pixels = np.stack([cropped(read_image(image).pixels, request.shape) for image in request.images])
    features, heat = _features(request, pixels)
    arrays = {address: np.asarray(tensor) for address, tensor in features.items()}
    heats = {title: np.asarray(tensor) for title, tensor in heat.items()}
    if request.archive is not None:
        kept = {**arrays, **{f"attribution/{title.partition(' ')[0]}": array for title, array in heats.items()}}
        cast = {name: _cast(array, request.dtype) for name, array in kept.items()}
        write_archive(request.archive, cast, overwrite=request.overwrite)
        _tell(request.archive, cast)
    if request.grid is not None:
        from styler.features.sheet import sheet

        picture = sheet(arrays, [image.name for image in request.images], heats)
        write_image(picture, request.grid, overwrite=request.overwrite)
        print(f"{request.grid}  {picture.width}x{picture.height}", file=sys.stderr)


def _features(request: Extraction, pixels: Any) -> tuple[Features, Features]:
    """Activations, and attributions by title."""
    import numpy as np

    from styler.features.extractor import FeatureExtractor
    from styler.features.graph import GraphExtractor

    if isinstance(request.network, Path):
        if request.channel:
            message = "--attribution needs a Keras network, got a SavedModel; save it as .keras"
            raise ConfigError(message)
        return GraphExtractor(request.network, request.addresses)(pixels), {}
    spec = replace(request.network, build=cache(request.network.build))
    features: Features = {}
    if request.addresses:
        features = FeatureExtractor.of(spec, request.addresses)(pixels)
    if request.channel is None:
        return features, {}
    address, channel = request.channel
    one = FeatureExtractor.of(spec, [address])
    heat = attribution(one, pixels, one.addresses[0], channel)
    silent = "" if np.any(heat) else " (silent on these images)"
    return features, {f"{address}:{channel}{silent}": heat}


def _cast(array: Any, dtype: str) -> Any:
    import numpy as np

    return array.astype(dtype) if array.dtype.kind in "fV" else np.asarray(array)


def _tell(path: Path, arrays: dict[str, Any]) -> None:
    for name, array in arrays.items():
        print(f"{name}  {'x'.join(map(str, array.shape))}  {array.dtype}", file=sys.stderr)
    print(f"{path}  {path.stat().st_size:,} bytes", file=sys.stderr)
