"""One number from photo to painting, the same at any size, network, loss and count of styles."""

from __future__ import annotations

from styler.config import RenderConfig

CONTENT_AT_HALF = 0.015  # content factor at strength 0.5, chosen by renders: see docs/
SPREAD = 2.0  # how fast the balance tips away from 0.5; larger reaches the extremes sooner
SMOOTHNESS = 2.0  # total-variation factor, chosen by renders; crowsonkb's style-transfer-pytorch has the same
LEAST_STRENGTH = 1e-3  # below it the result is the photo itself


def is_photo(config: RenderConfig) -> bool:
    """Whether the strength is so low that the result is the resized photo itself."""
    return config.strength < LEAST_STRENGTH and config.style_weight is None


def detail_share(config: RenderConfig) -> float:
    """How much of the photo's fine detail an octave starts with: all up to strength 0.5, none at 1."""
    return min(1.0, _balance(config.strength))


def _balance(strength: float) -> float:
    """Content against style: 1 at strength 0.5, 0 at 1."""
    return ((1.0 - strength) / max(strength, LEAST_STRENGTH)) ** SPREAD


def term_weights(config: RenderConfig, style_of_photo: float) -> tuple[float, float, float]:
    """Factors of the content, style and total-variation terms.

    The style term is divided by its value at the unstyled photo, so that 1 means "as far as the photo" whatever
    the painting, loss or network; the content term is relative by itself. Raw weights in `config` win.

    Args:
        config: Gives strength and raw weights.
        style_of_photo: The style term at the content image of this octave.

    Returns:
        (content, style, tv), each >= 0.
    """
    content = CONTENT_AT_HALF * _balance(config.strength) if config.content_weight is None else config.content_weight
    style = 1.0 / max(style_of_photo, 1e-6) if config.style_weight is None else config.style_weight
    return content, style, SMOOTHNESS if config.tv_weight is None else config.tv_weight
