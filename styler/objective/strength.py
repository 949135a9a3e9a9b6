"""One number from photo to painting, the same at any size, network, loss and count of styles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from styler.config import RenderConfig
from styler.losses.base import Prepared, Stats
from styler.losses.term import CONTENT, SMOOTHNESS, STYLE

if TYPE_CHECKING:
    from styler.objective.objective import Objective

CONTENT_AT_HALF = 0.016  # content factor at strength 0.5 and 512 pixels, chosen by renders: see docs/look.md
SPREAD = 2.0  # how fast the balance tips away from 0.5; larger reaches the extremes sooner
SMOOTHNESS_AT_512 = 2.0  # total-variation factor, by renders; crowsonkb's style-transfer-pytorch has the same
REFERENCE_SIDE = 512  # pixels of the longer side at which the two factors above hold
FARTHEST_SIDES = (128, 512)  # pixels: below not measured; above the factors of 512 come closest to its style
LEFT = 0.25  # what 1 leaves of the content: 0.18 of its weight at 0.5. With less the photo goes and the style comes no
# closer, since the steps of a preset do not reach so far: docs/look.md
LEAST_STRENGTH = 1e-3  # below it the result is the photo itself


def is_photo(config: RenderConfig) -> bool:
    """Whether the strength is so low that the result is the resized photo itself."""
    return config.strength < LEAST_STRENGTH and config.style_weight is None


def weights_of(
    objective: Objective,
    config: RenderConfig,
    photo: dict[str, Stats],
    aims: Mapping[str, Prepared],
    side: int,
) -> dict[str, float]:
    """The factor of every term.

    Args:
        objective: Whose terms they are.
        config: Gives strength and raw weights.
        photo: Statistics of the photo at this octave.
        aims: Targets at this octave.
        side: Longer side of this octave, pixels.
    """
    distances = objective.distances(photo, dict(aims))
    styles = [(term.share, term.loss.gain, float(distances[term.name])) for term in objective.statistic]
    style_of_photo = sum(share * distance for share, _, distance in styles)
    gain = sum(share * gain for share, gain, _ in styles)
    factors = factors_of(config, style_of_photo, side, gain)
    return {term.name: term.share * factors[term.group] for term in objective.terms}


def factors_of(config: RenderConfig, style_of_photo: float, side: int, gain: float = 1.0) -> dict[str, float]:
    """Factors of the groups of terms.

    The style is divided by its value at the unstyled photo, so that 1 means "as far as the photo" whatever
    the painting, loss or network; the content is relative by itself. A smaller picture has steeper slopes and
    less room for both, so below 512 pixels smoothness falls in proportion to its side and content by the root: with
    that the style comes about as close at 256 and 1024 pixels as at 512. Raw weights in `config` win.

    Args:
        config: Gives strength and raw weights.
        style_of_photo: The style terms with their shares at the content image of this octave.
        side: Longer side of this octave, pixels.
        gain: The style loss's own.

    Returns:
        Group -> factor, >= 0.
    """
    scale = min(max(side, FARTHEST_SIDES[0]), FARTHEST_SIDES[1]) / REFERENCE_SIDE
    derived = {
        CONTENT: CONTENT_AT_HALF * _balance(config.strength) * scale**0.5,
        STYLE: gain / max(style_of_photo, 1e-6),
        SMOOTHNESS: SMOOTHNESS_AT_512 * scale,
    }
    raw = {CONTENT: config.content_weight, STYLE: config.style_weight, SMOOTHNESS: config.tv_weight}
    given: dict[str, Any] = {group: weight for group, weight in raw.items() if weight is not None}
    return derived | given


def _balance(strength: float) -> float:
    """Content against style: endless at strength 0, 1 at 0.5, falling to a sixth at 1."""
    return ((1.0 / max(strength, LEAST_STRENGTH) - LEFT) / (2.0 - LEFT)) ** SPREAD
