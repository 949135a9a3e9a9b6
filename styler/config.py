"""The options that determine how a picture looks, in one frozen dataclass."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Never, TypeAlias, TypedDict, Unpack

from styler.choices import CONTENT_LOSSES, OPTIMIZERS, STYLE_LOSSES
from styler.errors import ConfigError, OptionError, suggestion
from styler.options import (
    COLOR,
    ENGINE,
    EXPERTS,
    NO_FILE,
    NONE,
    PICTURE,
    REGIONS,
    SCHEDULE,
    SIZE_AND_MEMORY,
    START,
    STYLE,
    WEIGHTS,
    Boxes,
    Choice,
    Factors,
    Files,
    Layers,
    Memory,
    NoneOr,
    Number,
    Shares,
    Text,
    Time,
    Whole,
    WordOr,
    check,
    option,
    options_of,
    read,
)
from styler.presets import BALANCED, INSTANT, PRESETS

LayerWeights: TypeAlias = tuple[tuple[str, float], ...]
"""Layer addresses with their weights, shallow to deep."""

Box: TypeAlias = tuple[float, float, float, float]
"""A box (left, top, right, bottom), in fractions of an image's width and height."""

COLORS = ("style", "luminance", "match", "histogram")
RECOLORING = ("match", "histogram")  # values of `color` that move colors onto those of the photo
COLOR_TIMES = ("before", "after")
COLOR_AREAS = ("region", "whole")
LIGHTNESSES = ("oklab", "luma")
TONES = ("keep", "match")
COMPILERS = ("auto", "xla", "graph")
TILES = ("auto", "off")  # a number of pixels is allowed as well
POOLINGS = ("avg", "max")
PRECISIONS = ("float32", "mixed")
ORIGINAL = "original"
DEFAULT_NETWORK = "compact"
ONE_PASS = "pass"
BUILT_IN_INITS = ("content", ONE_PASS, "noise", "style")
PROFILES = ("keep", "srgb")  # of output files: the photo's own, or sRGB without an embedded profile
DEPTHS = (8, 16)  # bits per channel in output files
LARGEST_DPI = 65_535  # dots per inch; the largest value that a JPEG header can hold
QUALITY = 95  # JPEG and WebP show no visible loss at this quality and 4:4:4
SMALLEST_SIZE = 64  # for smaller images, the fifth block of a VGG has fewer than 4 x 4 positions
LARGEST_SIZE = 65_535  # the largest side that JPEG can hold
MOST_VIEWS = 4  # the network's own, mirrored along either axis, transposed: `styler.networks.views`
SMALLEST_SCALE, LARGEST_SCALE = 0.1, 10.0  # of marks: beyond, a painting is one blot, or a few pixels
MOST_STEPS = 2**31 - 1  # the compiled program counts in int32
PALETTE_WEIGHT = 0.1  # halves the palette distance and raises the style distance by 2 %: docs/look.md
GRAIN_WEIGHT = 0.03  # removes the weave from flat areas and keeps the noise below the painting's: docs/look.md
PREVIEW_SIZE = 384  # pixels of the longer side: marks can be told apart, in a quarter of the time of one of 768
SMALLEST_OCTAVE = 128  # pixels of the longer side; crowsonkb's style-transfer-pytorch starts there too


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderConfig:
    """Options of one render; they are checked when the config is made and never change.

    Attributes:
        size: Longer side of the result, pixels, or "original" for the content image's own size.
        strength: Amount of style: 0 gives the photo, 1 the painting's texture.
        style_weights: Relative weights of several style images, on any positive scale; None for equal weights.
        style_scale: Size of the style's marks relative to the result: one factor for all paintings, or one for each;
            above 1, a painting is enlarged. None for 1.
        style_match: Longer side, pixels, of the render whose marks are as large relative to the picture as those of
            this one. Octaves above it have few steps; they match the paintings as that render sees them, enlarged, and
            the paintings' own grain. None for marks that follow the size.
        style_crop: Boxes (left, top, right, bottom), as fractions of a painting's width and height: one for all
            paintings, or one for each; None for whole paintings.
        content_mask: Path of an image whose colors are the regions of the photo; None for one region.
        style_mask: Paths of the same for the paintings, one for each style image; "none" for one that serves every
            region. None without regions.
        keep: Path of an image that is white where the photo stays photographic; None for nowhere.
        strength_map: Path of a gray image by whose lightness `strength` is multiplied; None for full strength.
        color: "style" takes the style's colors; "luminance" keeps the content's chroma; "match" moves colors to the
            content's mean and covariance, "histogram" to its distribution.
        color_when: For "match" and "histogram": "before" recolors the paintings before the render, "after" the result.
        color_area: For "match" and "histogram" with masks: "region" matches each region's colors to those of the same
            region of the photo, "whole" all colors to those of the whole photo.
        lightness: What "luminance" takes from the result: lightness in OKLab ("oklab") or BT.601 luma ("luma").
        content_tone: "match" gives the photo the paintings' palette before it becomes the target and the start; "keep"
            keeps the photo's own colors.
        network: Name of a registered network or path of a `.keras` file.
        pooling: "avg" or "max" to replace the network's own pooling; None keeps it.
        content_layers: Layers whose activations should match the content image; None for the network's own.
        style_layers: Layers whose statistics should match the style image; None for the network's own.
        content_weight: Raw weight of the content term; None derives it from `strength`.
        style_weight: Raw weight of the style term; None derives it from `strength`.
        tv_weight: Raw weight of the total-variation term; None for the calibrated default.
        palette_weight: Weight of the color distribution in the style term; the weights of all layers sum to 1.
        grain_weight: Weight of the finest patterns of light and dark in the style term; on the same scale.
        loss: Name of the style loss.
        content_loss: Name of the content loss, which compares activations and optionally edges.
        views: Number of views of the style that the network sees: 1 for the image itself, up to 4 with mirrored and
            transposed copies.
        init: "content", "pass" for the picture drawn in one pass, "noise", "style" or the path of an image to start
            from.
        start_noise: Standard deviation of the noise in lightness that is added where an octave starts, 0..1; there is
            less of it where the photo has detail.
        optimizer: "lbfgs" or "adam".
        steps: Optimizer steps in the whole render; the octaves share them. With 0 steps, the picture is drawn in one
            pass, and the options that only an optimizer obeys must keep their values.
        learning_rate: Step size, in units of the 0..1 range for Adam; None for the optimizer's default.
        scales: Number of octaves of the pyramid, each sqrt(2) times as large as the one before; None for all down to
            128 pixels.
        seed: Seed of all random numbers.
        device: "auto", "cpu", "gpu" or "gpu:1".
        precision: "float32", or "mixed" for activations in bfloat16 with statistics and optimizer in float32.
        compile: "xla", "graph", or "auto" for the one that is faster in benchmarks on this kind of device.
        tile: Side of the tiles in which an image is computed, pixels without halo; "off" computes it in one piece,
            "auto" does so if memory allows.
        max_memory: Maximum resident memory of the whole process, bytes; None for 80 % of what is available.
        time_budget: Maximum time of the render, seconds; None for no limit.

    Raises:
        ConfigError: A value is out of range or unknown.
    """

    size: int | str = option(
        512,
        WordOr((ORIGINAL,), Whole(SMALLEST_SIZE, LARGEST_SIZE), f"a number of pixels or {ORIGINAL!r}"),
        f"Longer side of the result in pixels, or '{ORIGINAL}' for the photo's own size.",
        group=PICTURE,
        effect=SCHEDULE,
        short="-s",
    )
    strength: float = option(
        0.5,
        Number(0, 1),
        "Amount of style: 0 is the photo, 1 the painting's texture.",
        group=PICTURE,
        effect=WEIGHTS,
    )
    style_weights: tuple[float, ...] | None = option(
        None,
        Shares(),
        "Relative weights of the paintings, in the same order.",
        group=STYLE,
        effect=WEIGHTS,
        default_text="equal",
    )
    style_scale: tuple[float, ...] | None = option(
        None,
        Factors(SMALLEST_SCALE, LARGEST_SCALE),
        "Size of the painting's marks relative to the result: 2 doubles them, 0.5 halves them; one factor, or one per "
        "painting.",
        group=STYLE,
        effect=START,
        default_text="1",
        before=None,
    )
    style_match: int | None = option(
        None,
        NoneOr(Whole(SMALLEST_SIZE, LARGEST_SIZE)),
        "Marks as large relative to the picture as in a render of N pixels, whatever the --size; with --style-scale, "
        "both apply.",
        group=STYLE,
        effect=SCHEDULE,
        default_text=NONE,
        before=None,
    )
    style_crop: tuple[Box, ...] | None = option(
        None,
        Boxes(),
        "Part of each painting to use, in fractions of its width and height; one box, or one per painting.",
        group=STYLE,
        effect=START,
        default_text="the whole painting",
        before=None,
    )
    content_mask: str | None = option(
        None,
        Text("FILE", "(?s).+", "a path"),
        "Image of flat colors that are the regions of the photo; black belongs to none.",
        group=STYLE,
        effect=REGIONS,
        default_text="one region",
        before=None,
    )
    style_mask: tuple[str, ...] | None = option(
        None,
        Files(),
        f"The same for a painting: equal colors correspond. Repeat it, one per STYLE; '{NO_FILE}' serves every region.",
        group=STYLE,
        effect=REGIONS,
        default_text="none",
        before=None,
    )
    keep: str | None = option(
        None,
        Text("FILE", "(?s).+", "a path"),
        "Image that is white where the photo stays photographic, such as faces or lettering.",
        group=STYLE,
        effect=REGIONS,
        default_text="nothing",
        before=None,
    )
    strength_map: str | None = option(
        None,
        Text("FILE", "(?s).+", "a path"),
        "Gray image: how much painting where, from none (black) to the whole --strength (white).",
        group=STYLE,
        effect=REGIONS,
        default_text="the same everywhere",
        before=None,
    )
    color: str = option(
        "style",
        Choice(COLORS),
        "The painting's colors (style), the photo's at every place (luminance), or the painting's moved to the photo's "
        "mean and spread (match) or to its histogram.",
        group=PICTURE,
        effect=START,
    )
    color_when: str = option(
        "before",
        Choice(COLOR_TIMES),
        "With --color match or histogram: recolor the paintings before the render, or the result after it.",
        group=COLOR,
        effect=START,
        before="before",
    )
    color_area: str = option(
        "region",
        Choice(COLOR_AREAS),
        "With masks and --color match or histogram: match the colors of each region, or of the whole picture.",
        group=COLOR,
        effect=START,
        before="whole",
    )
    lightness: str = option(
        "oklab",
        Choice(LIGHTNESSES),
        "Lightness that --color luminance takes from the result: OKLab's, or the luma of JPEG and video (BT.601).",
        group=COLOR,
        effect=START,
        before="luma",
    )
    content_tone: str = option(
        "keep",
        Choice(TONES),
        "Move the photo's colors toward the painting's palette before rendering (match), or not.",
        group=COLOR,
        effect=START,
        before="keep",
    )
    network: str = option(
        DEFAULT_NETWORK,
        Text("NAME|PATH"),
        "Network that sees the images: a name from 'styler networks', or a .keras file.",
        group=EXPERTS,
        effect=ENGINE,
    )
    pooling: str | None = option(
        None,
        Choice(POOLINGS),
        "Pooling of the network.",
        group=EXPERTS,
        effect=ENGINE,
        default_text="the network's own",
        needs_steps=True,
    )
    content_layers: LayerWeights | None = option(
        None,
        Layers(),
        "Layers that keep the photo's content; 'styler layers' lists them.",
        group=EXPERTS,
        effect=ENGINE,
        default_text="the network's own",
        needs_steps=True,
    )
    style_layers: LayerWeights | None = option(
        None,
        Layers(),
        "Layers that match the painting's style.",
        group=EXPERTS,
        effect=ENGINE,
        default_text="the network's own",
        needs_steps=True,
    )
    content_weight: float | None = option(
        None,
        Number(0),
        "Raw weight of the content term.",
        group=EXPERTS,
        effect=WEIGHTS,
        default_text="from --strength",
        needs_steps=True,
    )
    style_weight: float | None = option(
        None,
        Number(0),
        "Raw weight of the style term.",
        group=EXPERTS,
        effect=WEIGHTS,
        default_text="from --strength",
        needs_steps=True,
    )
    tv_weight: float | None = option(
        None,
        Number(0),
        "Raw weight of the smoothness term (total variation).",
        group=EXPERTS,
        effect=WEIGHTS,
        default_text="calibrated",
        needs_steps=True,
    )
    palette_weight: float = option(
        PALETTE_WEIGHT,
        Number(0),
        "Weight of the palette term; all layers together have weight 1.",
        group=COLOR,
        effect=ENGINE,
        before=0.0,
        needs_steps=True,
    )
    grain_weight: float = option(
        GRAIN_WEIGHT,
        Number(0),
        "Weight of the grain term; all layers together have weight 1.",
        group=STYLE,
        effect=ENGINE,
        before=0.0,
        needs_steps=True,
    )
    loss: str = option(
        BALANCED.loss,
        Choice(STYLE_LOSSES),
        "Style loss: which statistics of the painting are matched.",
        group=STYLE,
        effect=ENGINE,
        default_text="from the preset",
        needs_steps=True,
    )
    content_loss: str = option(
        "features",
        Choice(CONTENT_LOSSES),
        "Content loss: what is kept of the photo.",
        group=EXPERTS,
        effect=ENGINE,
        before="features",
        needs_steps=True,
    )
    views: int = option(
        BALANCED.views,
        Whole(1, MOST_VIEWS),
        f"Number of views, 1 to {MOST_VIEWS}: the images and mirrored copies of them; N views take N times as long.",
        group=STYLE,
        effect=ENGINE,
        before=1,
        default_text="from the preset",
        needs_steps=True,
    )
    init: str = option(
        BALANCED.init,
        Text("|".join((*BUILT_IN_INITS, "PATH"))),
        "Image that the render starts from; pass is the picture drawn in one pass.",
        group=EXPERTS,
        effect=START,
        default_text="from the preset",
        needs_steps=True,
    )
    start_noise: float = option(
        BALANCED.start_noise,
        Number(0, 1),
        "Noise added in flat areas where an octave starts, 0 to 1; removes regular patterns.",
        group=EXPERTS,
        effect=START,
        before=0.0,
        default_text="from the preset",
        needs_steps=True,
    )
    optimizer: str = option(
        BALANCED.optimizer,
        Choice(OPTIMIZERS),
        "Optimizer.",
        group=EXPERTS,
        effect=ENGINE,
        default_text="from the preset",
        needs_steps=True,
    )
    steps: int = option(
        BALANCED.steps,
        Whole(0, MOST_STEPS),
        "Optimizer steps of the whole render; 0 draws the picture in one pass.",
        group=EXPERTS,
        effect=SCHEDULE,
        default_text="from the preset",
    )
    learning_rate: float | None = option(
        None,
        Number(0, open_below=True),
        "Step size of the optimizer; for adam, in units of the 0..1 pixel range.",
        group=EXPERTS,
        effect=ENGINE,
        default_text="the optimizer's own",
        needs_steps=True,
    )
    scales: int | None = option(
        None,
        Whole(1),
        "Number of octaves, each sqrt(2) times as large as the one before; the last has --size.",
        group=EXPERTS,
        effect=SCHEDULE,
        default_text=f"as many as fit above {SMALLEST_OCTAVE} pixels",
        needs_steps=True,
    )
    seed: int = option(
        0,
        Whole(0),
        "Seed of all random numbers; the same seed gives the same bytes.",
        group=EXPERTS,
        effect=START,
    )
    device: str = option(
        "auto",
        Text("auto|cpu|gpu[:N]", r"auto|cpu|gpu(:\d+)?", "auto, cpu, gpu or gpu:N"),
        "Where to compute.",
        group=SIZE_AND_MEMORY,
        effect=ENGINE,
    )
    precision: str = option(
        "float32",
        Choice(PRECISIONS),
        "Arithmetic within the network; mixed (bfloat16) is faster on recent GPUs.",
        group=EXPERTS,
        effect=ENGINE,
        needs_steps=True,
    )
    compile: str = option(
        "auto",
        Choice(COMPILERS),
        "How TensorFlow compiles the render; auto chooses the faster way.",
        group=EXPERTS,
        effect=ENGINE,
    )
    tile: int | str = option(
        "auto",
        WordOr(TILES, Whole(1), "auto, off or a number of pixels"),
        "Compute in tiles of N pixels; the picture stays the same.",
        group=SIZE_AND_MEMORY,
        effect=SCHEDULE,
    )
    max_memory: int | None = option(
        None,
        Memory(),
        "Maximum memory of the whole process, such as 512M or 4G.",
        group=SIZE_AND_MEMORY,
        effect=SCHEDULE,
        default_text="80 % of what is available",
    )
    time_budget: float | None = option(
        None,
        Time(zero=False),
        "Maximum time of the render, such as 90s, 10m or 2h.",
        group=SIZE_AND_MEMORY,
        effect=SCHEDULE,
        default_text="none",
    )

    def __post_init__(self) -> None:
        """Check every field."""
        check(self)
        if self.color_when == "after" and self.color not in RECOLORING:
            allowed = " or ".join(RECOLORING)
            message = f"--color-when after needs --color {allowed}, got --color {self.color}"
            raise ConfigError(message)
        if not self.steps:
            self._check_needs_no_steps()

    def _check_needs_no_steps(self) -> None:
        """Refuse values that only an optimizer obeys, unless they are defaults or those of the preset.

        Raises:
            ConfigError: There is such a value.
        """
        usual = {each.name: (each.default, *_of_instant(each.name)) for each in fields(self)}
        for name in NEEDING_STEPS:
            if getattr(self, name) not in usual[name]:
                refuse_without_steps(name)

    @classmethod
    def preset(cls, name: str, **changes: Unpack[RenderOptions]) -> RenderConfig:
        """Make a config from a preset, with some fields changed.

        Args:
            name: "instant", "draft", "balanced" or "best".
            **changes: Fields that override the preset.

        Raises:
            ConfigError: The preset or a field is unknown, or a value is out of range.
        """
        Choice(PRESETS).check("preset", name)
        return cls.overridden(PRESETS[name].fields(), changes)

    @classmethod
    def overridden(cls, base: Mapping[str, Any], given: Mapping[str, Any]) -> RenderConfig:
        """Make a config from options, some of which were given explicitly and override the others.

        With 0 steps, those of `base` that only an optimizer obeys get the values of the preset "instant". A network
        that has no decoder cannot draw the start that `base` may ask for, so its renders start from the photo.

        Args:
            base: Field -> value, for example of a preset.
            given: Field -> value that the caller asked for.

        Raises:
            ConfigError: A field is unknown or out of range, or only an optimizer obeys it and there are 0 steps.
        """
        values = {**base, **given}
        if "steps" not in values or read(OPTIONS["steps"], values["steps"]) != 0:
            has_decoder = values.get("network", DEFAULT_NETWORK) == DEFAULT_NETWORK
            if not has_decoder and "init" not in given and values.get("init") == ONE_PASS:
                values["init"] = BALANCED.init
            return cls.from_dict(values)
        for name in NEEDING_STEPS:
            if name in given:
                refuse_without_steps(name)
            values.pop(name, None)
        return cls.from_dict({**INSTANT.fields(), **values})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RenderConfig:
        """Make a config from plain values; the inverse of `to_dict`.

        Lists are accepted as tuples, and every value may also be given as text.

        Raises:
            ConfigError: A field is unknown, or a value is out of range.
        """
        for name in values:
            if name not in OPTIONS:
                message = f"unknown option {name!r}. {suggestion(name, OPTIONS)}"
                raise ConfigError(message)
        return cls(**{name: read(OPTIONS[name], value) for name, value in values.items()})

    @property
    def needs_decoder(self) -> bool:
        """Whether the picture, or the image that the optimizer starts from, is drawn in one pass."""
        return not self.steps or self.init == ONE_PASS

    def style_shares(self, styles: int) -> list[float]:
        """Return the share of each style image; the shares sum to 1.

        Args:
            styles: Number of style images.

        Raises:
            ConfigError: The number of weights is not the number of style images.
        """
        weights = self.style_weights or (1.0,) * styles
        if len(weights) != styles or not styles:
            raise OptionError(
                name="style_weights",
                expected=f"{styles}, one for each style image",
                came=len(weights),
            )
        total = math.fsum(weights)  # which does not depend on the order
        return [weight / total for weight in weights]

    def style_boxes(self, styles: int) -> Sequence[Box | None]:
        """Return the box to crop each of several style images to; None for a whole image.

        Raises:
            OptionError: There is neither one box nor one for each style image.
        """
        boxes = self.style_crop
        if boxes is None:
            return [None] * styles
        if len(boxes) not in (1, styles):
            expected = "1 box" if styles == 1 else f"1 or {styles} boxes"
            raise OptionError(name="style_crop", expected=expected, came=len(boxes))
        return boxes * styles if len(boxes) == 1 else boxes

    def style_scales(self, styles: int) -> Sequence[float]:
        """Return the scale of each of several style images.

        Raises:
            OptionError: There is neither one scale nor one for each style image.
        """
        scales = self.style_scale or (1.0,)
        if len(scales) not in (1, styles):
            expected = "1 number" if styles == 1 else f"1 or {styles} numbers"
            raise OptionError(name="style_scale", expected=expected, came=len(scales))
        return scales * styles if len(scales) == 1 else scales

    def seen_at(self, longer: int) -> int:
        """Return the longer side of the picture that settles how large paintings are used for one of `longer`."""
        return longer if self.style_match is None else min(longer, self.style_match)

    def check_styles(self, styles: int) -> None:
        """Check the options that have a value for each style image.

        Raises:
            OptionError: An option has the wrong number of values.
        """
        self.style_shares(styles)
        self.style_boxes(styles)
        self.style_scales(styles)
        self._check_masks(styles)

    def _check_masks(self, styles: int) -> None:
        masks = self.style_mask
        if masks is None and self.content_mask is None:
            return
        if masks is None or len(masks) != styles:
            expected = f"{styles} mask{'' if styles == 1 else 's'}, one for each style image"
            hint = f"Give '{NO_FILE}' for a style image that serves every region"
            raise OptionError(name="style_mask", expected=expected, came=0 if masks is None else len(masks), hint=hint)
        if self.content_mask is None:
            message = "expected a mask of the photo beside those of the paintings, got none; pass --content-mask"
            raise ConfigError(message)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self)

    def changed(self, **changes: Unpack[RenderOptions]) -> RenderConfig:
        """Return a copy with some fields changed; the new values are checked."""
        return replace(self, **changes)


