"""Options as annotated types; defaults and choices come from `RenderConfig` and the registries."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

from styler.choices import CONTENT_LOSSES, OPTIMIZERS, STYLE_LOSSES
from styler.config import (
    COLORS,
    COMPILERS,
    DEPTHS,
    LARGEST_DPI,
    POOLINGS,
    PRECISIONS,
    PROFILES,
    QUALITY,
    RenderConfig,
)
from styler.presets import PRESETS

DEFAULTS = RenderConfig()
CONFIG_FIELDS = frozenset(field.name for field in fields(RenderConfig))
LOOK, EFFORT, OUTPUT, TERMINAL = "Look", "Effort", "Output", "Terminal"
AS_BEFORE = "as before"


def option(*names: str, default: object = None, **settings: Any) -> Any:
    """An option that is None unless given, so that config files and presets can tell; the help says the default."""
    shown = False if default is None else str(default)
    return typer.Option(*names, show_default=shown, **settings)


def unchanged_unless_given(command: Callable[..., None]) -> Callable[..., None]:
    """Show "as before" as the default of options that a recipe holds."""
    hints = get_type_hints(command, include_extras=True)
    asked = CONFIG_FIELDS | {"preset"}
    command.__annotations__ = {name: _as_before(hint) if name in asked else hint for name, hint in hints.items()}
    return command


def _as_before(hint: Any) -> Any:
    kind, info = get_args(hint)
    info = copy(info)
    info.show_default = AS_BEFORE
    return Annotated[kind, info]


Content = Annotated[Path, typer.Argument(help="The photo: JPEG, PNG, WebP, TIFF, …", show_default=False)]
Styles = Annotated[list[Path], typer.Argument(help="One or more paintings.", show_default=False)]
Output = Annotated[
    Path | None,
    option(
        "-o",
        "--output",
        default="<content>-<style>.png in this folder",
        help="png, jpg, webp or tif by suffix.",
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite/--no-overwrite", help="Replace an existing output; a link, not what it leads to."),
]
Quality = Annotated[
    int | None, option("--quality", min=1, max=100, default=QUALITY, help="Of JPEG and WebP, 1 to 100.")
]
Depth = Annotated[
    int | None,
    option(
        "--depth", default="16 for a deeper photo", help=f"{' | '.join(map(str, DEPTHS))}: bits; png and tif hold 16."
    ),
]
Profile = Annotated[
    str | None,
    option(
        "--profile",
        default=PROFILES[0],
        help=f"{' | '.join(PROFILES)}: the photo's color profile on the result, or sRGB.",
    ),
]
Dpi = Annotated[
    int | None,
    option("--dpi", min=1, max=LARGEST_DPI, metavar="N", default="the photo's", help="Dots per inch that it states."),
]
KeepGps = Annotated[bool | None, typer.Option("--keep-gps", help="Pass on where the photo was taken.")]
MaxPixels = Annotated[
    int | None,
    option("--max-pixels", min=1, metavar="N", default="by memory, at most 2^28", help="Refuse larger images."),
]
Size = Annotated[
    str | None,
    option("-s", "--size", default=DEFAULTS.size, help="Longer side of the result, pixels, or 'original'."),
]
Preset = Annotated[
    str | None,
    option("-p", "--preset", default="balanced", help=f"{' | '.join(PRESETS)}: how much work it gets."),
]
Strength = Annotated[
    float | None,
    option("--strength", default=DEFAULTS.strength, help="0 = the photo, 1 = the painting's texture."),
]
StyleWeights = Annotated[
    str | None,
    option("--style-weights", default="equal", metavar="A,B,…", help="Shares of several paintings."),
]
Color = Annotated[
    str | None,
    option(
        "--color",
        default=DEFAULTS.color,
        help=f"{' | '.join(COLORS)}: the painting's colors, or the photo's.",
    ),
]
Network = Annotated[
    str | None, option("--network", default=DEFAULTS.network, help="A name of styler networks, or a .keras file.")
]
Pooling = Annotated[str | None, option("--pooling", default="the network's", help=" | ".join(POOLINGS))]
Loss = Annotated[
    str | None,
    option("--loss", default="from the preset", help=f"{' | '.join(STYLE_LOSSES)}: what of the painting is matched."),
]
ContentLoss = Annotated[
    str | None,
    option(
        "--content-loss",
        default=DEFAULTS.content_loss,
        help=f"{' | '.join(CONTENT_LOSSES)}: what of the photo is kept.",
    ),
]
ContentLayers = Annotated[
    str | None,
    option("--content-layers", default="the network's", metavar="NAME[:WEIGHT],…", help="See styler layers."),
]
StyleLayers = Annotated[
    str | None,
    option("--style-layers", default="the network's", metavar="NAME[:WEIGHT],…", help="See styler layers."),
]
Views = Annotated[
    int | None,
    option("--views", default="from the preset", metavar="1..4", help="See the style also mirrored; each view costs."),
]
ContentWeight = Annotated[float | None, option("--content-weight", default="from strength", help="Raw weight.")]
StyleWeight = Annotated[float | None, option("--style-weight", default="from strength", help="Raw weight.")]
TvWeight = Annotated[float | None, option("--tv-weight", default="calibrated", help="Raw weight of smoothness.")]
PaletteWeight = Annotated[
    float | None,
    option("--palette-weight", default=DEFAULTS.palette_weight, help="Of the painting's colors; the layers have 1."),
]
GrainWeight = Annotated[
    float | None,
    option("--grain-weight", default=DEFAULTS.grain_weight, help="Of the painting's grain, likewise."),
]
Init = Annotated[
    str | None,
    option("--init", default=DEFAULTS.init, help="content | noise | style | PATH: the image to start from."),
]
Optimizer = Annotated[str | None, option("--optimizer", default="from the preset", help=" | ".join(OPTIMIZERS))]
Steps = Annotated[int | None, option("--steps", default="from the preset", help="Optimizer steps over all scales.")]
LearningRate = Annotated[
    float | None,
    option("--learning-rate", default="the optimizer's", help="For adam in units of the 0..1 range."),
]
Scales = Annotated[
    int | None,
    option("--scales", default="all down to 128 px", help="Octaves, sqrt(2) apart, ending at --size."),
]
Seed = Annotated[int | None, option("--seed", default=DEFAULTS.seed, help="Same recipe and machine: same bytes.")]
Device = Annotated[str | None, option("--device", default=DEFAULTS.device, help="auto | cpu | gpu | gpu:N.")]
Precision = Annotated[
    str | None,
    option(
        "--precision",
        default=DEFAULTS.precision,
        help=f"{' | '.join(PRECISIONS)}: bfloat16 within the network, faster on recent GPUs.",
    ),
]
Compile = Annotated[
    str | None,
    option("--compile", default=DEFAULTS.compile, help=f"{' | '.join(COMPILERS)}: auto takes the faster one."),
]
Tile = Annotated[
    str | None,
    option("--tile", default=DEFAULTS.tile, metavar="auto|off|N", help="Compute by tiles of N pixels; same picture."),
]
MaxMemory = Annotated[
    str | None,
    option("--max-memory", default="80 % of what is available", metavar="SIZE", help="Of the process: 512M, 4G."),
]
TimeBudget = Annotated[
    str | None,
    option("--time-budget", default="none", metavar="TIME", help="Spend no more than 90s, 10m or 2h, as predicted."),
]
SaveEvery = Annotated[
    int | None,
    option("--save-every", min=1, metavar="N", help="Also write <output stem>-<step>.png every N steps."),
]
Checkpoint = Annotated[
    str | None,
    option(
        "--checkpoint",
        default="<output>.styler-checkpoint above 60 s",
        metavar="PATH|off",
        help="Crash-safe state, for styler resume; deleted on success.",
    ),
]
CheckpointEvery = Annotated[
    str, typer.Option("--checkpoint-every", metavar="TIME", help="Between two savings: 30s, 10m; 0s for every call.")
]
ConfigFile = Annotated[
    Path | None,
    option("--config", metavar="FILE", help="TOML file of these options without dashes; flags win."),
]
Recipe = Annotated[
    bool | None,
    option("--recipe/--no-recipe", default="recipe", help="Carry what styler replay needs; no paths, no times."),
]
Report = Annotated[Path | None, option("--report", metavar="PATH", help="Write a JSON report.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, print the plan, do nothing.")]
Progress = Annotated[
    bool | None, option("--progress/--no-progress", default="on a terminal", help="Show a progress bar.")
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only errors.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Tell more.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
