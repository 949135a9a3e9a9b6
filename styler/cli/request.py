"""From words of the command line to a checked request, without importing TensorFlow."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from styler.batch.options import config_of, file_options
from styler.cli.streams import INPUT, OUTPUT, OUTPUTS, check_is_file
from styler.config import RenderConfig
from styler.errors import ConfigError, OutputError, shown
from styler.features.layers import check_addresses
from styler.images.export import FILE_OPTIONS, Export
from styler.images.reading import check_readable
from styler.images.sizes import check_painting, result_size
from styler.images.writing import (
    check_disk_holds,
    check_folder,
    check_format_holds,
    check_is_no_input,
    check_output,
    refusals,
)
from styler.inputs import Inputs
from styler.networks import find_network
from styler.options import field_of
from styler.presets import PRESETS
from styler.recipe import Input, Plan
from styler.texts import decoded, toml_hint, unified
from styler.types import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A render that was found possible.

    Attributes:
        inputs: Files that it reads.
        sizes: Of the images among them, (height, width).
        output: Where the picture goes.
        config: How to render it.
        size: Of the result, (height, width).
        export: Choices about the output file.
        max_pixels: Most pixels of an input, None for what fits into memory.
        plan: What a recipe says that the options came to; obeyed instead of finding it out anew.
        known: What a recipe says of the inputs; None where there is no recipe.
        piped: Whether the photo came through standard input.
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

    @property
    def streams(self) -> bool:
        """Whether the picture goes to standard output."""
        return self.output in OUTPUTS

    @property
    def output_name(self) -> str:
        """Of the output, for messages."""
        return OUTPUT if self.streams else shown(self.output)

    @property
    def content_name(self) -> str:
        """Of the photo, for messages."""
        return INPUT if self.piped else shown(self.inputs.photo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """When and where to save the state of a render.

    Attributes:
        path: Of the checkpoint, None for none.
        every: Seconds between two savings.
        always: Whether a short render is saved too.
        replace: Whether a file of that name may be replaced.
    """

    path: Path | None
    every: float
    always: bool
    replace: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the command line adds to a config.

    Attributes:
        overwrite: Whether existing files may be replaced.
        save_every: Steps between two intermediate images, None for none.
        save_final: Whether intermediate images have the size of the result.
        report: Where the report goes, None for nowhere.
        saving: When and where to save the state.
        progress: Whether to show a bar, None to ask the terminal.
        quiet: Whether to show errors only.
        recipe: Whether the picture carries its recipe.
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
    output: Path | None,
    config: RenderConfig,
    *,
    overwrite: bool,
    export: Export | None = None,
    max_pixels: int | None = None,
    plan: Plan | None = None,
    known: Inputs[Input] | None = None,
    piped: bool = False,
) -> Request:
    """Check all that can be checked before any heavy import.

    Args:
        inputs: Files to read, as `styler.render.files.image_files` finds them.
        output: Where the picture goes; None for a name made from those of the inputs.
        config: How to render it.
        overwrite: Whether an existing output may be replaced.
        export: Choices about the output file.
        max_pixels: Most pixels of an input, None for what fits into memory.
        plan: What a recipe says that the options came to.
        known: What a recipe says of the inputs.
        piped: Whether the photo came through standard input.

    Raises:
        StylerError: Whatever stands in the way, by its own class.
    """
    wanted = export or Export()
    target = output or default_output(inputs.photo, inputs.paintings)
    streams = target in OUTPUTS
    if not streams:
        check_output(target, overwrite=overwrite, inputs=inputs.images.items)
    sizes = inputs.images.map(lambda path: check_readable(path, max_pixels=max_pixels))
    config.style_shares(len(inputs.styles))
    network = find_network(config.network)
    for path, size in zip(inputs.paintings, sizes.paintings, strict=True):
        check_painting(size, network.minimum_size, shown(path))
    for chosen in (config.content_layers, config.style_layers):
        if chosen is not None:
            check_addresses((address for address, _ in chosen), network.layer_names, network.name)
    size = result_size(config.size, sizes.photo, network.minimum_size, plan.size if plan else None)
    if not streams:
        check_format_holds(target, size, wanted.depth)
        check_disk_holds(target, size, wanted.depth)
    return Request(
        inputs=inputs,
        sizes=sizes,
        output=target,
        config=config,
        size=size,
        export=wanted,
        max_pixels=max_pixels,
        plan=plan,
        known=known,
        piped=piped,
    )


def check_report(path: Path | None, output: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuse a report that was asked for and could not be written.

    Raises:
        OutputError: The folder does not exist, the path is the picture's or no file's, or the file must stay.
    """
    if path is None:
        return
    check_is_file(path, "--report")
    with refusals(path):
        _check_report(path, output, overwrite=overwrite, inputs=inputs)


