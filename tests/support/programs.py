"""Engines shared among tests, since tracing their programs takes longer than a small render."""

from __future__ import annotations

import copy
from typing import Any

from styler.config import RenderConfig
from styler.networks import NetworkSpec
from styler.render.engine import DECISIVE, Engine, Statistics, decisive, find_device, uses_xla

RESOLVED = {"network", "device", "compile"}  # several values may come to the same
_MADE: dict[tuple[Any, ...], Engine] = {}


def shared_engine(config: RenderConfig, network: NetworkSpec, statistics: Statistics | None = None) -> Engine:
    """An `Engine` that serves `config`, made once for all tests; one of its own where statistics are to be kept."""
    if statistics is not None:
        return Engine(config, network, statistics)
    device = find_device(config.device)
    others = (getattr(config, name) for name in DECISIVE if name not in RESOLVED)
    key = (network.name, device, uses_xla(config, device), *others)
    if key not in _MADE:
        _MADE[key] = Engine(config, network)
        if not _MADE[key].untileable:
            _ = _MADE[key].tiling  # made now, so that every copy has the same
    engine = copy.copy(_MADE[key])
    engine._decisive, engine.network = decisive(config), network
    return engine
