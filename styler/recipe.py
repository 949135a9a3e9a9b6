"""How a picture was made: all that is needed to make it again, as a text that travels inside the file.

Options, what they came to on the machine, versions, and every input by base name and SHA-256. No paths and no times:
two renders of the same inputs with the same options carry the same text.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple, Never

from styler.config import BUILT_IN_INITS, COMPILERS, LARGEST_SIZE, MOST_STEPS, RenderConfig
from styler.errors import ConfigError, StylerError
from styler.types import Size

VERSION = 1  # raised when an older styler could no longer obey
MARK = "styler_recipe"
PARTS = (MARK, "config", "plan", "export", "inputs", "versions")
DEVICES = ("cpu", "gpu")
ROLES = ("content", "style", "init", "network")
EXPORT = {"quality": int, "depth": int | None, "profile": str, "keep_gps": bool, "dpi": int | None}
LATER = ("dpi",)  # choices of an export that older recipes do not have; None is left out
LARGEST_BATCH = 8  # pictures; more gain next to nothing on processors: tests/benchmarks/bench_together.py
MOST_INPUTS = 1000  # far beyond what fits into the text
_SHA256 = re.compile("[0-9a-f]{64}")


class Level(NamedTuple):
    """An octave of a render.

    Attributes:
        height: Of the image there, pixels.
        width: Of the same.
        steps: Most optimizer steps to make.
        done: Steps made; fewer where the optimizer came to its end.
        tile: Side of the tiles, pixels; None for one piece.
        history: Most pairs that L-BFGS kept; None for its own number.
    """

    height: int
    width: int
    steps: int
    done: int
    tile: int | None = None
    history: int | None = None


SWITCHES = {"onednn": "TF_ENABLE_ONEDNN_OPTS", "constant_weights": "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS"}
"""Fields of a plan that TensorFlow reads from the environment when it is imported, "0" or "1"."""


def switches() -> dict[str, bool | None]:
    """These fields as the environment has them now; None for unset."""
    return {name: {"0": False, "1": True}.get(os.environ.get(variable, "")) for name, variable in SWITCHES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the options came to; pictures have the same bytes only where it is the same.

    Attributes:
        device: "cpu" or "gpu".
        compile: "xla" or "graph".
        threads: That one operation was spread over.
        onednn: Whether oneDNN was switched on or off; None where that was left to TensorFlow.
        constant_weights: Whether it was told that weights never change, which it has faster ways for; None as above.
        steps_per_call: Most steps in one call of the compiled program; the result does not depend on it.
        batch: Pictures in one tensor; another number rounds otherwise.
        size: (height, width) of the result; None, together with no octaves, to find both out anew.
        octaves: Coarse to fine; none where the photo itself was asked for.
    """

    device: str
    compile: str
    threads: int
    onednn: bool | None
    constant_weights: bool | None
    steps_per_call: int
    batch: int = 1
    size: Size | None
    octaves: tuple[Level, ...]

    @property
    def machine(self) -> Plan:
        """The part that other options than those of the render leave as it is."""
        return replace(self, batch=1, size=None, octaves=())

    def applied(self, config: RenderConfig) -> RenderConfig:
        """The config with nothing left to probe; where it says more than "auto" it stays."""
        device = self.device if config.device == "auto" else config.device
        return config.changed(device=device, compile=self.compile if config.compile == "auto" else config.compile)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: object) -> Plan:
        """The inverse of `to_dict`.

        Raises:
            ConfigError: Fields are missing, unknown or out of range.
        """
        found = _fields(values, "a plan", [field.name for field in fields(cls)])
        _one_of("device", found["device"], DEVICES)
        _one_of("compile", found["compile"], COMPILERS[1:])
        for name in SWITCHES:
            _one_of(name, found[name], (True, False, None))
        for name in ("threads", "steps_per_call"):
            _whole(name, found[name], 1, MOST_STEPS)
        _whole("batch", found["batch"], 1, LARGEST_BATCH)
        size = None if found["size"] is None else _size(found["size"])
        return cls(**{**found, "size": size, "octaves": _levels(found["octaves"], size)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What a picture was made of.

    Attributes:
        role: "content", "style", "init" or "network".
        name: Base name of the file, of a registered network, or "image" for one handed over in memory.
        sha256: Of the file; of an image in memory that of its pixels; None for a network without a file.
        bytes: Length of the file; None where there is none.
    """

    role: str
    name: str
    sha256: str | None
    bytes: int | None

    @property
    def is_file(self) -> bool:
        """Whether there is a file to be found again."""
        return self.bytes is not None

    @classmethod
    def from_dict(cls, values: object) -> Input:
        """Of plain values.

        Raises:
            ConfigError: Fields are missing, unknown or out of range.
        """
        found = _fields(values, "an input", [field.name for field in fields(cls)])
        _one_of("role", found["role"], ROLES)
        name, sha256 = found["name"], found["sha256"]
        if not isinstance(name, str) or name in ("", ".", "..") or "/" in name or "\0" in name:
            _refuse("inputs by base name", name)
        if sha256 is not None and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
            _refuse("a SHA-256 of 64 digits", sha256)
        if found["bytes"] is not None:
            _whole("bytes", found["bytes"], 0, 1 << 63)
        return cls(**found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a picture was made.

    Attributes:
        config: Options; files that it names are there by base name.
        plan: What they came to.
        export: How it was written: quality, depth, profile, keep_gps, dpi.
        inputs: Content first, then styles in their order, what else was read, the network.
        versions: Of what the bytes depend on.
    """

    config: RenderConfig
    plan: Plan
    export: Mapping[str, Any]
    inputs: tuple[Input, ...]
    versions: Mapping[str, str]

    def of(self, role: str) -> list[Input]:
        """The inputs of one role."""
        return [each for each in self.inputs if each.role == role]

    def named_like(self, known: Iterable[Input]) -> Recipe:
        """The same with the names that files of the same contents had before, wherever they are now."""
        left = list(known)
        inputs = tuple(_named_like(each, left) for each in self.inputs)
        names = {old.name: new.name for old, new in zip(self.inputs, inputs, strict=True) if old.role == "network"}
        starts = [each.name for each in inputs if each.role == "init"]
        config = self.config.changed(
            init=starts[0] if starts else self.config.init,
            network=names.get(self.config.network, self.config.network),
        )
        return replace(self, config=config, inputs=inputs)

    def to_text(self) -> str:
        """One line of JSON in ASCII."""
        export = {name: value for name, value in self.export.items() if name not in LATER or value is not None}
        parts = (VERSION, self.config.to_dict(), self.plan.to_dict(), export)
        rest = ([asdict(each) for each in self.inputs], dict(self.versions))
        return json.dumps(dict(zip(PARTS, (*parts, *rest), strict=True)), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_text(cls, text: str) -> Recipe:
        """The inverse of `to_text`.

        Raises:
            ConfigError: It is none, damaged, or of a newer version.
        """
        try:
            return _recipe(json.loads(text, parse_constant=_no_constant))
        except StylerError:
            raise
        except (ValueError, RecursionError) as cause:
            message = "a recipe in JSON was expected, this is damaged or not one of styler"
            raise ConfigError(message) from cause


def _named_like(found: Input, known: list[Input]) -> Input:
    """An input by the name of the first one left of its role and contents, which is taken from the list."""
    same = [each for each in known if (each.role, each.sha256) == (found.role, found.sha256)]
    if not same:
        return found
    known.remove(same[0])
    return replace(found, name=same[0].name)


def without_folders(config: RenderConfig) -> RenderConfig:
    """The config with files by their base names."""
    init = config.init if config.init in BUILT_IN_INITS else Path(config.init).name
    return config.changed(init=init, network=Path(config.network).name or config.network)


def _recipe(values: object) -> Recipe:
    if not isinstance(values, dict) or MARK not in values:
        _refuse(f"the field {MARK}", values)
    if values[MARK] != VERSION or type(values[MARK]) is not int:
        message = f"a recipe of version {VERSION} was expected, got version {values[MARK]!r:.20}; update styler"
        raise ConfigError(message)
    found = _fields(values, "the parts", PARTS)
    if not isinstance(found["config"], dict):
        _refuse("options", found["config"])
    config = RenderConfig.from_dict(found["config"])
    recipe = Recipe(
        config=config,
        plan=Plan.from_dict(found["plan"]),
        export=_export(found["export"]),
        inputs=tuple(Input.from_dict(each) for each in _listed(found["inputs"], "inputs")),
        versions=_versions(found["versions"]),
    )
    _check_inputs(recipe)
    return recipe


def _check_inputs(recipe: Recipe) -> None:
    """One photo, at least one painting, as many weights as paintings, one network, what to start from."""
    counts = {role: len(recipe.of(role)) for role in ROLES}
    if recipe.plan.size is None or counts["content"] != 1 or counts["network"] != 1 or counts["init"] > 1:
        _refuse("one photo, one network and a size", counts)
    if recipe.config.init not in BUILT_IN_INITS and not counts["init"]:
        _refuse("the image to start from among the inputs", recipe.config.init)
    recipe.config.style_shares(counts["style"])


def _export(values: object) -> dict[str, Any]:
    known = {**dict.fromkeys(LATER), **values} if isinstance(values, dict) else values
    found = _fields(known, "an export", EXPORT)
    for name, kind in EXPORT.items():
        if not isinstance(found[name], kind) or (isinstance(found[name], bool) and kind is not bool):
            _refuse(f"{name} of an export", found[name])
    return found


def _versions(values: object) -> dict[str, str]:
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
        _refuse("versions", values)
    return values


def levels_from(values: object) -> tuple[Level, ...]:
    """Octaves from plain values.

    Raises:
        ConfigError: They are none.
    """
    return tuple(_level(each) for each in _listed(values, "octaves"))


def _levels(values: object, final: Size | None) -> tuple[Level, ...]:
    levels = levels_from(values)
    if levels and (final is None or (levels[-1].height, levels[-1].width) != final):
        _refuse("octaves that end at the picture's size", final)
    for level in levels:
        if final is not None and (level.height > final.height or level.width > final.width):
            _refuse("octaves no larger than the picture", list(level))
    return levels


def _level(values: object) -> Level:
    numbers = _listed(values, "an octave")
    if len(numbers) != len(Level._fields):
        _refuse("octaves of height, width, steps, steps done, tile and history", values)
    level = Level(*numbers)
    _size(numbers[:2])
    _whole("steps", level.steps, 1, MOST_STEPS)
    _whole("steps done", level.done, 0, level.steps)
    for name, value in (("tile", level.tile), ("history", level.history)):
        if value is not None:
            _whole(name, value, 1, LARGEST_SIZE)
    return level


def _size(values: object) -> Size:
    sides = _listed(values, "a size")
    if len(sides) != len(Size._fields):
        _refuse("a size of height and width", values)
    for side in sides:
        _whole("a side", side, 1, LARGEST_SIZE)
    return Size(*sides)


def _listed(values: object, what: str) -> list[Any]:
    if not isinstance(values, list | tuple) or len(values) > MOST_INPUTS:
        _refuse(f"a list of {what}", values)
    return list(values)


def _fields(values: object, what: str, names: Iterable[str]) -> dict[str, Any]:
    wanted = list(names)
    if not isinstance(values, dict) or set(values) != set(wanted):
        _refuse(f"{what} of {', '.join(wanted)}", values)
    return values


def _one_of(name: str, value: object, choices: tuple[object, ...]) -> None:
    if not any(value is choice or (isinstance(choice, str) and value == choice) for choice in choices):
        _refuse(f"{name} one of {', '.join(map(str, choices))}", value)


def _whole(name: str, value: object, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        _refuse(f"{name} from {low} to {high}", value)


def _no_constant(name: str) -> Never:
    message = f"{name} is no number of JSON"
    raise ValueError(message)


def _refuse(expected: str, came: object) -> Never:
    message = f"a recipe with {expected} was expected, got {ascii(came)[:60]}"
    raise ConfigError(message)
