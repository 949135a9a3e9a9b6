"""Restores the plan of a render in another process, as far as possible: device, compiler, threads, variables."""

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
    """A plan as far as it can be restored here.

    Attributes:
        plan: The restored plan.
        config: The options, changed to match it.
        differences: What differs from the original, one line each.
    """

    plan: Plan
    config: RenderConfig
    differences: tuple[str, ...]


def restored(
    plan: Plan,
    config: RenderConfig,
    made_with: Mapping[str, str],
    *,
    elsewhere: bool,
) -> Restored:
    """Restore the number of threads, if TensorFlow has not started, and list everything else that differs.

    Args:
        plan: The original plan.
        config: Options of the render.
        made_with: Versions of the libraries that the render was made with.
        elsewhere: Whether to use another device if the original one is missing; otherwise the render fails later.
    """
    found = [*_other_versions(made_with), *_other_threads(plan), *_other_switches(plan)]
    device = plan.applied(config).device
    if _is_there(device) or not elsewhere:
        return Restored(plan, config, tuple(found))
    other_device = find_device("auto")
    other_config = config.changed(device="auto")
    other_plan = replace(
        plan,
        device=kind_of(other_device),
        compile="xla" if uses_xla(other_config, other_device) else "graph",
    )
    found.append(f"made on {device}, which is missing here: the {kind_of(other_device)} is used, and {MAY_DIFFER}")
    return Restored(other_plan, other_config, tuple(found))


def _other_versions(then: Mapping[str, str]) -> list[str]:
    other = []
    for name, now in versions().items():
        if then.get(name) != now:
            other.append(f"{name} {then.get(name, 'unknown')}, now {now}")
    if not other:
        return []
    return [f"made with {shown('; '.join(other))}: {MAY_DIFFER}"]


def _other_threads(plan: Plan) -> list[str]:
    if use_threads(plan.threads):
        return []
    return [f"made with {plan.threads} threads, which cannot be set here: {MAY_DIFFER}"]


def _other_switches(plan: Plan) -> list[str]:
    """List the differences in the environment variables that TensorFlow has already read."""
    words = {None: "unset", False: "0", True: "1"}
    current = switches()
    other = []
    for name, variable in SWITCHES.items():
        then = getattr(plan, name)
        now = current[name]
        if then != now:
            other.append(f"{variable} {words[then]}, now {words[now]}")
    if not other:
        return []
    return [f"made with {', '.join(other)}, which TensorFlow has already read: {MAY_DIFFER}"]


def _is_there(device: str) -> bool:
    kind, _, index = device.partition(":")
    return kind != "gpu" or int(index or 0) < len(tf.config.list_physical_devices("GPU"))
