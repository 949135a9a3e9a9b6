"""Define the options of the commands: those described by the config and file classes, and those of the program."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from functools import partial, wraps
from glob import escape, glob
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from styler.config import BUILT_IN_INITS, OPTIONS, PREVIEW_SIZE, RenderConfig
from styler.images.export import FILE_OPTIONS, Export, Handling
from styler.options import FILES, GROUPS, NO_FILE, PICTURE, RUNNING, STYLE, Choice, Files, Flag, Option, flag_of
from styler.presets import DEFAULT_PRESET, PRESETS

AS_BEFORE = "as before"
FIRST = ("size", "preset", "strength", "color")  # most people need these options, which come first in this order
OWN = "Options"  # heading of options that only one command has
COLLECTED = "options"  # name of the parameter through which a command gets all described options, by field


class Command(TyperCommand):
    """A command whose help shows the options in groups and an example at the end."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options group by group."""
        rows: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if row is not None:
                is_argument = parameter.param_type_name == "argument"
                group = getattr(parameter, "rich_help_panel", None)
                own = RUNNING if parameter.name == "help" else OWN
                heading = "Arguments" if is_argument else group or own
                name = row[0].partition(" <")[0] if is_argument else row[0]  # drops the type in brackets
                rows.setdefault(heading, []).append((name, row[1]))
        for heading in ("Arguments", OWN, *GROUPS):
            if heading in rows:
                with formatter.section(heading):
                    formatter.write_dl(rows[heading])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the example without wrapping its lines."""
        if self.epilog:
            with formatter.section("Example"):
                for line in self.epilog.splitlines():
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def option(
    *names: str,
    default: object = None,
    help: str,
    group: str = RUNNING,
    **settings: Any,
) -> Any:
    """Make an option of one command; the help ends with its default in words."""
    said = help if default is None else f"{help} [{default}]"
    return typer.Option(
        *names,
        help=said,
        show_default=False,
        rich_help_panel=group,
        **settings,
    )


def with_options(
    described: Mapping[str, Option], *, as_before: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds the described options, and `--preset`, to a command.

    The command gets their values as text in its parameter `options`.

    Args:
        described: Options by field name.
        as_before: Whether an option that is not given keeps the value of a recipe.
    """
    added = [_parameter(name, described[name], as_before=as_before) for name in described]
    added.append(_preset(as_before=as_before))
    added.sort(key=lambda parameter: FIRST.index(parameter.name) if parameter.name in FIRST else len(FIRST))

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != COLLECTED]

        @wraps(command)
        def collecting(**given: Any) -> None:
            options = {parameter.name: given.pop(parameter.name) for parameter in added}
            options = {name: None if value == [] else value for name, value in options.items()}
            command(**given, **{COLLECTED: options})

        collecting.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *added)]
        )
        collecting.__annotations__ = {}
        return collecting

    return decorated


def _parameter(name: str, described: Option, *, as_before: bool) -> inspect.Parameter:
    default = AS_BEFORE if as_before else described.default_text or _default_of(name)
    is_flag = isinstance(described.kind, Flag)
    flags = described.flags or (f"{flag_of(name)}/{flag_of('no_' + name)}" if is_flag else flag_of(name))
    names = [described.short, flags] if described.short else [flags]
    settings: dict[str, Any] = {} if is_flag else {"metavar": described.kind.metavar}
    if isinstance(described.kind, Choice):
        settings["autocompletion"] = _completion(partial(tuple, described.kind.names))
    elif name in NAMES:
        settings["autocompletion"] = _completion(NAMES[name], files=True)
    info = option(
        *names,
        default=default,
        help=described.help,
        group=described.group,
        **settings,
    )
    kind: Any = bool | None if is_flag else str | None
    if isinstance(described.kind, Files):
        kind = list[str] | None
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind, info],
    )


def _networks() -> Iterable[str]:
    from styler.networks import NETWORKS

    return NETWORKS


NAMES: dict[str, Callable[[], Iterable[str]]] = {
    "network": _networks,
    "init": lambda: BUILT_IN_INITS,
    "content_mask": tuple,
    "keep": tuple,
    "strength_map": tuple,
    "style_mask": lambda: (NO_FILE,),
}
"""Option whose value is a name or the path of a file -> the names."""


