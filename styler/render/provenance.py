"""From a finished render to its recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from styler.config import BUILT_IN_INITS, PROFILES, QUALITY, RenderConfig
from styler.errors import ImageError, shown
from styler.images.picture import Picture
from styler.networks import NetworkSpec
from styler.networks.weights import located
from styler.recipe import Input, Level, Recipe, without_folders
from styler.render.engine import Engine
from styler.render.report import versions
from styler.sources import Source, source_of
from styler.types import Size

EXPORT = {"quality": QUALITY, "depth": None, "profile": PROFILES[0], "keep_gps": False, "dpi": None}
"""How a picture is written unless something else is asked for: the defaults of `styler.images.export.Export`."""


def network_input(config: RenderConfig, network: NetworkSpec) -> Input:
    """The network with the file of its weights, or a user's own file.

    Raises:
        OSError: It cannot be read.
    """
    file = located(network.weights_file) if network.weights_file else Path(config.network)
    source = source_of(file) if file is not None and file.is_file() else None
    name = network.name if network.weights_file or source is None else source.name
    return Input(
        role="network",
        name=Path(name).name or name,
        sha256=source.sha256 if source else None,
        bytes=source.bytes if source else None,
    )


def inputs_of(config: RenderConfig, network: NetworkSpec, pictures: list[Picture]) -> tuple[Input, ...]:
    """All that a render reads, photo first; to be taken before it starts, since files may change during it.

    Raises:
        ImageError: The image to start from cannot be read.
    """
    photo, *paintings = pictures
    inputs = [picture_input("content", photo), *(picture_input("style", each) for each in paintings)]
    if config.init not in BUILT_IN_INITS:
        inputs.append(_file_input("init", _start(config.init)))
    return (*inputs, network_input(config, network))


def recipe_of(
    config: RenderConfig, engine: Engine, inputs: tuple[Input, ...], size: Size, octaves: tuple[Level, ...]
) -> Recipe:
    """The recipe of a picture.

    Args:
        config: As it was asked for.
        engine: It was rendered on.
        inputs: By `inputs_of`.
        size: Of the picture, (height, width).
        octaves: That led to it.
    """
    return Recipe(
        config=without_folders(config),
        plan=replace(engine.plan, size=size, octaves=octaves),
        export=EXPORT,
        inputs=inputs,
        versions=versions(),
    )


def picture_input(role: str, picture: Picture) -> Input:
    """An image by its file, or by its pixels where it was handed over in memory."""
    if picture.source is not None:
        return _file_input(role, picture.source)
    return Input(role=role, name=picture.name, sha256=picture.sha256, bytes=None)


def _file_input(role: str, source: Source) -> Input:
    return Input(role=role, name=source.name, sha256=source.sha256, bytes=source.bytes)


def _start(path: str) -> Source:
    try:
        return source_of(path)
    except OSError as cause:
        message = f"cannot read {shown(path)}, the image to start from: {cause.strerror or cause}"
        raise ImageError(message) from cause
