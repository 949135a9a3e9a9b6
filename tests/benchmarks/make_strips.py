r"""Strips of one photo and painting under several settings, side by side, for the eye.

    python tests/benchmarks/make_strips.py PHOTO PAINTING OUT.jpg [--height 240] [--crop 0,0,120,80] \
      "balanced" "gram: loss=gram" …

A setting is a name and fields of `RenderConfig`, as in `bench_looks.py`; photo and painting come first, without a name
of their own. Programs are shared between settings. `--crop` shows a part of the results, pixel by pixel enlarged.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench_looks import Studios, parsed
from PIL import Image, ImageDraw, ImageFont

LABEL = 18  # pixels below each picture
GAP = 4


def labelled(
    image: Image.Image, label: str, height: int, resampling: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    width = round(image.width * height / image.height)
    panel = Image.new("RGB", (width, height + LABEL), "white")
    panel.paste(image.convert("RGB").resize((width, height), resampling))
    font = ImageFont.load_default(size=13)
    ImageDraw.Draw(panel).text((width / 2, height + LABEL / 2), label, "black", font, anchor="mm")
    return panel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("painting", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("settings", nargs="+")
    parser.add_argument("--height", type=int, default=240, help="of each picture in the strip, pixels")
    parser.add_argument("--crop", help="LEFT,TOP,WIDTH,HEIGHT: only this part of the results, pixels")
    args = parser.parse_args()
    studios, panels = Studios(), []
    for path, label in () if args.crop else ((args.photo, "photo"), (args.painting, "painting")):
        with Image.open(path) as image:
            panels.append(labelled(image, label, args.height))
    for setting in args.settings:
        name, options = parsed(setting)
        image = studios.get(options).render(args.photo, args.painting).image
        if args.crop:
            left, top, width, height = (int(number) for number in args.crop.split(","))
            part = image.crop((left, top, left + width, top + height))
            panels.append(labelled(part, name, args.height, Image.Resampling.NEAREST))
        else:
            panels.append(labelled(image, name, args.height))
    strip = Image.new("RGB", (sum(p.width + GAP for p in panels) - GAP, args.height + LABEL), "white")
    left = 0
    for panel in panels:
        strip.paste(panel, (left, 0))
        left += panel.width + GAP
    strip.save(args.out, quality=88, subsampling=0)


if __name__ == "__main__":
    main()
