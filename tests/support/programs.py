"""Renderers that share compiled programs, since tracing one takes seconds."""

from __future__ import annotations

import copy
from typing import Any

from styler.config import RenderConfig
from styler.networks import NetworkSpec
from styler.render.renderer import Renderer

IN_THE_PROGRAM = (
    *("style_layers", "content_layers", "pooling", "loss"),
    *("optimizer", "learning_rate", "device", "compile"),
)
_MADE: dict[Any, Renderer] = {}


def shared_renderer(config: RenderConfig, network: NetworkSpec) -> Renderer:
    """A `Renderer` whose compiled programs are those of an earlier one, where they do not depend on the difference."""
    key = (network.name, *(getattr(config, name) for name in IN_THE_PROGRAM))
    if key not in _MADE:
        _MADE[key] = Renderer(config, network)
    renderer = copy.copy(_MADE[key])
    renderer.config, renderer._cache = config, {}
    return renderer
