"""Engines shared among tests, since compiling takes longer than a small render."""

from __future__ import annotations

from typing import Any

from styler.config import RenderConfig
from styler.networks import NetworkSpec
from styler.render.engine import Engine, Statistics, decisive

_MADE: dict[tuple[Any, ...], Engine] = {}


def shared_engine(config: RenderConfig, network: NetworkSpec, statistics: Statistics | None = None) -> Engine:
    """An `Engine` that serves `config`, made once for all tests; one of its own where statistics are to be kept."""
    if statistics is not None:
        return Engine(config, network, statistics)
    key = (network.name, *decisive(config))
    if key not in _MADE:
        _MADE[key] = Engine(config, network)
    return _MADE[key]
