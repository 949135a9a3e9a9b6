"""One number from photo to painting, the same at any size, network, loss and count of styles."""

from __future__ import annotations

from styler.config import LayerWeights, RenderConfig
from styler.networks.palette import PALETTE

CONTENT_AT_HALF = 0.016  # content factor at strength 0.5 and 512 pixels, chosen by renders: see docs/look.md
SPREAD = 2.0  # how fast the balance tips away from 0.5; larger reaches the extremes sooner
SMOOTHNESS = 2.0  # total-variation factor at 512 pixels, by renders; crowsonkb's style-transfer-pytorch has the same
REFERENCE_SIDE = 512  # pixels of the longer side at which the two factors above hold
FARTHEST_SIDES = (128, 512)  # pixels: below not measured; above the factors of 512 come closest to its style
TRACE = 0.9  # of the strength: even at 1 a trace of the content is left, 1/120 of that at 0.5. Without one the picture
# has farther to go than the steps of a preset reach, and style gets worse from 0.8 to 1: docs/look.md
MARKS = 0.6  # the fall of the layers' weights from block to block is 3 up to strength 0.5 and 3 ** (1 - 0.6) = 1.55 at
# 1: with little of the photo to hold on to, more weight on what is large is what brings the style closer
LEAST_STRENGTH = 1e-3  # below it the result is the photo itself


def is_photo(config: RenderConfig) -> bool:
    """Whether the strength is so low that the result is the resized photo itself."""
    return config.strength < LEAST_STRENGTH and config.style_weight is None


def _balance(strength: float) -> float:
    """Content against style: 1 at strength 0.5, next to nothing at 1."""
    usual, at_half = (1.0 / (TRACE * each) - 1.0 for each in (max(strength, LEAST_STRENGTH), 0.5))
    return (usual / at_half) ** SPREAD


def layer_shares(config: RenderConfig, layers: LayerWeights) -> LayerWeights:
    """The shares of the style layers at a strength: above 0.5 the deep ones, which see large marks, gain.

    Args:
        config: Gives the strength; layers that it names itself keep their weights.
        layers: Style layers with their usual shares, the palette among them, whose share stays.
    """
    power = 1.0 - MARKS * max(0.0, 2.0 * config.strength - 1.0)
    if config.style_layers is not None or power == 1.0:
        return layers
    usual = {name: share for name, share in layers if name != PALETTE}
    scale = sum(usual.values()) / sum(share**power for share in usual.values())
    return tuple((name, scale * share**power if name in usual else share) for name, share in layers)


def term_weights(
    config: RenderConfig, style_of_photo: float, side: int, gain: float = 1.0
) -> tuple[float, float, float]:
    """Factors of the content, style and total-variation terms.

    The style term is divided by its value at the unstyled photo, so that 1 means "as far as the photo" whatever
    the painting, loss or network; the content term is relative by itself. A smaller picture has steeper slopes and
    less room for both, so below 512 pixels smoothness falls in proportion to its side and content by the root: with
    that the style comes about as close at 256 and 1024 pixels as at 512. Raw weights in `config` win.

    Args:
        config: Gives strength and raw weights.
        style_of_photo: The style term at the content image of this octave.
        side: Longer side of this octave, pixels.
        gain: The style loss's own.

    Returns:
        (content, style, tv), each >= 0.
    """
    scale = min(max(side, FARTHEST_SIDES[0]), FARTHEST_SIDES[1]) / REFERENCE_SIDE
    weights = (
        CONTENT_AT_HALF * _balance(config.strength) * scale**0.5,
        gain / max(style_of_photo, 1e-6),
        SMOOTHNESS * scale,
    )
    raw = config.content_weight, config.style_weight, config.tv_weight
    content, style, tv = (mine if given is None else given for mine, given in zip(weights, raw, strict=True))
    return content, style, tv