def _completion(names: Callable[[], Iterable[str]], *, files: bool = False) -> Callable[[str], list[str]]:
    """Return a function that completes a word in the shell.

    Args:
        names: Returns the names that the word can become.
        files: Whether the word can also become the path of a file or folder.
    """

    def completed(incomplete: str) -> list[str]:
        found = [name for name in names() if name.startswith(incomplete)]
        return found + sorted(glob(f"{escape(incomplete)}*")) if files else found

    return completed


def _preset(*, as_before: bool) -> inspect.Parameter:
    info = option(
        "-p",
        "--preset",
        default=AS_BEFORE if as_before else DEFAULT_PRESET,
        metavar="|".join(PRESETS),
        autocompletion=_completion(lambda: PRESETS),
        help="Quality and speed; sets steps, start, start noise and views.",
        group=PICTURE,
    )
    kind: Any = str | None
    return inspect.Parameter(
        "preset",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind, info],
    )


def _default_of(name: str) -> str:
    """Return the default of a field in words."""
    described = (
        each for kind in (RenderConfig, Export, Handling) for each in fields(kind) if "option" in each.metadata
    )
    value = next(each.default for each in described if each.name == name)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


Given = Annotated[dict[str, Any] | None, None]
"""The values that `with_options` collects: text or a flag by field, None for an option that was not given."""

RENDERING = {**OPTIONS, **FILE_OPTIONS}
"""Options of commands that render and write pictures."""
PREVIEWING = {
    **RENDERING,
    "size": replace(OPTIONS["size"], default_text=str(PREVIEW_SIZE)),
    "style_match": replace(OPTIONS["style_match"], default_text="the --size"),
}
"""Options of the command that renders a preview."""
PLANNING = {**OPTIONS, "depth": FILE_OPTIONS["depth"], "max_pixels": FILE_OPTIONS["max_pixels"]}
"""Options of the command that predicts a render."""

Content = Annotated[
    Path,
    typer.Argument(
        metavar="CONTENT",
        help="The photo: JPEG, PNG, WebP, TIFF, HEIC, …",
        show_default=False,
    ),
]
Styles = Annotated[
    list[Path],
    typer.Argument(
        metavar="STYLE",
        help="A painting or a folder of paintings; several are blended.",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    option(
        "-o",
        "--output",
        metavar="PATH",
        default="<content>-<style>.png in this folder",
        help="The picture: png, jpg, webp or tif by suffix; - is standard output.",
        group=PICTURE,
    ),
]
Overwrite = Annotated[
    bool,
    option(
        "--overwrite/--no-overwrite",
        default="no",
        help="Replace an existing file. A link is replaced, not its target.",
        group=PICTURE,
    ),
]
SaveEvery = Annotated[
    int | None,
    option(
        "--save-every",
        metavar="N",
        help="Also write <output>-<step>.png every N steps.",
        group=FILES,
    ),
]
SaveSize = Annotated[
    str,
    option(
        "--save-size",
        default="own",
        metavar="own|final",
        help="Size of these images: that of the scale at this step (own) or of the result (final).",
        group=FILES,
    ),
]
Checkpoint = Annotated[
    str | None,
    option(
        "--checkpoint",
        default="<output>.styler-checkpoint for renders above 60 s",
        metavar="PATH|off",
        help="File that stores the state for 'styler resume'; deleted when the picture is written.",
        group=FILES,
    ),
]
CheckpointEvery = Annotated[
    str,
    option(
        "--checkpoint-every",
        default="30s",
        metavar="TIME",
        help="Time between two saves; 0s saves as often as possible.",
        group=FILES,
    ),
]
ConfigFile = Annotated[
    Path | None,
    option(
        "--config",
        metavar="FILE",
        help="TOML file with options; options typed here override it.",
        group=FILES,
    ),
]
Report = Annotated[
    Path | None,
    option(
        "--report",
        metavar="PATH",
        help="Write a JSON report of the render.",
        group=FILES,
    ),
]
Mask = Annotated[
    str | None,
    option(
        "--mask",
        metavar="auto|none",
        group=STYLE,
        help="Find regions of photo and paintings that correspond; write them as <output>-mask….png, to edit.",
    ),
]
DryRun = Annotated[bool, option("--dry-run", help="Check everything and print the plan; render nothing.")]
Progress = Annotated[
    bool | None, option("--progress/--no-progress", default="on a terminal", help="Show a progress bar.")
]
Quiet = Annotated[bool, option("-q", "--quiet", help="Print errors only.")]
Verbose = Annotated[bool, option("-v", "--verbose", help="Also print the plan.")]
Debug = Annotated[bool, option("--debug", help="Show the traceback of an error.")]
