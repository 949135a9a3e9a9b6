"""`--mask auto`: find the regions of a photo and its paintings, write them beside the output, and use them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from styler.cli.request import Request
from styler.errors import OutputError, shown
from styler.images.reading import check_readable
from styler.images.writing import check_is_no_input, longest_name
from styler.options import Choice
from styler.render.files import checked_colors, with_named
from styler.render.mask_files import AUTO, check_can_be_found, mask_files


def _files(request: Request) -> list[Path]:
    output = request.output
    return mask_files(output, request.inputs.paintings, longest_name(output.parent))


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
    check_can_be_found(request.inputs)
    if request.streams:
        message = "--mask auto writes the masks next to the picture, which goes to standard output; pass --output"
        raise OutputError(message)
    written = {os.path.realpath(other): other for other in others if other is not None}
    for path in _files(request):
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
    files = _files(request)
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


def written_masks(request: Request) -> str:
    """Say where the masks that were found are, and how to use them once edited."""
    *masks, overlay = (shown(path) for path in _files(request))
    return (
        f"wrote the masks {', '.join(masks)} and an overview of them, {overlay}; to change a region, edit the masks "
        "and pass them with --content-mask and --style-mask"
    )
