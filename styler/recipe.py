"""Recipes: everything that is needed to render a picture again, as text that is stored in the picture's file.

A recipe has the options, the plan that was made from them, the versions of the libraries, and the base name and SHA-256
of every input. It has no paths and no times, so two renders of the same inputs with the same options store the same
text.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Never

from styler.config import BUILT_IN_INITS, COMPILERS, LARGEST_SIZE, MOST_STEPS, OPTIONS, RenderConfig, fields_with
from styler.errors import ConfigError, StylerError
from styler.inputs import INIT, KEEP, ROLES, STRENGTH_MAP, STYLE, Entry, Inputs
from styler.options import AS_OLD_AS_RECIPES, NO_FILE, WEIGHTS
from styler.types import Size

VERSION = 2  # raised when an older styler could no longer follow the recipe
READABLE = (1, VERSION)
MARK = "styler_recipe"
PARTS = (MARK, "config", "plan", "export", "inputs", "versions")
REPRODUCING = {name: each.before for name, each in OPTIONS.items() if each.before is not AS_OLD_AS_RECIPES}
"""Options that were added after the first recipes -> the value that gives the same picture as without the option."""

DEVICES = ("cpu", "gpu")
EXPORT = {"quality": int, "depth": int | None, "profile": str, "keep_gps": bool, "dpi": int | None}
LATER = ("dpi",)  # export choices that older recipes lack; left out of the text if they are None
LARGEST_BATCH = 8  # pictures; larger batches are hardly faster on CPUs: tests/benchmarks/bench_together.py
MOST_INPUTS = 1000  # far more than the text of a recipe can hold
_SHA256 = re.compile("[0-9a-f]{64}")


class Level(NamedTuple):
    """An octave of a render.

    Attributes:
        height: Height of the image at this octave, pixels.
        width: Width of the image at this octave, pixels.
        steps: Maximum number of optimizer steps.
        done: Steps made; fewer than `steps` if the optimizer stopped early.
        tile: Side of the tiles, pixels; None for one piece.
        history: Maximum number of pairs that L-BFGS kept; None for its default.
    """

    height: int
    width: int
    steps: int
    done: int
    tile: int | None = None
    history: int | None = None


class Change(NamedTuple):
    """Options that were changed while a render was under way.

    Attributes:
        step: Steps that the whole render had made before the change.
        options: Field of the config -> its new value; only fields in `CHANGEABLE`.
    """

    step: int
    options: Mapping[str, Any]


CHANGEABLE = fields_with(WEIGHTS)
"""Options that can change during a render: weights of terms, which are tensor inputs of the compiled programs."""


def changed_until(config: RenderConfig, changes: Iterable[Change], step: int) -> RenderConfig:
    """Return the config after `step` steps, including changes that are due at that step."""
    for change in changes:
        if change.step <= step:
            config = config.changed(**change.options)
    return config


SWITCHES = {"onednn": "TF_ENABLE_ONEDNN_OPTS", "constant_weights": "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS"}
"""Field of a plan -> environment variable, "0" or "1", that TensorFlow reads when it is imported."""


def switches() -> dict[str, bool | None]:
    """Return the current value of each switch in the environment; None if it is not set."""
    return {name: {"0": False, "1": True}.get(os.environ.get(variable, "")) for name, variable in SWITCHES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a render is carried out; only renders with equal plans give pictures with the same bytes.

    Attributes:
        device: "cpu" or "gpu".
        compile: "xla" or "graph".
        threads: Number of threads that share one operation.
        onednn: Whether oneDNN is on; None if TensorFlow decides.
        constant_weights: Whether oneDNN may assume that weights never change, which is faster; None if TensorFlow
            decides.
        steps_per_call: Maximum number of steps in one call of the compiled program; it does not change the result.
        batch: Number of pictures in one tensor; a different number causes different rounding.
        size: (height, width) of the result; None, together with empty `octaves`, to determine both again.
        octaves: Octaves, coarse to fine; empty if the picture is drawn in one pass or is the photo itself.
        tile: Side of the tiles of the one pass, pixels; None for one piece.
        changes: Options that were changed during the render, in the order of their steps.
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
    tile: int | None = None
    changes: tuple[Change, ...] = ()

    @property
    def machine(self) -> Plan:
        """The part of the plan that is the same for every render on the machine."""
        return replace(
            self,
            batch=1,
            size=None,
            octaves=(),
            tile=None,
            changes=(),
        )

    def without(self, options: Iterable[str]) -> Plan:
        """Return the part of the plan that stays valid when some options get other values.

        Changes of the other options during the render are kept.

        Args:
            options: Names of the options that have other values.
        """
        given = set(options)
        left = (Change(step, {k: v for k, v in new.items() if k not in given}) for step, new in self.changes)
        return replace(self.machine, changes=tuple(change for change in left if change.options))

    def applied(self, config: RenderConfig) -> RenderConfig:
        """Replace "auto" as the device or compiler of a config with the value from the plan."""
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
        known = {"tile": None, "changes": (), **values} if isinstance(values, dict) else values
        found = _fields(known, "a plan", [field.name for field in fields(cls)])
        _one_of("device", found["device"], DEVICES)
        _one_of("compile", found["compile"], COMPILERS[1:])
        for name in SWITCHES:
            _one_of(name, found[name], (True, False, None))
        for name in ("threads", "steps_per_call"):
            _whole(name, found[name], 1, MOST_STEPS)
        _whole("batch", found["batch"], 1, LARGEST_BATCH)
        if found["tile"] is not None:
            _whole("tile", found["tile"], 1, LARGEST_SIZE)
        size = None if found["size"] is None else _size(found["size"])
        levels = _levels(found["octaves"], size)
        return cls(**{**found, "size": size, "octaves": levels, "changes": _changes(found["changes"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An input that a picture was made from.

    Attributes:
        name: Base name of the file, name of a registered network, or "image" for an image passed in memory.
        sha256: SHA-256 of the file, or of the pixels of an image in memory; None for a network without a file.
        bytes: Length of the file in bytes; None if there is no file.
    """

    name: str
    sha256: str | None
    bytes: int | None

    @property
    def is_file(self) -> bool:
        """Whether the input is a file."""
        return self.bytes is not None

    @classmethod
    def from_dict(cls, values: object) -> Input:
        """Make an input from plain values.

        Raises:
            ConfigError: Fields are missing, unknown or out of range.
        """
        found = _fields(values, "an input", [field.name for field in fields(cls)])
        name = found["name"]
        sha256 = found["sha256"]
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
        config: Options of the render; it names files by their base names.
        plan: How the render was carried out.
        export: How the file was written: quality, depth, profile, keep_gps, dpi.
        inputs: Inputs of the render.
        versions: Versions of the libraries that the bytes of the picture depend on.
    """

    config: RenderConfig
    plan: Plan
    export: Mapping[str, Any]
    inputs: Inputs[Input]
    versions: Mapping[str, str]

    def named_like(self, known: Inputs[Input]) -> Recipe:
        """Return the recipe with the names from `known` for inputs of the same role and contents."""
        left = known.entries
        inputs = Inputs.of_entries(_named_like(each, left) for each in self.inputs.entries)
        config = with_names(self.config, inputs.map(lambda found: found.name))
        if self.inputs.network and inputs.network and config.network == self.inputs.network.name:
            config = config.changed(network=inputs.network.name)
        return replace(self, config=config, inputs=inputs)

    def to_text(self) -> str:
        """Return the recipe as one line of JSON in ASCII."""
        export = {name: value for name, value in self.export.items() if name not in LATER or value is not None}
        parts = (VERSION, self.config.to_dict(), self.plan.to_dict(), export)
        rest = (inputs_values(self.inputs), dict(self.versions))
        return json.dumps(dict(zip(PARTS, (*parts, *rest), strict=True)), separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_text(cls, text: str) -> Recipe:
        """The inverse of `to_text`.

        Raises:
            ConfigError: The text is not a recipe, is damaged, or is from a newer version.
        """
        try:
            return _recipe(json.loads(text, parse_constant=_no_constant))
        except StylerError:
            raise
        except (ValueError, RecursionError) as cause:
            message = "expected a recipe in JSON; this one is damaged or not from styler"
            raise ConfigError(message) from cause


def _named_like(found: Entry[Input], known: list[Entry[Input]]) -> Entry[Input]:
    """Give an input the name of the first known one with the same role and contents, and remove that from the list."""
    same = [each for each in known if (each.role, each.item.sha256) == (found.role, found.item.sha256)]
    if not same:
        return found
    known.remove(same[0])
    return found._replace(item=replace(found.item, name=same[0].item.name))


def inputs_values(inputs: Inputs[Input]) -> list[dict[str, Any]]:
    """Return inputs as plain values for JSON; the inverse of `inputs_from`."""
    values = []
    for entry in inputs.entries:
        group = {} if entry.group is None else {"group": entry.group}
        values.append({"role": entry.role, **group, **asdict(entry.item)})
    return values


def inputs_from(values: object, version: int = VERSION) -> Inputs[Input]:
    """Read the inputs from the plain values of a recipe.

    Args:
        values: List of mappings.
        version: Version of the recipe; in version 1, each painting has its own style weight.

    Raises:
        ConfigError: The values do not describe inputs.
    """
    entries: list[Entry[Input]] = []
    for each in _listed(values, "inputs"):
        _one_of("role", each.get("role") if isinstance(each, dict) else None, ROLES)
        paintings = sum(entry.role == STYLE for entry in entries)
        group = paintings if version == 1 and each["role"] == STYLE else each.get("group")
        if group is not None:
            _whole("group", group, 0, MOST_INPUTS)
        own = {name: value for name, value in each.items() if name not in ("role", "group")}
        entries.append(Entry(each["role"], Input.from_dict(own), group))
    try:
        return Inputs.of_entries(entries)
    except ValueError as cause:
        _refuse("one input of each role and paintings in groups", str(cause))


def without_folders(config: RenderConfig) -> RenderConfig:
    """Replace the paths in a config by their base names."""
    masks = config.style_mask
    return config.changed(
        init=config.init if config.init in BUILT_IN_INITS else Path(config.init).name,
        network=Path(config.network).name or config.network,
        content_mask=config.content_mask and Path(config.content_mask).name,
        style_mask=None if masks is None else tuple(Path(mask).name for mask in masks),
        keep=config.keep and Path(config.keep).name,
        strength_map=config.strength_map and Path(config.strength_map).name,
    )


def with_names(config: RenderConfig, names: Inputs[str]) -> RenderConfig:
    """Return a config in which the options that name image files have these names.

    Args:
        config: The config.
        names: Names or paths; the options of roles that are absent keep their values.
    """
    changes: dict[str, Any] = {}
    for name in (INIT, KEEP, STRENGTH_MAP):
        if getattr(names, name) is not None:
            changes[name] = getattr(names, name)
    if names.content_mask is not None:
        changes["content_mask"] = names.content_mask
        masks = names.style_masks or (None,) * len(names.styles)
        changes["style_mask"] = tuple(mask or NO_FILE for mask in masks)
    return config.changed(**changes)


def _recipe(values: object) -> Recipe:
    if not isinstance(values, dict) or MARK not in values:
        _refuse(f"the field {MARK}", values)
    version = values[MARK]
    if version not in READABLE or type(version) is not int:
        message = f"expected a recipe of version {VERSION} or older, got version {version!r:.20}; update styler"
        raise ConfigError(message)
    found = _fields(values, "the parts", PARTS)
    if not isinstance(found["config"], dict):
        _refuse("options", found["config"])
    config = RenderConfig.from_dict({**REPRODUCING, **found["config"]})
    recipe = Recipe(
        config=config,
        plan=Plan.from_dict(found["plan"]),
        export=_export(found["export"]),
        inputs=inputs_from(found["inputs"], version),
        versions=_versions(found["versions"]),
    )
    _check_inputs(recipe)
    return recipe


def _check_inputs(recipe: Recipe) -> None:
    """Check for a size, a network, the image to start from, and one style weight for each group of paintings."""
    inputs = recipe.inputs
    if recipe.plan.size is None or inputs.network is None:
        _refuse("a network and a size", [entry.role for entry in inputs.entries])
    if recipe.config.init not in BUILT_IN_INITS and inputs.init is None:
        _refuse("the image to start from among the inputs", recipe.config.init)
    masks = recipe.config.style_mask or ()
    for name in (KEEP, STRENGTH_MAP):
        if (getattr(recipe.config, name) is None) != (getattr(inputs, name) is None):
            _refuse(f"{name} among the inputs", getattr(recipe.config, name))
    named = [recipe.config.content_mask is not None, *(mask != NO_FILE for mask in masks if inputs.style_masks)]
    if named != [inputs.content_mask is not None, *(mask is not None for mask in inputs.style_masks)]:
        _refuse("the masks among the inputs", [entry.role for entry in inputs.entries])
    for config in (recipe.config, changed_until(recipe.config, recipe.plan.changes, MOST_STEPS)):
        config.check_styles(len(inputs.styles))


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
    """Read octaves from plain values.

    Raises:
        ConfigError: The values do not describe octaves.
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


def _changes(values: object) -> tuple[Change, ...]:
    changes = [_change(each) for each in _listed(values, "changes")]
    if any(later.step < earlier.step for earlier, later in pairwise(changes)):
        _refuse("changes in the order of their steps", values)
    return tuple(changes)


def _change(values: object) -> Change:
    parts = _listed(values, "a change")
    if len(parts) != len(Change._fields) or not isinstance(parts[1], dict) or not parts[1]:
        _refuse("changes of a step and options", values)
    step, options = parts
    _whole("step", step, 0, MOST_STEPS)
    for name in options:
        _one_of("a changed option", name, CHANGEABLE)
    changed = RenderConfig.from_dict(options)
    return Change(step, {name: getattr(changed, name) for name in options})


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


def _whole(
    name: str,
    value: object,
    low: int,
    high: int,
) -> None:
    if type(value) is not int or not low <= value <= high:
        _refuse(f"{name} from {low} to {high}", value)


def _no_constant(name: str) -> Never:
    message = f"{name} is not a number in JSON"
    raise ValueError(message)


def _refuse(expected: str, came: object) -> Never:
    message = f"expected a recipe with {expected}, got {ascii(came)[:60]}"
    raise ConfigError(message)
