"""Select jobs by conditions, a seeded shuffle and a limit."""

from __future__ import annotations

import operator
import random
import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from styler.batch.jobs import Job
from styler.batch.naming import FIELDS
from styler.errors import ConfigError, suggestion
from styler.images.photos import style_name

CONDITION = re.compile(r"\s*(?P<name>[\w-]+)\s*(?P<sign>!=|<=|>=|=|<|>)\s*(?P<value>.*?)\s*", re.DOTALL)
ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
NAMES = ("name", *(name for name in FIELDS if name != "index"))
Condition = Callable[[Job], bool]


def selected(
    jobs: Sequence[Job],
    *,
    where: Sequence[str] = (),
    shuffle_seed: int | None = None,
    limit: int | None = None,
) -> list[Job]:
    """Select the jobs that meet every condition, shuffle them, and keep at most `limit` of them.

    Args:
        jobs: Jobs to select from.
        where: Conditions such as `style=night*`, `size>=512` or `color!=style`.
        shuffle_seed: Seed of the shuffle. The same seed gives the same order; None does not shuffle.
        limit: Maximum number of jobs; None for all.

    Raises:
        ConfigError: A condition is invalid.
    """
    conditions = [parse_condition(text) for text in where]
    kept = [job for job in jobs if all(holds(job) for holds in conditions)]
    if shuffle_seed is not None:
        random.Random(shuffle_seed).shuffle(kept)
    return kept[:limit]


def parse_condition(text: str) -> Condition:
    """Parse a condition `FIELD SIGN VALUE`.

    The signs `=` and `!=` accept wildcards; the signs `<`, `<=`, `>` and `>=` compare numbers.

    Raises:
        ConfigError: The condition is malformed, has an unknown field, or compares with something that is not a
            number.
    """
    match = CONDITION.fullmatch(text)
    if match is None:
        message = f"--where: expected a condition like 'style=night*' or 'size>=512', got {text!r}"
        raise ConfigError(message)
    name = match["name"].replace("-", "_")
    sign = match["sign"]
    value = match["value"]
    if name not in NAMES:
        message = f"--where: unknown field {name!r} in {text!r}. {suggestion(name, NAMES)}"
        raise ConfigError(message)
    if sign in ORDERS:
        return _ordered(name, ORDERS[sign], value, text)
    return lambda job: _is_like(_values(job, name), value) is (sign == "=")


def _ordered(
    name: str,
    order: Callable[[Any, Any], bool],
    value: str,
    text: str,
) -> Condition:
    try:
        bound = float(value)
    except ValueError:
        message = f"--where: expected a number after the sign, got {text!r}"
        raise ConfigError(message) from None
    return lambda job: any(isinstance(found, int | float) and order(found, bound) for found in _values(job, name))


def _values(job: Job, name: str) -> list[Any]:
    """Return a job's values of a field: one value, or the stem of each painting for `style`."""
    own = {
        "name": [job.name],
        "content": [job.content.stem],
        "style": [style_name(style) for style in job.styles],
        "folder": [job.content.absolute().parent.name],
    }
    return own[name] if name in own else [getattr(job.config, name)]


def _is_like(values: list[Any], pattern: str) -> bool:
    """Whether one of the values equals the pattern as text, matches it as a glob, or is the same number."""
    return any(
        str(value) == pattern or fnmatchcase(str(value), pattern) or _same_number(value, pattern) for value in values
    )


def _same_number(value: Any, text: str) -> bool:
    try:
        return isinstance(value, int | float) and float(text) == value
    except ValueError:
        return False
