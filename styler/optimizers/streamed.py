"""The optimizers on images that stay on the host, in memory or mapped from a file: which one goes with which."""

from __future__ import annotations

from typing import Any

from styler.optimizers.adam import Adam
from styler.optimizers.pieces import Allocate, Array, Release, Streamed
from styler.optimizers.streamed_adam import StreamedAdam
from styler.optimizers.streamed_lbfgs import StreamedLbfgs

__all__ = ["Streamed", "StreamedAdam", "StreamedLbfgs", "streamed"]


def streamed(optimizer: Any, image: Array, allocate: Allocate, release: Release) -> Streamed:
    """The streamed counterpart of an optimizer, starting at an image that it may change.

    Args:
        optimizer: `Lbfgs` or `Adam`.
        image: (H, W, 3), 0..1.
        allocate: Where buffers come from.
        release: See `Release`.
    """
    if isinstance(optimizer, Adam):
        return StreamedAdam(optimizer, image, allocate, release)
    return StreamedLbfgs(optimizer, image, allocate, release)
