"""Make a page of the controls over where, how large and in which colors a photo is painted.

python examples/gallery.py PAGE.jpg [SIZE [PRESET]]
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import styler

IMAGES = Path(__file__).parent / "images"
ROLES = ("style", "content_mask", "style_masks", "keep", "strength_map")  # arguments that are images
PANEL = 224  # pixels of the longer side of each picture on the page
LABEL = 18  # pixels
GAP = 6  # pixels


def opened(name: str) -> Image.Image:
    return Image.open(IMAGES / f"{name}.jpg").convert("RGB")


def halves(size: tuple[int, int], upper: str, lower: str, at: float) -> Image.Image:
    """A mask of two regions; the upper one ends at a fraction of the height."""
    mask = Image.new("RGB", size, lower)
    mask.paste(upper, (0, 0, size[0], round(at * size[1])))
    return mask


def spot(size: tuple[int, int], box: tuple[float, float, float, float]) -> Image.Image:
    """A white ellipse on black; the box is in fractions of width and height."""
    mask = Image.new("L", size, 0)
    left, top, right, bottom = box
    ImageDraw.Draw(mask).ellipse((left * size[0], top * size[1], right * size[0], bottom * size[1]), fill=255)
    return mask


def fade(size: tuple[int, int]) -> Image.Image:
    """Black at the left to white at the right."""
    return Image.linear_gradient("L").rotate(90).resize(size)


def controls(photo: Image.Image, horizon: float, kept: tuple[float, float, float, float]) -> list[tuple[str, dict]]:
    """A label for each control, with the arguments of a render: other paintings, images and options."""
    size = photo.size
    regions = {
        "style": [opened("swirls"), opened("dots")],
        "content_mask": halves(size, "blue", "green", horizon),
        "style_masks": [Image.new("RGB", (512, 410), "blue"), Image.new("RGB", (512, 379), "green")],
    }
    return [
        ("as it is", {}),
        ("strength 0.8", {"strength": 0.8}),
        ("style-scale 2", {"style_scale": 2}),
        ("two paintings", {"style": [opened("swirls"), opened("dots")]}),
        ("a painting for each mask", regions),
        ("keep", {"keep": spot(size, kept)}),
        ("strength-map", {"strength_map": fade(size), "strength": 0.8}),
        ("color luminance", {"color": "luminance"}),
        ("color match", {"color": "match"}),
    ]


def panel(image: Image.Image, label: str) -> Image.Image:
    made = Image.new("RGB", (PANEL, PANEL * 3 // 4 + LABEL), "white")
    small = image.convert("RGB")
    small.thumbnail((PANEL, PANEL * 3 // 4), Image.Resampling.LANCZOS)
    made.paste(small, ((PANEL - small.width) // 2, (PANEL * 3 // 4 - small.height) // 2))
    font = ImageFont.load_default(size=13)
    ImageDraw.Draw(made).text((PANEL / 2, made.height - LABEL / 2), label, "black", font, anchor="mm")
    return made


def page(rows: list[list[Image.Image]]) -> Image.Image:
    width, height = rows[0][0].size
    sheet = Image.new("RGB", (len(rows[0]) * (width + GAP) - GAP, len(rows) * (height + GAP) - GAP), "white")
    for down, row in enumerate(rows):
        for across, each in enumerate(row):
            sheet.paste(each, (across * (width + GAP), down * (height + GAP)))
    return sheet


def main(path: str, size: str = "256", preset: str = "balanced") -> None:
    usual = styler.Stylizer(styler.RenderConfig.preset(preset, size=int(size)))
    rows = []
    for name, horizon, kept in (("lake", 0.6, (0.2, 0.2, 0.65, 0.55)), ("still_life", 0.57, (0.07, 0.02, 0.45, 0.72))):
        photo = opened(name)
        panels = [panel(photo, "photo")]
        for label, given in controls(photo, horizon, kept):
            images = {role: given.pop(role) for role in list(given) if role in ROLES}
            print(f"{name}: {label}", flush=True)
            result = usual.changed(**given).render(photo, **{"style": opened("swirls"), **images})
            panels.append(panel(result.image, label))
        rows += [panels[:5], panels[5:]]
    page(rows).save(path, quality=88)


if __name__ == "__main__":
    main(*sys.argv[1:])
