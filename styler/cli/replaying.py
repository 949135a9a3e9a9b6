"""Turn a picture with a recipe into a request that makes it again, without importing TensorFlow."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from styler.batch.options import file_options
from styler.cli.finding import Places, check_folders, find, find_images
from styler.cli.quiet import load_for_render
from styler.cli.request import Request, Settings, changed_config, checked_request
from styler.config import RenderConfig
from styler.errors import ConfigError, ImageError, NetworkError, shown
from styler.images.export import FILE_OPTIONS, Export, Handling
from styler.images.recipes import read_recipe
from styler.images.writing import check_is_no_input
from styler.inputs import CONTENT_MASK, INIT, KEEP, NETWORK, STRENGTH_MAP, STYLE_MASK, Entry, Inputs
from styler.networks import NETWORKS, decoder_file, find_network, network_file
from styler.options import options_of
from styler.recipe import SWITCHES, Plan, Recipe, with_names
from styler.render.files import with_named
from styler.sources import source_of

NAMED_BY_OPTIONS = (INIT, CONTENT_MASK, STYLE_MASK, KEEP, STRENGTH_MAP)
"""Roles of image files that options of the same names can replace."""


def recipe_in(image: Path) -> Recipe:
    """Read the recipe that is stored in a picture.

    Raises:
        ImageError: The picture cannot be read or has no recipe.
        ConfigError: The recipe is damaged or was written by a newer version.
    """
    text = read_recipe(image)
    if text is None:
        message = f"{shown(image)} has no recipe; another program may have removed it, or it was made with --no-recipe"
        raise ImageError(message)
    try:
        return Recipe.from_text(text)
    except ConfigError as cause:
        message = f"{shown(image)}: {cause}"
        raise ConfigError(message) from cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Changes to the options of a recipe.

    Attributes:
        options: Values as text, by config field; they override the recipe's values. "preset" may be among the fields.
        export: Options of the output file that override the recipe's values.
        handling: Options for reading inputs and storing recipes.
    """

    options: Mapping[str, Any]
    export: Mapping[str, Any]
    handling: Handling

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> Changes:
        """Make changes from the options of a command line; None stands for an option that was not given.

        Raises:
            ConfigError: An option about files is out of range.
        """
        asked = {name: value for name, value in (given or {}).items() if value is not None}
        about_files = {name: asked.pop(name) for name in FILE_OPTIONS if name in asked}
        files = file_options(about_files)
        export = {name: getattr(files["export"], name) for name in options_of(Export) if name in about_files}
        handling = Handling(max_pixels=files["max_pixels"], recipe=files["with_recipe"])
        return cls(
            options=asked,
            export=export,
            handling=handling,
        )


def replayed(
    recipe: Recipe,
    places: Places,
    output: Path | None,
    changes: Changes,
    *,
    overwrite: bool,
) -> Request:
    """Find the inputs of a recipe and check the request.

    Args:
        recipe: Recipe of the picture.
        places: Where to look for the inputs.
        output: Path of the new picture; None for `<stem>-replay` with the same suffix in the current folder.
        changes: Changes to the recipe.
        overwrite: Whether an existing output may be replaced.

    Raises:
        StylerError: The request cannot be carried out; the subclass tells what is wrong.
    """
    check_folders(places.folders)
    before = _with_files(recipe, places, changes.options)
    config = changed_config(before, changes.options)
    target = output or Path(f"{places.image.stem}-replay{places.image.suffix}")
    check_is_no_input(target, [places.image])
    return checked_request(
        with_named(find_images(recipe, places), config),
        target,
        config,
        overwrite=overwrite,
        export=Export(**{**recipe.export, **changes.export}),
        max_pixels=changes.handling.max_pixels,
        plan=recipe.plan if config == before else recipe.plan.without(_changed_fields(before, config)),
        known=recipe.inputs,
    )


def _changed_fields(before: RenderConfig, after: RenderConfig) -> list[str]:
    then = before.to_dict()
    now = after.to_dict()
    return [name for name in then if then[name] != now[name]]


def _with_files(recipe: Recipe, places: Places, flags: Mapping[str, Any]) -> RenderConfig:
    """Return the config of a recipe with the paths of the found files, unless a flag names others."""
    names = []
    for wanted in recipe.inputs.entries:
        is_needed = wanted.role in NAMED_BY_OPTIONS and flags.get(wanted.role) is None
        name = str(find(wanted, places).absolute()) if is_needed else wanted.item.name
        names.append(Entry(wanted.role, name, wanted.group))
    config = with_names(recipe.config, Inputs.of_entries(names))
    if flags.get("network") is not None:
        return config
    return config.changed(network=_network(recipe, places))


def _network(recipe: Recipe, places: Places) -> str:
    """Return the name of a registered network or the path of a custom one.

    Raises:
        NetworkError: The weights differ from those of the recipe.
    """
    wanted = recipe.inputs.network
    name = recipe.config.network
    if name not in NETWORKS:
        if wanted is None or not wanted.is_file:
            return find_network(name).name
        return str(find(Entry(NETWORK, wanted), places).absolute())
    network = NETWORKS[name]
    files = ((wanted, network_file(network, name)), (recipe.inputs.decoder, decoder_file(network)))
    for known, file in files:
        if known is not None and known.is_file and file is not None and source_of(file).sha256 != known.sha256:
            message = f"the weights of {name} in {shown(file)} have changed since {shown(places.image)} was made; "
            raise NetworkError(message + "restore the old file, or render again with --network")
    return name


def obey_before_import(plan: Plan) -> None:
    """Restore the environment variables that TensorFlow reads on import, as a plan recorded them."""
    if "tensorflow" in sys.modules:
        return
    for name, variable in SWITCHES.items():
        chosen = getattr(plan, name)
        os.environ.pop(variable, None)
        if chosen is not None:
            os.environ[variable] = str(int(chosen))


def obeyed(recipe: Recipe, request: Request, *, quiet: bool) -> Request:
    """Import TensorFlow with the settings of the recipe, and print warnings about anything that differs now.

    Returns:
        The request with the part of the plan that this machine can follow.

    Raises:
        ConfigError: TensorFlow does not start.
    """
    obey_before_import(recipe.plan)
    load_for_render(False if quiet else None)
    from styler.render.restoring import restored

    chosen = restored(request.plan or recipe.plan.machine, request.config, recipe.versions, elsewhere=False)
    warn(chosen.differences, quiet=quiet)
    return replace(request, plan=chosen.plan)


def carry_out_replay(
    recipe: Recipe,
    request: Request,
    settings: Settings,
    *,
    stream: IO[bytes] | None = None,
) -> None:
    """Render a picture from its recipe.

    Raises:
        StylerError: The render fails.
        KeyboardInterrupt: The user stopped the render; the best image so far has been written.
    """
    request = obeyed(recipe, request, quiet=settings.quiet)
    from styler.cli.work import carry_out

    carry_out(request, settings, stream=stream)


def warn(differences: Iterable[str], *, quiet: bool) -> None:
    """Print a warning for each difference from the original render."""
    for difference in () if quiet else differences:
        print(f"warning: {difference}", file=sys.stderr)
