"""A plan obeyed again: what of a render's device, compiler, threads and switches can be had in another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import tensorflow as tf

from styler.config import RenderConfig
from styler.errors import shown
from styler.recipe import SWITCHES, Plan, switches
from styler.render.engine import find_device, kind_of, use_threads, uses_xla
from styler.render.report import versions

MAY_DIFFER = "the bytes may differ"


class Restored(NamedTuple):
    """What a render is to be made with here.

    Attributes:
        plan: Obeyed as far as can be.
        config: The same of the options.
        differences: What is other than it was, one line each.
    """

    plan: Plan
    config: RenderConfig
    differences: tuple[str, ...]


def restored(plan: Plan, config: RenderConfig, made_with: Mapping[str, str], *, elsewhere: bool) -> Restored:
    """Set as many threads as then, if TensorFlow has not started; find out what else is as it was.

    Args:
        plan: What the options came to then.
        config: The options.
        made_with: Versions.
        elsewhere: Whether to go on on another device where that one is not here, rather than to refuse later.
    """
    found = [*_other_versions(made_with), *_other_threads(plan), *_other_switches(plan)]
    device = plan.applied(config).device
    if _is_there(device) or not elsewhere:
        return Restored(plan, config, tuple(found))
    there, options = find_device("auto"), config.changed(device="auto")
    compiler = "xla" if uses_xla(options, there) else "graph"
    found.append(f"made on {device}, which is not here: goes on on the {kind_of(there)}, and {MAY_DIFFER}")
    return Restored(replace(plan, device=kind_of(there), compile=compiler), options, tuple(found))


def _other_versions(then: Mapping[str, str]) -> list[str]:
    now = versions()
    other = [f"{name} {then.get(name, 'unknown')}, now {now[name]}" for name in now if then.get(name) != now[name]]
    return [f"made with {shown('; '.join(other))}: {MAY_DIFFER}"] if other else []


def _other_threads(plan: Plan) -> list[str]:
    if use_threads(plan.threads):
        return []
    return [f"made with {plan.threads} threads, which cannot be had here: {MAY_DIFFER}"]


def _other_switches(plan: Plan) -> list[str]:
    """Of those that TensorFlow has read from the environment by now."""
    words = {None: "unset", False: "0", True: "1"}
    then = {variable: getattr(plan, name) for name, variable in SWITCHES.items()}
    now = switches()
    other = [
        f"{variable} {words[then[variable]]}, now {words[now[name]]}"
        for name, variable in SWITCHES.items()
        if then[variable] != now[name]
    ]
    return [f"made with {', '.join(other)}, which TensorFlow has read already: {MAY_DIFFER}"] if other else []


def _is_there(device: str) -> bool:
    kind, _, index = device.partition(":")
    return kind != "gpu" or int(index or 0) < len(tf.config.list_physical_devices("GPU"))
