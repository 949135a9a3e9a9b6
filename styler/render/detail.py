"""From one octave to the next: the picture enlarged, with the photo's own new detail.

An enlarged picture has no fine detail, and an optimizer that starts there invents strokes where the photo has edges.
Given the photo's detail as a start it keeps faces and edges at no cost in style: see the study in `docs/look.md`.
"""

from __future__ import annotations

import tensorflow as tf

from styler.images.reading import Pixels
from styler.render.margin import MARGIN, without_margin
from styler.types import Tensor


def refined(image: Tensor, coarse: Pixels, fine: Pixels) -> Tensor:
    """An image at the next octave, with the level of the photo's Laplacian pyramid (Burt & Adelson 1983) in between.

    Args:
        image: (1, H, W, 3) with margin, at the octave left.
        coarse: The photo at that octave, (height, width, 3), 0..1.
        fine: The photo at the octave entered.

    Returns:
        (1, H', W', 3), 0..1, bicubic, with a new margin.
    """
    kept = without_margin(image) - coarse
    inner = tf.image.resize(kept, fine.shape[:2], "bicubic", antialias=True) + fine
    edges = [[0, 0], [MARGIN, MARGIN], [MARGIN, MARGIN], [0, 0]]
    return tf.pad(tf.clip_by_value(inner, 0.0, 1.0), edges, "SYMMETRIC")
