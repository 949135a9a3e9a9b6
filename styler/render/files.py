"""Finds the files that a render reads from its options, and reads the pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from styler.config import BUILT_IN_INITS, Box, RenderConfig
from styler.errors import shown
from styler.images.cropping import cropped, cropped_size, with_crops
from styler.images.photos import paintings_of
from styler.images.picture import Picture
from styler.images.reading import read_image
from styler.images.regions import Color
from styler.images.sizes import check_painting, check_scale
from styler.inputs import Inputs
from styler.networks import find_network, network_file
from styler.options import NO_FILE
from styler.render.regions import check_gray_masks, region_colors
from styler.types import Size


def image_files(
    content: Path,
    styles: Iterable[Path],
    config: RenderConfig,
    tell: Callable[[str], object] | None = None,
) -> Inputs[Path]:
    """Return all images that a render reads; the config may name masks and an image to start from.

    Args:
        content: The photo.
        styles: Paintings, or folders of paintings that share one style weight.
        config: Options of the render.
        tell: Called with a sentence about each folder in which files are skipped.

    Raises:
        ImageError: A folder has no paintings or too many.
        OptionError: The number of weights, boxes, scales or masks is not that of the styles.
    """
    groups = tuple(paintings_of(style, tell) for style in styles)
    return with_named(Inputs(content=content, styles=groups), config)


def with_named(files: Inputs[Path], config: RenderConfig) -> Inputs[Path]:
    """Add the images that the config names: masks, and an image to start from.

    Raises:
        OptionError: The number of masks is not that of the style images.
    """
    config.check_styles(len(files.styles))
    named = replace(
        files,
        init=None if config.init in BUILT_IN_INITS else Path(config.init),
        keep=None if config.keep is None else Path(config.keep),
        strength_map=None if config.strength_map is None else Path(config.strength_map),
    )
    return named.with_masks(
        None if config.content_mask is None else Path(config.content_mask),
        [None if mask == NO_FILE else Path(mask) for mask in config.style_mask or ()],
    )


def with_network(files: Inputs[Path], config: RenderConfig) -> Inputs[Path]:
    """Add the network's file, if it has one.

    Raises:
        NetworkError: The config names an unknown network.
    """
    return replace(files, network=network_file(find_network(config.network), config.network))


def checked_colors(
    files: Inputs[Path],
    sizes: Inputs[Size],
    boxes: Sequence[Box | None],
    max_pixels: int | None = None,
    read: Callable[..., Picture] = read_image,
) -> tuple[Color, ...]:
    """Read the masks of a render, check that they fit its images and each other, and return the colors of its regions.

    Args:
        files: The image files.
        sizes: Their sizes.
        boxes: The part of each style image that is used; None for a whole image.
        max_pixels: Maximum number of pixels of a mask.
        read: Reads an image.

    Raises:
        ConfigError: A mask does not fit.
        ImageError: A mask cannot be read.
    """

    def picture(mask: Path | None, box: Box | None) -> Picture | None:
        return None if mask is None else cropped(read(mask, max_pixels=max_pixels), box)

    check_gray_masks(sizes)
    masks = zip(files.style_masks, boxes, strict=bool(files.style_masks))
    return region_colors(
        picture(files.content_mask, None),
        [picture(mask, box) for mask, box in masks],
        with_crops(sizes, boxes, cropped_size),
    )


def check_paintings(
    files: Inputs[Path],
    sizes: Inputs[Size],
    config: RenderConfig,
    minimum: int,
    result: Size,
) -> None:
    """Check that the paintings, cropped and scaled, are large enough for the network.

    Args:
        files: The image files.
        sizes: Their sizes.
        config: Options of the render.
        minimum: Smallest side that the network accepts, in pixels.
        result: Size of the result.

    Raises:
        ConfigError: A painting is too small.
    """
    boxes = config.style_boxes(len(files.styles))
    seen = with_crops(sizes, boxes, cropped_size)
    scales = config.style_scales(len(files.styles))
    each = zip(files.paintings, seen.paintings, *map(files.for_paintings, (boxes, scales)), strict=True)
    for path, size, box, scale in each:
        name = shown(path) if box is None else f"{shown(path)}, cropped by --style-crop,"
        check_painting(size, minimum, name)
        check_scale(size, config.seen_at(max(result)), minimum, scale, name)


def read_images(files: Inputs[Path], max_pixels: int | None = None) -> Inputs[Picture]:
    """Read the image files.

    Raises:
        ImageError: An image cannot be read, or has more pixels than `max_pixels`.
    """
    return files.images.map(lambda path: read_image(path, max_pixels=max_pixels))
