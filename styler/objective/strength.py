"""Strength: one number from photo to painting, with the same effect for every size, network, loss and style count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from styler.config import RenderConfig
from styler.images.mapped import Array
from styler.losses.base import Prepared, Stats
from styler.losses.term import CONTENT, SMOOTHNESS, STYLE

if TYPE_CHECKING:
    from styler.objective.objective import Objective

CONTENT_AT_HALF = 0.016  # content factor at strength 0.5 and 512 pixels, chosen from renders: see docs/look.md
TONED = 1.65  # content factor with the photo in the paintings' palette, divided by that with its own colors. The style
# is divided by its value for the photo, which is smaller with that palette; this factor restores the likeness: see
# docs/look.md
SPREAD = 2.0  # exponent of the balance; with a larger one, it reaches its extremes sooner
SMOOTHNESS_AT_512 = 2.0  # total-variation factor, chosen from renders; crowsonkb's style-transfer-pytorch has the same
REFERENCE_SIDE = 512  # pixels of the longer side at which the two factors above hold
FARTHEST_SIDES = (128, 512)  # pixels; smaller sizes were not measured; for larger ones, the factors of 512 do best
LEFT = 0.25  # share of the content that is left at strength 1; its weight is then 0.18 of that at 0.5. With less, the
# photo is lost, but the style comes no closer, because a preset has too few steps for that: see docs/look.md
MOST_CONTENT = 100.0  # largest factor of the content where there is less painting; it holds the photo within two or
# three steps of 255, and larger ones make the optimizer's task ill-conditioned
LEAST_STRENGTH = 1e-3  # below this, the result is the photo itself
FULL_PASS = 0.5  # strength from which on one pass carries all activations the whole way; above, there are two passes


def is_photo(config: RenderConfig) -> bool:
    """Whether the strength is so low that the result is the resized photo itself."""
    is_off = config.strength < LEAST_STRENGTH
    return is_off and config.style_weight is None


def passes(strength: float) -> int:
    """Return how often a picture that is drawn without an optimizer is drawn."""
    return 2 if strength > FULL_PASS else 1


def weights_of(
    objective: Objective,
    config: RenderConfig,
    photo: dict[str, Stats],
    prepared: Mapping[str, Prepared],
    side: int,
) -> dict[str, float]:
    """Compute the factor of every term.

    Args:
        objective: Objective with the terms.
        config: Strength and raw weights.
        photo: Statistics of the photo at this octave.
        prepared: Targets at this octave.
        side: Longer side of this octave, pixels.
    """
    distances = objective.distances(photo, dict(prepared))
    style_of_photo = sum(term.share * float(distances[term.name]) for term in objective.statistic)
    gain = sum(term.share * term.loss.gain for term in objective.statistic)
    factors = factors_of(config, style_of_photo, side, gain)
    return {term.name: term.share * factors[term.group] for term in objective.terms}


def factors_of(
    config: RenderConfig,
    style_of_photo: float,
    side: int,
    gain: float = 1.0,
) -> dict[str, float]:
    """Compute the factors of the groups of terms.

    The style loss is divided by its value for the unstyled photo, so that 1 means "as far away as the photo" for every
    painting, loss and network. The content loss is already relative. A smaller picture has steeper slopes, and less
    room for both content and style. Below 512 pixels, the smoothness factor is therefore proportional to the side, and
    the content factor to its square root. The style then comes about as close at 256 and 1024 pixels as at 512. Raw
    weights in `config` take precedence.

    Args:
        config: Strength and raw weights.
        style_of_photo: Sum of the style terms, with their shares, at the content image of this octave.
        side: Longer side of this octave, pixels.
        gain: Gain of the style loss.

    Returns:
        Group -> factor, >= 0.
    """
    smallest, largest = FARTHEST_SIDES
    scale = min(max(side, smallest), largest) / REFERENCE_SIDE
    toned = TONED if config.content_tone == "match" else 1.0
    factors = {
        CONTENT: CONTENT_AT_HALF * toned * _balance(config.strength) * scale**0.5,
        STYLE: gain / max(style_of_photo, 1e-6),
        SMOOTHNESS: SMOOTHNESS_AT_512 * scale,
    }
    if config.content_weight is not None:
        factors[CONTENT] = config.content_weight
    if config.style_weight is not None:
        factors[STYLE] = config.style_weight
    if config.tv_weight is not None:
        factors[SMOOTHNESS] = config.tv_weight
    return factors


def content_factors(strength: float, amounts: Array) -> Array:
    """Return by how much the content weighs more where the strength is only a part of that of the render.

    Args:
        strength: Strength of the render.
        amounts: Parts of it, 0..1.

    Returns:
        Factors from 1 to `MOST_CONTENT`, of the same shape, float32.
    """
    local = np.maximum(amounts * max(strength, LEAST_STRENGTH), LEAST_STRENGTH)
    factors = ((1.0 / local - LEFT) / (2.0 - LEFT)) ** SPREAD / _balance(strength)
    return np.clip(factors, 1.0, MOST_CONTENT).astype(np.float32)


def _balance(strength: float) -> float:
    """Return the weight of the content relative to the style: very large at strength 0, 1 at 0.5, 0.18 at 1."""
    inverse = 1.0 / max(strength, LEAST_STRENGTH)
    return ((inverse - LEFT) / (2.0 - LEFT)) ** SPREAD
