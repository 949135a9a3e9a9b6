"""Named presets: how much work a picture gets. The study in `docs/` holds the measurements behind them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from styler.errors import ConfigError
from styler.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A point on the curve of quality against time.

    Attributes:
        steps: Optimizer steps over the whole render, at any number of octaves.
        loss: Style loss.
        optimizer: Name of the optimizer.
        views: Ways to see the style, the network's own and mirrored ones; each costs the time of one.
    """

    steps: int
    loss: str = "wasserstein"
    optimizer: str = "lbfgs"
    views: int = 1

    def fields(self) -> dict[str, Any]:
        """The preset as arguments of `RenderConfig`."""
        return asdict(self)


DRAFT = Preset(steps=12)
BALANCED = Preset(steps=100)
BEST = Preset(steps=140, views=4)

PRESETS: Registry[Preset] = Registry("preset", ConfigError)
PRESETS.add("draft", DRAFT)
PRESETS.add("balanced", BALANCED)
PRESETS.add("best", BEST)
