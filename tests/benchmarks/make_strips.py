"""Strips of one photo and painting under several settings, side by side, for the eye.

    python tests/benchmarks/make_strips.py PHOTO PAINTING OUT.jpg [--height 240] "balanced" "gram: loss=gram" …

A setting is a name and fields of `RenderConfig`, as in `bench_looks.py`; photo and painting come first, without a name
of their own. Programs are shared between settings.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench_looks import Studios, parsed
from PIL import Image, ImageDraw, ImageFont

LABEL = 18  # pixels below each picture
GAP = 4


def labelled(image: Image.Image, label: str, height: int) -> Image.Image:
    width = round(image.width * height / image.height)
    panel = Image.new("RGB", (width, height + LABEL), "white")
    panel.paste(image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))
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
    args = parser.parse_args()
    studios, panels = Studios(), []
    for path, label in ((args.photo, "photo"), (args.painting, "painting")):
        with Image.open(path) as image:
            panels.append(labelled(image, label, args.height))
    for setting in args.settings:
        name, options = parsed(setting)
        rendered = studios.get(options).render(args.photo, args.painting)
        panels.append(labelled(rendered.image, name, args.height))
    strip = Image.new("RGB", (sum(p.width + GAP for p in panels) - GAP, args.height + LABEL), "white")
    left = 0
    for panel in panels:
        strip.paste(panel, (left, 0))
        left += panel.width + GAP
    strip.save(args.out, quality=88, subsampling=0)


if __name__ == "__main__":
    main()
