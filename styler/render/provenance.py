"""Makes the recipe of a finished render."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from styler.config import PROFILES, QUALITY, RenderConfig
from styler.images.picture import Picture
from styler.inputs import Inputs
from styler.networks import NetworkSpec, decoder_file, network_file
from styler.recipe import Change, Input, Level, Recipe, without_folders
from styler.render.engine import Engine
from styler.render.report import versions
from styler.sources import source_of
from styler.types import Size

EXPORT = {"quality": QUALITY, "depth": None, "profile": PROFILES[0], "keep_gps": False, "dpi": None}
"""The default options for writing a picture, the same as in `styler.images.export.Export`."""


def recipe_inputs(inputs: Inputs[Picture], config: RenderConfig, network: NetworkSpec) -> Inputs[Input]:
    """Describe the inputs for the recipe; call this before the render starts, because files may change during it.

    Raises:
        OSError: The network's file cannot be read.
    """
    return replace(
        inputs.map(_of_picture),
        network=_of_network(config, network),
        decoder=_of_decoder(network) if config.needs_decoder else None,
    )


def _of_picture(picture: Picture) -> Input:
    """Describe an image by its file, or by its pixels if it was passed in memory."""
    source = picture.source
    if source is None:
        return Input(
            name=picture.name,
            sha256=picture.sha256,
            bytes=None,
        )
    return Input(
        name=source.name,
        sha256=source.sha256,
        bytes=source.bytes,
    )


def _of_network(config: RenderConfig, network: NetworkSpec) -> Input:
    """Describe a registered network by its name and weights, and any other network by its file."""
    path = network_file(network, config.network)
    if path is None:
        return Input(
            name=Path(network.name).name or network.name,
            sha256=None,
            bytes=None,
        )
    source = source_of(path)
    name = network.name if network.weights_file else source.name
    return Input(
        name=name,
        sha256=source.sha256,
        bytes=source.bytes,
    )


def _of_decoder(network: NetworkSpec) -> Input | None:
    path = decoder_file(network)
    if path is None:
        return None
    source = source_of(path)
    return Input(
        name=source.name,
        sha256=source.sha256,
        bytes=source.bytes,
    )


def recipe_of(
    config: RenderConfig,
    engine: Engine,
    inputs: Inputs[Input],
    changes: tuple[Change, ...],
    size: Size,
    octaves: tuple[Level, ...],
    tile: int | None = None,
) -> Recipe:
    """Make the recipe of a picture.

    Args:
        config: Options of the render, as requested.
        engine: Engine of the render.
        inputs: Result of `recipe_inputs`.
        changes: Options that change during the render; changes that come after this picture are left out.
        size: Size of the picture, (height, width).
        octaves: Octaves that the render has made.
        tile: Side of the tiles of the one pass, pixels; None for one piece or another kind of render.
    """
    done = sum(level.done for level in octaves)
    made = tuple(change for change in changes if change.step < done)
    return Recipe(
        config=without_folders(config),
        plan=replace(
            engine.plan,
            size=size,
            octaves=octaves,
            tile=tile,
            changes=made,
        ),
        export=EXPORT,
        inputs=inputs,
        versions=versions(),
    )
