"""Objectives over layers of a test's own, without a network of the package."""

from __future__ import annotations

from collections.abc import Callable

from styler.choices import CONTENT_LOSSES, STYLE_LOSSES
from styler.config import LayerWeights
from styler.losses.smoothness import HeavyColor, Smoothness
from styler.losses.term import SMOOTHNESS, STYLE, Term
from styler.objective.composition import shares
from styler.objective.objective import Objective
from styler.types import Features, Tensor


def objective_of(
    extract: Callable[[Tensor], Features], style_layers: LayerWeights, content_layers: LayerWeights, loss: str
) -> Objective:
    """Terms "style <layer>", "content <layer>" and "smoothness", as a render puts them together.

    Args:
        extract: image (B, H, W, 3) -> activations of all these layers.
        style_layers: Addresses with weights; shares of their sum count.
        content_layers: Likewise.
        loss: Name of the style loss.
    """
    compared = STYLE_LOSSES[loss]()
    return Objective(
        extract=extract,
        statistic=tuple(
            Term(name=f"style {name}", group=STYLE, loss=compared, layer=name, share=share)
            for name, share in shares(style_layers)
        ),
        local=(
            *CONTENT_LOSSES["features"](shares(content_layers)),
            Term(name="smoothness", group=SMOOTHNESS, loss=Smoothness(), reading=HeavyColor()),
        ),
    )
