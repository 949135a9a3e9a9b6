"""Engines shared among tests, since tracing their programs takes longer than a small render."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from styler.api import Stylizer
from styler.config import RenderConfig
from styler.networks import NetworkSpec
from styler.render.engine import DECISIVE, Engine, Statistics, decisive, find_device, make_optimizer, uses_xla
from styler.render.program import Program

TERSE = {"loss": "gram", "palette_weight": 0.0, "grain_weight": 0.0}
"""An objective with few terms, whose programs are traced sooner, for tests in which the terms do not matter."""
TERSE_WORDS = ("--loss", "gram", "--palette-weight", "0", "--grain-weight", "0")
FULL = {name: getattr(RenderConfig(), name) for name in TERSE}
"""The same options as users have them, for tests in which the terms matter."""
RESOLVED = {"network", "device", "compile"}  # several values may come to the same
OF_OPTIMIZER = {"optimizer", "learning_rate"}  # engines that differ in these alone have the same objective
_MADE: dict[tuple[Any, ...], Engine] = {}
_OF_OBJECTIVE: dict[tuple[Any, ...], Engine] = {}


def shared_stylizer(config: RenderConfig, network: NetworkSpec) -> Stylizer:
    """A `Stylizer` that renders by the programs of all tests, also when its options change."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("styler.api.Engine", shared_engine)
        return Stylizer(config, network=network)


def shared_engine(config: RenderConfig, network: NetworkSpec, statistics: Statistics | None = None) -> Engine:
    """An `Engine` that serves `config` by the programs of all tests, and keeps statistics where it is told to."""
    device = find_device(config.device)
    xla = uses_xla(config, device)
    objective = (network.name, device, xla, *(_values(config, set(DECISIVE) - RESOLVED - OF_OPTIMIZER)))
    key = (objective, *_values(config, OF_OPTIMIZER))
    if key not in _MADE:
        if objective not in _OF_OBJECTIVE:
            _OF_OBJECTIVE[objective] = Engine(config, network)
            if not _OF_OBJECTIVE[objective].untileable:
                _ = _OF_OBJECTIVE[objective].tiling  # made now, so that every copy has the same
        _MADE[key] = copy.copy(_OF_OBJECTIVE[objective])
        _MADE[key].program = Program(_MADE[key].objective, make_optimizer(config), xla=xla)
        _MADE[key]._batch_programs = {}
    engine = copy.copy(_MADE[key])
    engine._decisive, engine.network = decisive(config), network
    if statistics is not None:
        engine._statistics = statistics
    return engine


def _values(config: RenderConfig, names: set[str]) -> tuple[Any, ...]:
    return tuple(getattr(config, name) for name in sorted(names))
