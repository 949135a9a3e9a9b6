"""Everything that decides how a picture looks, in one frozen value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NoReturn, TypeAlias

from styler.choices import CONTENT_LOSSES, OPTIMIZERS, STYLE_LOSSES
from styler.errors import ConfigError, shown, suggestion
from styler.presets import BALANCED, PRESETS

LayerWeights: TypeAlias = tuple[tuple[str, float], ...]
"""Layer addresses with their weights, shallow to deep."""

COLORS = ("style", "luminance")
COMPILERS = ("auto", "xla", "graph")
TILES = ("auto", "off")  # or a number of pixels
POOLINGS = ("avg", "max")
PRECISIONS = ("float32", "mixed")
ORIGINAL = "original"
BUILT_IN_INITS = ("content", "noise", "style")
PROFILES = ("keep", "srgb")  # of an output: the photo's own color profile, or none, which means sRGB
DEPTHS = (8, 16)  # bits a channel of an output
LARGEST_DPI = 65_535  # dots per inch of an output; the header of a JPEG holds no more
QUALITY = 95  # of JPEG and WebP: no loss to the eye at 4:4:4
SMALLEST_SIZE = 64  # below it the fifth block of a VGG sees less than 4 x 4 positions
LARGEST_SIZE = 65_535  # what JPEG can hold
MOST_VIEWS = 4  # the network's own, mirrored along either axis, transposed: `styler.networks.views`
MOST_STEPS = 2**31 - 1  # the compiled program counts in int32
PALETTE_WEIGHT = 0.1  # halves the distance of the palette and costs 2 % of style: docs/look.md
GRAIN_WEIGHT = 0.03  # takes the weave out of flat areas and leaves the noise below the painting's: docs/look.md
SMALLEST_OCTAVE = 128  # pixels of the longer side; crowsonkb's style-transfer-pytorch starts there too


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderConfig:
    """Options of one render; validated when made, never changed after.

    Attributes:
        size: Longer side of the result, pixels, or "original" for the content image's own size.
        strength: 0 is the photo, 1 the painting's texture.
        style_weights: Shares of several style images, any positive scale; None for equal shares.
        color: "style" takes the style's colors, "luminance" keeps the content's chroma.
        network: Name of a registered network or path of a `.keras` file.
        pooling: "avg" or "max" instead of the network's own pooling; None keeps it.
        content_layers: Layers whose activations should match the content image; None for the network's own.
        style_layers: Layers whose statistics should match the style image; None for the network's own.
        content_weight: Raw weight of the content term; None derives it from `strength`.
        style_weight: Raw weight of the style term; None derives it from `strength`.
        tv_weight: Raw weight of the total-variation term; None for the calibrated default.
        palette_weight: Weight of the colors' distribution in the style term, where the layers together have 1.
        grain_weight: Weight of the finest patterns of light and dark in the style term, likewise.
        loss: Style loss.
        content_loss: What of the content image is matched: its layers' activations, or its edges as well.
        views: Ways in which the network sees the style: 1 for its own, up to 4 with mirrored and transposed copies.
        init: "content", "noise", "style" or the path of an image to start from.
        optimizer: "lbfgs" or "adam".
        steps: Optimizer steps over the whole render; the coarser octaves get their share.
        learning_rate: Step size, in units of the 0..1 range for Adam; None for the optimizer's own.
        scales: Octaves of the pyramid, each sqrt(2) apart; None for all down to 128 pixels.
        seed: Of everything random.
        device: "auto", "cpu", "gpu" or "gpu:1".
        precision: "float32", or "mixed" for activations in bfloat16, statistics and optimizer in float32.
        compile: "xla", "graph" or "auto", the faster one as measured.
        tile: Side of the tiles that an image is computed by, pixels without halo; "off" computes it in one piece,
            "auto" does so where memory suffices.
        max_memory: Most resident memory of the whole process, bytes; None for 80 % of what is available.
        time_budget: Seconds that the render may take; None for as long as it needs.

    Raises:
        ConfigError: A value is out of range or unknown.
    """

    size: int | str = 512
    strength: float = 0.5
    style_weights: tuple[float, ...] | None = None
    color: str = "style"
    network: str = "compact"
    pooling: str | None = None
    content_layers: LayerWeights | None = None
    style_layers: LayerWeights | None = None
    content_weight: float | None = None
    style_weight: float | None = None
    tv_weight: float | None = None
    palette_weight: float = PALETTE_WEIGHT
    grain_weight: float = GRAIN_WEIGHT
    loss: str = BALANCED.loss
    content_loss: str = "features"
    views: int = BALANCED.views
    init: str = "content"
    optimizer: str = BALANCED.optimizer
    steps: int = BALANCED.steps
    learning_rate: float | None = None
    scales: int | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "float32"
    compile: str = "auto"
    tile: int | str = "auto"
    max_memory: int | None = None
    time_budget: float | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        for field in fields(self):
            if getattr(self, field.name) is None and field.default is not None:
                _refuse(field.name, "a value", None)
        self._check_size()
        _in_range("strength", self.strength, 0, 1)
        for name in ("content_weight", "style_weight", "tv_weight"):
            _in_range(name, getattr(self, name), 0, math.inf)
        _in_range("learning_rate", self.learning_rate, 0, math.inf, open_below=True)
        _in_range("palette_weight", self.palette_weight, 0, math.inf)
        _in_range("grain_weight", self.grain_weight, 0, math.inf)
        _whole("steps", self.steps, 1, MOST_STEPS)
        _whole("views", self.views, 1, MOST_VIEWS)
        _whole("scales", self.scales, 1)
        _whole("seed", self.seed, 0)
        _one_of("color", self.color, COLORS)
        _one_of("pooling", self.pooling, POOLINGS)
        _one_of("loss", self.loss, tuple(STYLE_LOSSES))
        _one_of("content_loss", self.content_loss, tuple(CONTENT_LOSSES))
        _one_of("optimizer", self.optimizer, tuple(OPTIMIZERS))
        _one_of("compile", self.compile, COMPILERS)
        _one_of("precision", self.precision, PRECISIONS)
        self._check_tile()
        _whole("max_memory", self.max_memory, 1)
        _in_range("time_budget", self.time_budget, 0, math.inf, open_below=True)
        for name in ("network", "init", "device"):
            _text(name, getattr(self, name))
        self._check_layers()
        self._check_style_weights()
        _check_device(self.device)

    def _check_size(self) -> None:
        if self.size == ORIGINAL:
            return
        if not isinstance(self.size, int):
            _refuse("size", f"a number of pixels or {ORIGINAL!r}", self.size)
        _whole("size", self.size, SMALLEST_SIZE, LARGEST_SIZE)

    def _check_tile(self) -> None:
        if isinstance(self.tile, str):
            _one_of("tile", self.tile, TILES)
        else:
            _whole("tile", self.tile, 1)

    def _check_layers(self) -> None:
        for name in ("content_layers", "style_layers"):
            layers: LayerWeights | None = getattr(self, name)
            if layers is None:
                continue
            if not _is_pairs(layers):
                _refuse(name, "names with weights, such as 'block1_conv1:1,block4_conv1:0.5'", layers)
            addresses = [address for address, _ in layers]
            if not addresses or len(set(addresses)) < len(addresses):
                _refuse(name, "at least one layer and none twice", ",".join(addresses))
            for address, weight in layers:
                _in_range(f"weight of {shown(address)} in {name}", weight, 0, math.inf, open_below=True)

    def _check_style_weights(self) -> None:
        weights: Any = self.style_weights
        if weights is None:
            return
        if not isinstance(weights, tuple) or None in weights:
            _refuse("style_weights", "one number for each style image", weights)
        for weight in weights:
            _in_range("style_weights", weight, 0, math.inf)
        if not 0 < sum(weights) < math.inf:
            _refuse("style_weights", "at least one weight above 0 and a finite sum", weights)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> RenderConfig:
        """A named preset with some fields changed.

        Args:
            name: "draft", "balanced" or "best".
            **changes: Fields that win over the preset's.

        Raises:
            ConfigError: Unknown preset or field, or a value out of range.
        """
        _text("preset", name)
        return cls.from_dict({**PRESETS[name].fields(), **changes})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RenderConfig:
        """The inverse of `to_dict`; lists count as tuples, layers may be written as "name:weight,…".

        Raises:
            ConfigError: Unknown field or a value out of range.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                message = f"unknown option {name!r}. {suggestion(name, known)}"
                raise ConfigError(message)
        return cls(**{name: _tidy(name, value) for name, value in values.items()})

    def style_shares(self, styles: int) -> list[float]:
        """One share for each of several style images, summing to 1.

        Raises:
            ConfigError: As many weights as styles were expected.
        """
        weights = self.style_weights or (1.0,) * styles
        if len(weights) != styles or not styles:
            message = f"style_weights: expected {styles}, one for each style image, got {len(weights)}"
            raise ConfigError(message)
        return [weight / sum(weights) for weight in weights]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON."""
        return asdict(self)

    def changed(self, **changes: Any) -> RenderConfig:
        """A copy with some fields changed, checked like a new one."""
        return replace(self, **changes)


def parse_layers(text: str) -> LayerWeights:
    """Read "name[:weight],…"; a weight left out is 1.

    Raises:
        ConfigError: A weight is not a number.
    """
    layers = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        address, sign, weight = part.rpartition(":")
        layers.append((address, parse_number("layer weight", weight)) if sign else (part, 1.0))
    return tuple(layers)


def parse_number(name: str, text: str) -> float:
    """Read one number or say which option was not one.

    Raises:
        ConfigError: `text` is not a number.
    """
    try:
        return float(text)
    except ValueError:
        message = f"{name}: expected a number, got {text!r}"
        raise ConfigError(message) from None


MEMORY_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def parse_memory(name: str, text: str) -> int:
    """Bytes of "512M" or "4G".

    Raises:
        ConfigError: Not a number above 0 with one of these units.

    Example:
        >>> parse_memory("max_memory", "4G") == 4 * 2**30
        True
    """
    unit = text[-1:].upper()
    if unit not in MEMORY_UNITS:
        _refuse(name, "a number with a unit, such as 512M or 4G", text)
    number = parse_number(name, text[:-1])
    _in_range(name, number, 0, math.inf, open_below=True)
    return int(number * MEMORY_UNITS[unit])


TIME_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse_time(name: str, text: str) -> float:
    """Seconds of "90s", "10m", "2h" or "90".

    Raises:
        ConfigError: Not a number from 0 on, with one of these units or without one.

    Example:
        >>> parse_time("time", "10m")
        600.0
    """
    unit = TIME_UNITS.get(text[-1:])
    try:
        seconds = float(text[:-1] if unit else text) * (unit or 1.0)
    except ValueError:
        _refuse(name, "a time, such as 90s or 10m", text)
    _in_range(name, seconds, 0, math.inf)
    return seconds


def _tidy(name: str, value: Any) -> Any:
    """Lists of JSON and TOML as tuples, layers in words as pairs, numbers of NumPy as Python's; the rest as it is."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    if name in ("content_layers", "style_layers") and isinstance(value, str):
        return parse_layers(value)
    if name == "max_memory" and isinstance(value, str):
        return parse_memory(name, value)
    if name == "time_budget" and isinstance(value, str):
        return parse_time(name, value)
    if name == "tile" and isinstance(value, str) and value not in TILES:
        return int(value) if value.isdecimal() else _refuse("tile", "auto, off or a number of pixels", value)
    if name in ("content_layers", "style_layers", "style_weights") and isinstance(value, list | tuple):
        return tuple(tuple(item) if isinstance(item, list) else item for item in value)
    return value