def _check_report(path: Path, output: Path, *, overwrite: bool, inputs: Iterable[Path]) -> None:
    check_folder(path)
    check_is_no_input(path, inputs)
    if path.absolute() == output.absolute() or path.is_dir():
        message = f"cannot write {shown(path)}: a file for the report alone was expected; choose another --report"
        raise OutputError(message)
    if path.exists() and not overwrite:
        message = f"{shown(path)} exists already; choose another --report or give --overwrite"
        raise OutputError(message)


def check_intermediate(request: Request, save_every: int | None, *, overwrite: bool) -> None:
    """Refuse intermediate and partial images whose names are taken.

    Raises:
        OutputError: A file of such a name exists and must stay, or is one of the inputs; or the picture has no name.
    """
    if request.streams:
        if save_every is not None:
            message = f"--save-every writes images beside the picture, which goes to {OUTPUT}; name an --output"
            raise OutputError(message)
        return
    files = request.inputs.images.items
    check_is_no_input(beside(request.output, "partial"), files)
    if save_every is None:
        return
    for step in range(save_every, request.config.steps + 1, save_every):
        path = beside_at(request, step)
        check_is_no_input(path, files)
        if path.exists() and not overwrite:
            message = f"{shown(path)} exists already and --save-every would replace it; move it or give --overwrite"
            raise OutputError(message)


def beside(output: Path, word: str) -> Path:
    """`<output stem>-<word>.png` in the output's folder."""
    return output.with_name(f"{output.stem}-{word}.png")


def beside_at(request: Request, step: int) -> Path:
    """`<output stem>-<step>.png`, with as many digits as the last step has, so that names sort."""
    return beside(request.output, f"{step:0{len(str(request.config.steps))}d}")


def is_beside(output: Path, path: Path, save_every: int | None) -> str:
    """Which image of a render beside its output has this name; empty for none."""
    stem = os.path.realpath(beside(output, ""))[: -len(".png")]
    number = str(path)[len(stem) : -len(".png")]
    if str(path) != f"{stem}{number}.png":
        return ""
    if number.isascii() and number.isdigit() and save_every and int(number) % save_every == 0:
        return "an intermediate image"
    return "the image kept at an interrupt" if number == "partial" else ""


def default_output(content: Path, styles: list[Path]) -> Path:
    """`<content stem>-<style stem>[-<style stem>…].png` in the current folder."""
    return Path("-".join(path.stem for path in (content, *styles)) + ".png")


def build_options(file: Path | None, given: Mapping[str, Any] | None) -> tuple[RenderConfig, dict[str, Any]]:
    """Preset, then the options of a file, then those of the command line.

    Args:
        file: TOML file or None.
        given: Field -> text or flag, None where not given; "preset" may be among them.

    Returns:
        The config, and the choices about files as `styler.batch.options.file_options` has them.

    Raises:
        ConfigError: The file cannot be read, or an option is unknown or out of range.
    """
    flags = {name: value for name, value in (given or {}).items() if value is not None}
    options = _options_of(file) if file else {}
    chosen = {**options, **flags}
    about_files = {name: chosen.pop(name) for name in FILE_OPTIONS if name in chosen}
    return config_of(chosen), file_options(about_files)


def _options_of(file: Path) -> dict[str, Any]:
    """The options of a file, each checked by itself, so that an error names the file.

    Raises:
        ConfigError: It cannot be read, or an option is unknown or out of range.
    """
    options = read_options(file)
    try:
        config_of({name: value for name, value in options.items() if name not in FILE_OPTIONS})
        file_options(options)
    except ConfigError as cause:
        message = f"{shown(file)}: {cause}"
        raise ConfigError(message) from cause
    return options


def changed_config(config: RenderConfig, given: Mapping[str, Any]) -> RenderConfig:
    """The config with a preset's options and then those of the command line in place of its own.

    Raises:
        ConfigError: An option is unknown or out of range.
    """
    flags = {name: value for name, value in given.items() if value is not None}
    preset = flags.pop("preset", None)
    changes = PRESETS[preset].fields() if preset else {}
    return RenderConfig.from_dict({**config.to_dict(), **changes, **flags})


def read_options(file: Path) -> dict[str, Any]:
    """Options of a TOML file, dashes or underscores.

    Raises:
        ConfigError: No such file, or not TOML.
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
