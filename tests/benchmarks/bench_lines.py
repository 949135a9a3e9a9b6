"""How much stronger horizontal and vertical lines are than slanted ones: what looks like weave in a flat area.

    python tests/benchmarks/bench_lines.py IMAGE LEFT,TOP,RIGHT,BOTTOM

The spectrum of the lightness in that box, mean over tiles of 64 pixels: for some periods its power along the two axes
over that more than 15 degrees away from both. Paintings have about 1.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from PIL import Image

TILE = 64
PERIODS = (12, 16, 20, 24, 28, 31)  # cycles a tile: 5.3 to 2.1 pixels


def spectrum(lightness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean power of tiles that overlap by half, under a Hann window."""
    window = np.outer(np.hanning(TILE), np.hanning(TILE))
    rows, columns = (range(0, side - TILE + 1, TILE // 2) for side in lightness.shape)
    tiles = [lightness[top : top + TILE, left : left + TILE] for top in rows for left in columns]
    return np.mean([np.abs(np.fft.fft2((tile - tile.mean()) * window)) ** 2 for tile in tiles], axis=0)


def main() -> None:
    path, box = sys.argv[1:]
    left, top, right, bottom = (int(number) for number in box.split(","))
    with Image.open(path) as image:
        power = spectrum(np.asarray(image.convert("L").crop((left, top, right, bottom)), np.float64))
    across, down = np.meshgrid(*[np.fft.fftfreq(TILE) * TILE] * 2)
    radius, slant = np.hypot(across, down), np.abs(np.sin(2 * np.arctan2(across, down)))
    for cycles in PERIODS:
        along = (power[:2, cycles].mean() + power[cycles, :2].mean()) / 2
        between = power[(np.abs(radius - cycles) < 0.7) & (slant > 0.5)].mean()
        print(f"period {TILE / cycles:.1f} pixels: {along / between:.1f}")


if __name__ == "__main__":
    main()
