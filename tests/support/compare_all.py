"""Read the image files of one folder and compare each with independent readers; one JSON line a file.

`python tests/support/compare_all.py FOLDER` with `tests` and the checkout in PYTHONPATH. A crash of a decoder kills
this process and not the tests. Lines are [path, kind, outcome, reader or reason, notes]; outcomes are

- `same`: an independent reader sees the same, but for rounding and chroma filters;
- `noted`: it differs, or nobody else reads it, and a note says what was done;
- `alone`: nobody else here reads it, and nothing is noted;
- `refused`: refused in one line, as by every other reader;
- `large`: more pixels than are compared here;
- `named`: refused by what it is, in one line, though another reader reads something of it;
- `loss`: it differs and nothing is noted;
- any other word: the class of an error that should not be.
"""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from PIL import Image, ImageCms, ImageOps

from styler.errors import ImageError
from styler.images.reading import check_readable, read_image
from styler.images.signatures import HEAD, kind_of, name_of

MOST_PIXELS = int(os.environ.get("STYLER_PUBLIC_PIXELS", "40_000_000"))  # of a file; larger ones are passed over
MEAN, FAR, SHARE = 0.02, 0.12, 0.01  # of a channel: on average; what counts as far; how many may be far
CODECS = {
    "png": imagecodecs.png_decode,
    "jpeg": imagecodecs.jpeg8_decode,
    "webp": imagecodecs.webp_decode,
    "avif": imagecodecs.avif_decode,
    "heic": imagecodecs.heif_decode,
    "jp2": imagecodecs.jpeg2k_decode,
    "jxl": imagecodecs.jpegxl_decode,
    "gif": imagecodecs.gif_decode,
    "qoi": imagecodecs.qoi_decode,
}
Seen = tuple[np.ndarray, np.ndarray | None]


def by_pillow(path: Path) -> Seen:
    """Upright, its profile converted to sRGB, floats 0..1, and alpha."""
    with Image.open(path) as opened:
        opened.load()
        image = ImageOps.exif_transpose(opened)
        icc = opened.info.get("icc_profile")
    alpha = None
    if image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA"))[..., 3] / 255.0
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image, np.float64) / (1.0 if image.mode == "F" else 65535.0)
        return np.repeat(values[..., None], 3, -1), alpha
    if image.mode == "LAB":
        lab, srgb = (ImageCms.createProfile(name) for name in ("LAB", "sRGB"))
        return np.asarray(ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")) / 255.0, alpha
    if icc:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            plain = image.convert("RGB") if image.mode not in ("RGB", "L", "CMYK") else image
            srgb = ImageCms.createProfile("sRGB")
            return np.asarray(ImageCms.profileToProfile(plain, profile, srgb, outputMode="RGB")) / 255.0, alpha
        except ImageCms.PyCMSError:
            pass
    return np.asarray(image.convert("RGBA").convert("RGB")) / 255.0, alpha


def as_seen(values: np.ndarray) -> Seen:
    """Stored channels as gray or RGB over the range of their type."""
    values = values[..., None] if values.ndim == 2 else values
    if values.ndim == 4:
        values = values[0]
    full = {"f": 1.0, "b": 1.0}.get(values.dtype.kind) or float(np.iinfo(values.dtype).max)
    scaled = values.astype(np.float64) / full
    colors = 1 if scaled.shape[2] < 3 else 3
    alpha = scaled[..., colors] if scaled.shape[2] > colors else None
    return np.broadcast_to(scaled[..., :colors], (*scaled.shape[:2], 3)), alpha


def by_tifffile(path: Path) -> Iterator[Seen]:
    """Every page of an image that has no turn, as stored."""
    with tifffile.TiffFile(path) as file:
        for page in [*file.pages[:4], *(inner for outer in file.pages[:2] for inner in outer.pages or ())]:
            values = page.asarray()
            if page.planarconfig == 2 and values.ndim == 3:
                values = np.moveaxis(values, 0, 2)
            if page.photometric in (8, 9):  # CIELab
                continue
            if page.colormap is not None:
                values = np.moveaxis(page.colormap[:, values], 0, 2)
            elif values.dtype.kind in "bu":
                values = values / (2.0**page.bitspersample - 1)
            yield as_seen(1.0 - values if page.photometric == 0 else values)


def references(path: Path, kind: str) -> Iterator[tuple[str, Seen]]:
    readers = {"Pillow": lambda: [by_pillow(path)]}
    if kind in CODECS:
        readers["imagecodecs"] = lambda: [as_seen(CODECS[kind](path.read_bytes()))]
    if kind == "tiff":
        readers["tifffile"] = lambda: by_tifffile(path)
    if kind in ("heic", "avif"):
        readers["pillow-heif"] = lambda: [as_seen(np.asarray(pillow_heif.open_heif(path, convert_hdr_to_8bit=True)))]
    for name, read in readers.items():
        try:
            for seen in read():
                yield name, seen
        except Exception:  # readers raise errors of every class over damaged files
            continue


def is_same(pixels: np.ndarray, alpha: np.ndarray | None, other: Seen) -> bool:
    """Whether two readings agree where something is to be seen."""
    there, other_alpha = other
    if pixels.shape != there.shape:
        return False
    opacity = np.ones(pixels.shape[:2]) if alpha is None else alpha
    other_opacity = np.ones(pixels.shape[:2]) if other_alpha is None else other_alpha
    if np.abs(opacity - other_opacity).mean() > MEAN:
        return False
    away = np.abs(pixels - there)[opacity > 0.02]
    return away.size == 0 or bool(away.mean() <= MEAN and (away > FAR).mean() <= SHARE)


def compared(path: Path) -> tuple[str, str, str, str]:
    """(kind, outcome, reader or reason, notes)."""
    head = path.read_bytes()[:HEAD]
    kind = kind_of(head) or "other"
    try:
        size = check_readable(path, max_pixels=MOST_PIXELS)
        picture = read_image(path, max_pixels=MOST_PIXELS)
    except ImageError as error:
        message = str(error)
        if "more than the limit of" in message:
            return kind, "large", message, ""
        if "\n" in message or not message.isprintable():
            return kind, "LongMessage", message, ""
        if name_of(head) or kind == "other":
            return kind, "named", message, ""
        others = {name for name, _ in references(path, kind)}
        return kind, "named" if others else "refused", message, ", ".join(sorted(others))
    except Exception as error:
        return kind, type(error).__name__, str(error), ""
    notes = "; ".join(picture.notes)
    if picture.size != size:
        return kind, "loss", f"{size} in the header, {picture.size} in the picture", notes
    names = []
    for name, seen in references(path, kind):
        names.append(name)
        if is_same(picture.pixels, picture.alpha, seen):
            return kind, "same", name, notes
    if notes:
        return kind, "noted", ", ".join(names), notes
    return kind, "loss" if names else "alone", ", ".join(sorted(set(names))), notes


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None
    pillow_heif.register_heif_opener()
    folder = Path(sys.argv[1])
    for path in sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size):
        print(json.dumps([path.relative_to(folder).as_posix(), *compared(path)]), flush=True)
