"""`--mask auto`: find the regions of a photo and its paintings, write them beside the output, and use them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from styler.cli.request import Request, beside
from styler.errors import ConfigError, OutputError, shown
from styler.images.reading import check_readable
from styler.images.writing import check_is_no_input, longest_name
from styler.options import Choice
from styler.render.files import checked_colors, with_named

AUTO = "auto"
OVERLAY = "overlay"


def mask_files(request: Request) -> list[Path]:
    """Return the files that `--mask auto` writes: the mask of the photo, those of the paintings, and the overlay.

    Masks of paintings are named after them, by number if their names are not enough to tell the files apart, and by
    number only if the file names would be too long.
    """
    stems = [painting.stem for painting in request.inputs.paintings]
    numbered = [f"{number}-{stem}" for number, stem in enumerate(stems, 1)]
    different = {name.casefold() for name in (*stems, OVERLAY)}
    names = stems if len(different) == len(stems) + 1 else numbered
    files = _named(request.output, names)
    most = longest_name(request.output.parent)
    fit = all(len(os.fsencode(path.name)) <= most for path in files)
    return files if fit else _named(request.output, [str(number) for number in range(1, len(stems) + 1)])


def _named(output: Path, paintings: Iterable[str]) -> list[Path]:
    words = ("mask", *(f"mask-{name}" for name in paintings), f"mask-{OVERLAY}")
    return [beside(output, word) for word in words]


def check_mask(
    request: Request,
    mask: str | None,
    *,
    overwrite: bool,
    others: Iterable[Path | None] = (),
) -> None:
    """Check that masks can be found and written, if they are wanted.

    Args:
        request: The render.
        mask: "auto", or None.
        overwrite: Whether existing files may be replaced.
        others: Other files that the render writes, such as a report; None for those that it does not write.

    Raises:
        ConfigError: The render has masks already, or cannot have any.
        OutputError: A file exists and must not be replaced, is an input or another output; or the picture has no file
            name.
    """
    if mask is None:
        return
    Choice((AUTO,)).check("mask", mask)
    if request.inputs.content_mask is not None:
        message = "expected --mask auto or --content-mask, got both; leave one of them out"
        raise ConfigError(message)
    if any(len(group) > 1 for group in request.inputs.styles):
        message = "expected one image for each STYLE with --mask auto, got a folder; name the paintings"
        raise ConfigError(message)
    if request.streams:
        message = "--mask auto writes the masks next to the picture, which goes to standard output; pass --output"
        raise OutputError(message)
    written = {os.path.realpath(other): other for other in others if other is not None}
    for path in mask_files(request):
        other = written.get(os.path.realpath(path))
        if other is not None:
            message = f"cannot write {shown(other)}: --mask auto writes a mask there; choose another name"
            raise OutputError(message)
        check_is_no_input(path, request.inputs.images.items)
        if path.exists() and not overwrite:
            message = (
                f"{shown(path)} already exists and --mask auto would replace it; pass it with --content-mask or "
                "--style-mask, move it, or pass --overwrite"
            )
            raise OutputError(message)


def with_auto_masks(request: Request) -> Request:
    """Find and write the masks of a request, and return the request with them.

    Raises:
        StylerError: An image cannot be read, or a file cannot be written.
    """
    from styler.api import Stylizer
    from styler.images.reading import read_image
    from styler.images.writing import write_picture
    from styler.render.auto_regions import overview

    paths = (request.inputs.photo, *request.inputs.paintings)
    images = [read_image(path, max_pixels=request.max_pixels) for path in paths]
    masks = Stylizer(request.config).auto_masks(images[0], images[1:])
    files = mask_files(request)
    for path, pixels in zip(files, (*masks, overview(images, masks)), strict=True):
        write_picture(read_image(pixels), path, overwrite=True)
    config = request.config.changed(
        content_mask=str(files[0]),
        style_mask=tuple(str(path) for path in files[1:-1]),
    )
    inputs = with_named(request.inputs, config)
    sizes = inputs.images.map(check_readable)
    return replace(
        request,
        inputs=inputs,
        sizes=sizes,
        config=config,
        regions=len(checked_colors(inputs, sizes, config.style_boxes(len(inputs.styles)), request.max_pixels)),
    )
