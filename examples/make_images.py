"""Draw the example images: photo-like scenes and painterly styles. All are computed, none are copied.

python examples/make_images.py [--out examples/images] [--only NAME ...] [--side 512]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from paintings.dots import dots
from paintings.facets import facets
from paintings.swirls import swirls
from paintings.woodcut import woodcut
from PIL import Image
from scenes.city import city
from scenes.lake import lake
from scenes.still_life import still_life

MAKERS = {maker.__name__: maker for maker in (lake, still_life, city, swirls, dots, facets, woodcut)}
QUALITY = 88  # all seven stay below 900 kB


def draw(name: str, side: int) -> Image.Image:
    """Draw the image with this name; `side` is its longer side in pixels. The same call gives the same image."""
    return Image.fromarray(np.uint8(np.rint(np.clip(MAKERS[name](side), 0, 1) * 255)))


def main() -> None:
    """Write the requested images."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent / "images")
    parser.add_argument("--only", nargs="+", choices=MAKERS, default=list(MAKERS), metavar="NAME")
    parser.add_argument("--side", type=int, default=512, help="longer side in pixels")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.only:
        draw(name, args.side).save(args.out / f"{name}.jpg", quality=QUALITY, subsampling="4:4:4")


if __name__ == "__main__":
    main()
