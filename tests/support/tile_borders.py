"""Where tiles meet."""

from __future__ import annotations

import numpy as np


def at_borders(view, size, tile, reach=2):
    """Which pixels (height, width) lie within `reach` of where one tile ends and another begins."""
    near = np.zeros(size, bool)
    for rows, columns in view.tiles(size, tile):
        for start, lines in ((rows.start, near), (columns.start, near.T)):
            if start:
                lines[start - reach : start + reach] = True
    return near
