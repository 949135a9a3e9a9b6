"""Turn the arguments of a command into a checked request, without importing TensorFlow."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from styler.batch.options import MASK, config_of, file_options
from styler.cli.streams import INPUT, OUTPUT, OUTPUTS, check_is_file
from styler.config import RenderConfig, refuse_without_steps
from styler.errors import ConfigError, OutputError, shown
from styler.features.layers import check_addresses
from styler.images.export import FILE_OPTIONS, Export
from styler.images.photos import style_name
from styler.images.reading import check_readable
from styler.images.sizes import result_size
from styler.images.writing import (
    beside,
    check_disk_holds,
    check_folder,
    check_format_holds,
    check_is_no_input,
    check_output,
    refusals,
)
from styler.inputs import Inputs
from styler.networks import find_network
from styler.networks.spec import decoder_of
from styler.options import NONE, field_of
from styler.presets import PRESETS
from styler.recipe import Input, Plan
from styler.render.files import check_paintings, checked_colors
from styler.texts import decoded, toml_hint, unified
from styler.types import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A render whose options and files have been checked.

    Attributes:
        inputs: Files to read.
        sizes: (height, width) of the input images.
        output: Path of the picture to write.
        config: Options of the render.
        size: (height, width) of the result.
        export: Options of the output file.
        max_pixels: Maximum number of pixels of an input; None allows what fits into memory.
        plan: Plan of a recipe, which the render follows instead of making a new one; None without a recipe.
        known: Inputs as a recipe describes them; None without a recipe.
        piped: Whether the photo came through standard input.
        regions: Number of regions in which positions count; 0 without masks.
    """

    inputs: Inputs[Path]
    sizes: Inputs[Size]
    output: Path
    config: RenderConfig
    size: Size
    export: Export = field(default_factory=Export)
    max_pixels: int | None = None
    plan: Plan | None = None
    known: Inputs[Input] | None = None
    piped: bool = False
    regions: int = 0

    @property
    def streams(self) -> bool:
        """Whether the picture goes to standard output."""
        return self.output in OUTPUTS

    @property
    def output_name(self) -> str:
        """Name of the output for messages: relative to the current folder if it lies in it."""
        if self.streams:
            return OUTPUT
        here = Path.cwd()
        return shown(self.output.relative_to(here) if self.output.is_relative_to(here) else self.output)

    @property
    def content_name(self) -> str:
        """Name of the photo for messages."""
        return INPUT if self.piped else shown(self.inputs.photo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """When and where to save the state of a render.

    Attributes:
        path: Path of the checkpoint; None saves no state.
        every: Seconds between two saves.
        always: Whether to save the state of short renders too.
        replace: Whether an existing checkpoint may be replaced.
    """

    path: Path | None
    every: float
    always: bool
    replace: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Options of a render that are not part of its config.

    Attributes:
        overwrite: Whether existing files may be replaced.
        save_every: Number of steps between two intermediate images; None writes none.
        save_final: Whether intermediate images have the size of the result.
        report: Path of the report, or None.
        saving: When and where to save the state.
        progress: Whether to show a bar; None shows it if stderr is a terminal.
        quiet: Whether to print errors only.
        recipe: Whether to store the recipe in the picture.
    """

    overwrite: bool
    save_every: int | None
    save_final: bool
    report: Path | None
    saving: Saving
    progress: bool | None
    quiet: bool
    recipe: bool = True


def checked_request(
    inputs: Inputs[Path],
    output: Path,
    config: RenderConfig,
    *,
    overwrite: bool,
    export: Export | None = None,
    max_pixels: int | None = None,
    plan: Plan | None = None,
    known: Inputs[Input] | None = None,
    piped: bool = False,
) -> Request:
    """Check everything that can be checked before TensorFlow is imported.

    Args:
        inputs: Files to read, as returned by `styler.render.files.image_files`.
        output: Path of the picture to write.
        config: Options of the render.
        overwrite: Whether an existing output may be replaced.
        export: Options of the output file.
        max_pixels: Maximum number of pixels of an input; None allows what fits into memory.
        plan: Plan of a recipe, or None.
        known: Inputs as a recipe describes them, or None.
        piped: Whether the photo came through standard input.

    Raises:
        StylerError: The request cannot be carried out; the subclass tells what is wrong.
    """
    wanted = export or Export()
    streams = output in OUTPUTS
    if not streams:
        check_output(output, overwrite=overwrite, inputs=inputs.images.items)
    sizes = inputs.images.map(lambda path: check_readable(path, max_pixels=max_pixels))
    config.check_styles(len(inputs.styles))
    colors = checked_colors(inputs, sizes, config.style_boxes(len(inputs.styles)), max_pixels)
    network = find_network(config.network)
    if config.needs_decoder:
        decoder_of(network)
    for chosen in (config.content_layers, config.style_layers):
        if chosen is not None:
            check_addresses((address for address, _ in chosen), network.layer_names, network.name)
    size = result_size(config.size, sizes.photo, network.minimum_size, plan.size if plan else None)
    check_paintings(inputs, sizes, config, network.minimum_size, size)
    if not streams:
        check_format_holds(output, size, wanted.depth)
        check_disk_holds(output, size, wanted.depth)
    return Request(
        inputs=inputs,
        sizes=sizes,
        output=output,
        config=config,
        size=size,
        export=wanted,
        max_pixels=max_pixels,
        plan=plan,
        known=known,
        piped=piped,
        regions=inputs.region_count(len(colors)),
    )


def check_report(
    path: Path | None,
    output: Path,
    *,
    overwrite: bool,
    inputs: Iterable[Path] = (),
) -> None:
    """Check that the report, if there is one, can be written.

    Raises:
        OutputError: The folder does not exist, the path is a folder or the path of the picture or an input, or the
            file exists and must not be replaced.
    """
    if path is None:
        return
    check_is_file(path, "--report")
    with refusals(path):
        _check_report(
            path,
            output,
            overwrite=overwrite,
            inputs=inputs,
        )


def _check_report(
    path: Path,
    output: Path,
    *,
    overwrite: bool,
    inputs: Iterable[Path],
) -> None:
    check_folder(path)
    check_is_no_input(path, inputs)
    if path.absolute() == output.absolute() or path.is_dir():
        message = f"cannot write {shown(path)}: expected a file used for the report only; choose another --report"
        raise OutputError(message)
    if path.exists() and not overwrite:
        message = f"{shown(path)} already exists; choose another --report or pass --overwrite"
        raise OutputError(message)


def check_intermediate(request: Request, save_every: int | None, *, overwrite: bool) -> None:
    """Check that intermediate and partial images can be written.

    Raises:
        ConfigError: There are no steps after which an image could be written.
        OutputError: Such a file exists and must not be replaced, or is an input; or the picture has no file name.
    """
    if save_every is not None and not request.config.steps:
        refuse_without_steps("save_every")
    if request.streams:
        if save_every is not None:
            message = f"--save-every writes images next to the picture, which goes to {OUTPUT}; pass --output"
            raise OutputError(message)
        return
    files = request.inputs.images.items
    check_is_no_input(beside(request.output, "partial"), files)
    if save_every is None:
        return
    try:
        names = sorted(os.listdir(request.output.parent))
    except OSError as cause:
        message = f"cannot list {shown(request.output.parent)} to see what --save-every would replace: {cause.strerror}"
        raise OutputError(message) from cause
    for name in names:
        if not is_step_image(request, name, save_every):
            continue
        path = request.output.with_name(name)
        check_is_no_input(path, files)
        if not overwrite:
            message = f"{shown(path)} already exists and --save-every would replace it; move it or pass --overwrite"
            raise OutputError(message)


def beside_at(request: Request, step: int) -> Path:
    """Return the path `<output stem>-<step>.png`; leading zeros make the names sort by step."""
    return beside(request.output, f"{step:0{len(str(request.config.steps))}d}")


def is_step_image(request: Request, name: str, save_every: int) -> bool:
    """Return whether an intermediate image of the render would have this file name."""
    head = f"{request.output.stem}-"
    number = name.removeprefix(head).removesuffix(".png")
    if name != f"{head}{number}.png" or not (number.isascii() and number.isdigit()):
        return False
    step = int(number)
    return step % save_every == 0 and 0 < step <= request.config.steps and name == beside_at(request, step).name


def use_of(request: Request, path: Path, save_every: int | None) -> str:
    """Say which additional image of a render would be written to this path; "" for none."""
    if os.path.realpath(path.parent) != os.path.realpath(request.output.parent):
        return ""
    if save_every is not None and is_step_image(request, path.name, save_every):
        return "an intermediate image"
    return "the image kept after an interrupt" if path.name == beside(request.output, "partial").name else ""


def default_output(content: Path, styles: Iterable[Path]) -> Path:
    """Return the path `<content stem>-<style stem>[-<style stem>…].png` in the current folder."""
    return Path("-".join((content.stem, *map(style_name, styles))) + ".png")


def build_options(file: Path | None, given: Mapping[str, Any] | None) -> tuple[RenderConfig, dict[str, Any]]:
    """Combine a preset, the options of a file and those of the command line; later ones override earlier ones.

    Args:
        file: TOML file, or None.
        given: Text or flags by field; None for an option that was not given. "preset" may be among the fields.

    Returns:
        The config, and the options about files as returned by `styler.batch.options.file_options`.

    Raises:
        ConfigError: The file cannot be read, or an option is unknown or out of range.
    """
    flags = {name: value for name, value in (given or {}).items() if value is not None}
    options = _options_of(file) if file else {}
    chosen = {**options, **flags}
    about_files = {name: chosen.pop(name) for name in FILE_OPTIONS if name in chosen}
    return config_of(chosen), file_options(about_files)


def mask_option(file: Path | None, flag: str | None, given: Mapping[str, Any] | None) -> str | None:
    """Return how masks are found: as the command line says or, if it names neither a way nor masks, as a file says.

    Args:
        file: TOML file, or None.
        flag: Value of `--mask`, or None.
        given: Other options of the command line by field; None for an option that was not given.

    Returns:
        The value of `--mask`; None for the masks that the options name.

    Raises:
        ConfigError: The file cannot be read.
    """
    names_masks = any((given or {}).get(name) is not None for name in ("content_mask", "style_mask"))
    of_file = None if file is None or names_masks else read_options(file).get(MASK)
    found = of_file if flag is None else flag
    return None if found == NONE else found


def _options_of(file: Path) -> dict[str, Any]:
    """Read and check the options of a file, so that an error names the file.

    Raises:
        ConfigError: The file cannot be read, or an option is unknown or out of range.
    """
    options = read_options(file)
    options.pop(MASK, None)
    try:
        config_of({name: value for name, value in options.items() if name not in FILE_OPTIONS})
        file_options(options)
    except ConfigError as cause:
        message = f"{shown(file)}: {cause}"
        raise ConfigError(message) from cause
    return options


def changed_config(config: RenderConfig, given: Mapping[str, Any]) -> RenderConfig:
    """Override the options of a config with those of a preset and then those of the command line.

    Raises:
        ConfigError: An option is unknown or out of range.
    """
    flags = {name: value for name, value in given.items() if value is not None}
    preset = flags.pop("preset", None)
    changes = PRESETS[preset].fields() if preset else {}
    return RenderConfig.overridden({**config.to_dict(), **changes}, flags)


def read_options(file: Path) -> dict[str, Any]:
    """Read the options of a TOML file; their names may have dashes or underscores.

    Raises:
        ConfigError: The file cannot be read or is not TOML.
    """
    try:
        options = tomllib.loads(unified(decoded(file.read_bytes())))
    except OSError as cause:
        message = f"cannot read {shown(file)}: {cause.strerror}"
        raise ConfigError(message) from cause
    except tomllib.TOMLDecodeError as cause:
        message = f"{shown(file)} is not TOML: {cause}{toml_hint(cause)}"
        raise ConfigError(message) from cause
    except ValueError as cause:
        message = f"{shown(file)} is not TOML: {cause}"
        raise ConfigError(message) from cause
    return {field_of(name): value for name, value in options.items()}
