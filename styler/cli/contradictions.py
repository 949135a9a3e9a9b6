"""Find options and files of a request that make each other pointless; its user may have meant something else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from styler.cli.request import Request
from styler.config import RECOLORING, RenderConfig
from styler.errors import shown


def contradictions(request: Request) -> Iterator[str]:
    """Yield a sentence about each pair of options that contradict each other, and each image with two roles."""
    yield from _between_options(request.config)
    yield from _between_files(request.inputs.photo, request.inputs.paintings)


def _between_options(config: RenderConfig) -> Iterator[str]:
    if config.strength != RenderConfig().strength:
        if config.content_weight is not None:
            yield "--content-weight overrides --strength"
        elif config.style_weight is not None:
            yield "--style-weight overrides the style's part of --strength, which now only sets the weight of the photo"
    if config.color in RECOLORING and config.content_tone == "match":
        yield (
            f"--color {config.color} keeps the photo's colors, so that --content-tone match, which gives it the "
            "painting's, has little effect"
        )


def _between_files(photo: Path, paintings: list[Path]) -> Iterator[str]:
    places = [os.path.realpath(painting) for painting in paintings]
    if os.path.realpath(photo) in places:
        yield f"{shown(photo)} is both the photo and a painting"
    for number, painting in enumerate(paintings):
        if places.index(places[number]) < number:
            yield f"{shown(painting)} is given more than once as a painting"