class _SharedOptions(TypedDict, total=False):
    size: int | str
    strength: float
    style_weights: tuple[float, ...] | None
    style_scale: tuple[float, ...] | None
    style_match: int | None
    style_crop: tuple[Box, ...] | None
    color: str
    color_when: str
    color_area: str
    lightness: str
    content_tone: str
    network: str
    pooling: str | None
    content_layers: LayerWeights | None
    style_layers: LayerWeights | None
    content_weight: float | None
    style_weight: float | None
    tv_weight: float | None
    palette_weight: float
    grain_weight: float
    loss: str
    content_loss: str
    views: int
    start_noise: float
    optimizer: str
    steps: int
    learning_rate: float | None
    scales: int | None
    seed: int
    device: str
    precision: str
    compile: str
    tile: int | str
    max_memory: int | None
    time_budget: float | None


class RenderOptions(_SharedOptions, total=False):
    """Fields of a `RenderConfig` as keywords, for type checkers; a test checks that the two agree."""

    init: str
    content_mask: str | None
    style_mask: tuple[str, ...] | None
    keep: str | None
    strength_map: str | None


class StylizeOptions(_SharedOptions, total=False):
    """Keywords of `styler.stylize` except those that may be images there."""

    preset: str


OPTIONS = options_of(RenderConfig)
"""Field -> its option."""

NEEDING_STEPS = tuple(name for name, described in OPTIONS.items() if described.needs_steps)
"""Options that only an optimizer obeys."""


def refuse_without_steps(name: str) -> Never:
    """Refuse an option that only an optimizer obeys.

    Raises:
        ConfigError: Always.
    """
    flag = "--" + name.replace("_", "-")
    message = (
        f"{flag}: only an optimizer obeys this option, but --preset instant (--steps 0) draws the picture in one pass; "
        "leave the option out, choose another preset or ask for more steps"
    )
    raise ConfigError(message)


def _of_instant(name: str) -> tuple[Any, ...]:
    """Return the value that the preset "instant" gives to a field, or nothing if it gives none."""
    chosen = INSTANT.fields()
    return (chosen[name],) if name in chosen else ()


def fields_with(*effects: str) -> tuple[str, ...]:
    """Return the fields of a config whose option has one of these effects; see `styler.options`."""
    return tuple(name for name, described in OPTIONS.items() if described.effect in effects)