def _is_pairs(layers: Any) -> bool:
    return isinstance(layers, tuple) and all(
        isinstance(layer, tuple) and len(layer) == 2 and isinstance(layer[0], str) and layer[1] is not None
        for layer in layers
    )


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        _refuse(name, "a text", value)


def _refuse(name: str, expected: str, came: object) -> NoReturn:
    message = f"{name}: expected {expected}, got {came!r}"
    raise ConfigError(message)


def _in_range(name: str, value: Any, low: float, high: float, *, open_below: bool = False) -> None:
    if value is None:
        return
    sign = "above" if open_below else "at least"
    expected = f"a number {sign} {low:g}" + (f" and at most {high:g}" if math.isfinite(high) else "")
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        _refuse(name, expected, value)
    if value > high or value < low or (open_below and value == low):
        _refuse(name, expected, value)


def _is_finite(value: float) -> bool:
    """Whether a float holds it; whole numbers have no limit of their own."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _whole(name: str, value: Any, low: int, high: int | None = None) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high and value > high):
        _refuse(name, f"a whole number from {low}" + (f" to {high}" if high else " on"), value)


def _one_of(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        _refuse(name, " or ".join(choices), value)


def _check_device(device: str) -> None:
    kind, _, index = device.partition(":")
    if kind not in ("auto", "cpu", "gpu") or (":" in device and (kind != "gpu" or not index.isdigit())):
        _refuse("device", "auto, cpu, gpu or gpu:N", device)
