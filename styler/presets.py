"""The presets of `--preset`, which trade time for quality. `docs/look.md` has the measurements behind them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from styler.errors import ConfigError
from styler.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """The options that a preset sets.

    Attributes:
        steps: Total optimizer steps of the render, over all octaves; 0 draws the picture in one pass.
        loss: Name of the style loss.
        optimizer: Name of the optimizer.
        views: Number of views of the style: the image itself and `views - 1` mirrored copies. The render time is
            proportional to it.
        start_noise: Standard deviation of the noise that is added where an octave starts, in flat areas.
        init: Image that the render starts from; "pass" is the picture drawn in one pass.
    """

    steps: int
    loss: str = "wasserstein"
    optimizer: str = "lbfgs"
    views: int = 1
    start_noise: float = 0.06
    init: str = "content"

    def fields(self) -> dict[str, Any]:
        """Return the preset as arguments of `RenderConfig`."""
        return asdict(self)


INSTANT = Preset(steps=0, start_noise=0.03, init="pass")  # with --steps, a render that starts from the one pass
DRAFT = Preset(steps=9, start_noise=0.05, init="pass")  # few steps cannot turn more noise into strokes: docs/look.md
BALANCED = Preset(steps=100)
BEST = Preset(steps=140, views=4)

DEFAULT_PRESET = "balanced"

PRESETS: Registry[Preset] = Registry("preset", ConfigError)
PRESETS.add("instant", INSTANT)
PRESETS.add("draft", DRAFT)
PRESETS.add("balanced", BALANCED)
PRESETS.add("best", BEST)
