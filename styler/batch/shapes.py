"""A grid of picture sizes, so that pictures with similar proportions can share one compiled program."""

from __future__ import annotations

import math

from styler.types import Size

TOLERANCE = 0.02  # largest relative change of a side; too small to notice, like a slightly cropped edge
_STEP = (1 + TOLERANCE) ** 2  # ratio of neighboring shapes on the grid; no size is farther than TOLERANCE from one


def snapped_size(size: Size) -> Size:
    """Return the nearest size on the grid.

    The longer side stays the same. The shorter side changes by at most 2 %, apart from rounding. The grid is geometric
    and starts at a square, so it depends on the proportions only.

    Example:
        >>> snapped_size(Size(340, 512)), snapped_size(Size(344, 512))
        (Size(height=343, width=512), Size(height=343, width=512))
    """
    longer = max(size)
    steps = round(math.log(longer / min(size)) / math.log(_STEP))
    shorter = max(1, round(longer / _STEP**steps))
    return Size(*(longer if side == longer else shorter for side in size))
