"""The objective tile by tile, for images too large to be computed in one piece."""
