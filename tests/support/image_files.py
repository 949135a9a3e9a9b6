"""Honest image files of every kind that styler reads, small, made in memory by writers that are not styler's."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pillow_heif
import tifffile
from PIL import Image, ImageCms

from styler.images.recipes import png_chunk
from support.pictures import blobs

HEIGHT, WIDTH = 24, 32
PIXELS = blobs(HEIGHT, WIDTH, 5)
EIGHT = np.uint8(np.rint(PIXELS * 255))
SIXTEEN = np.uint16(np.rint(PIXELS * 65535))
FLOATS = PIXELS.astype(np.float32)


def by_pillow(mode: str, name: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(EIGHT).convert(mode).save(file, name, **options)
    return file.getvalue()


def by_tifffile(values: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **{"photometric": "rgb", "metadata": None, **options})
    return file.getvalue()


def by_imagecodecs(codec: str, values: np.ndarray, **options: object) -> bytes:
    import imagecodecs

    return bytes(getattr(imagecodecs, f"{codec}_encode")(values, **options))


def by_imagecodecs_png(values: np.ndarray) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.png_encode(values))


def exif_block() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 6
    exif[0x8769] = {0x829A: (1, 125)}
    exif[0x8825] = {1: "N", 2: (48.0, 30.0, 1.5)}
    return exif.tobytes()


def heic() -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(EIGHT)).save(file)
    return file.getvalue()


def deep_heic(values: np.ndarray) -> bytes:
    """uint16 (height, width, 3) at 10 bits, without loss."""
    file, (height, width, _) = io.BytesIO(), values.shape
    image = pillow_heif.from_bytes(mode="RGB;16", size=(width, height), data=values.tobytes())
    image.save(file, quality=-1, chroma=444, matrix_coefficients=0)
    return file.getvalue()


def in_lab() -> Image.Image:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    return ImageCms.applyTransform(Image.fromarray(EIGHT), to_lab)


def lab_tiff(depth: int = 8, *, icc: bool = False) -> bytes:
    """CIELab with signed a* and b*, or ICCLab, where they stand around the middle; by littleCMS."""
    values = np.array(in_lab())
    if icc:
        values[..., 1:] ^= 128  # Pillow hands them out with sign
    if depth == 16:
        values = values.astype(np.uint16) * np.array([257, 256, 256], np.uint16)
    return by_tifffile(values, photometric="icclab" if icc else "cielab")


def moving(name: str) -> bytes:
    file = io.BytesIO()
    frames = [Image.fromarray(np.roll(EIGHT, 4 * index, 1)) for index in range(3)]
    frames[0].save(file, name, save_all=True, append_images=frames[1:])
    return file.getvalue()


def header_only_png(path: Path, width: int, height: int) -> Path:
    """A PNG that claims a size and holds no pixels."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b""))
    return path


def honest_files() -> dict[str, bytes]:
    """Name with its usual suffix -> contents."""
    alpha = np.dstack([SIXTEEN, np.linspace(0, 65535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)])
    return {
        "plain.png": by_pillow("RGB", "PNG"),
        "alpha.png": by_pillow("RGBA", "PNG", exif=exif_block()),
        "palette.png": by_pillow("P", "PNG", transparency=3),
        "deep.png": by_imagecodecs_png(SIXTEEN),
        "deep-alpha.png": by_imagecodecs_png(alpha),
        "moving.png": moving("PNG"),
        "plain.jpg": by_pillow("RGB", "JPEG", exif=exif_block()),
        "progressive.jpg": by_pillow("RGB", "JPEG", progressive=True),
        "cmyk.jpg": by_pillow("CMYK", "JPEG"),
        "gray.jpg": by_pillow("L", "JPEG"),
        "strips.tif": by_tifffile(EIGHT, rowsperstrip=5),
        "tiles-lzw.tif": by_tifffile(EIGHT, tile=(16, 16), compression="lzw"),
        "deep-deflate.tif": by_tifffile(SIXTEEN, compression="deflate", predictor=True),
        "floats.tif": by_tifffile(FLOATS),
        "big.tif": by_tifffile(SIXTEEN, bigtiff=True),
        "pages.tif": by_tifffile(np.stack([EIGHT, EIGHT[::-1]])),
        "zstd.tif": by_tifffile(SIXTEEN, compression="zstd", predictor=True, tile=(16, 16)),
        "lzma.tif": by_tifffile(EIGHT, compression="lzma", rowsperstrip=5),
        "doubles.tif": by_tifffile(FLOATS.astype(np.float64), compression="deflate"),
        "lab.tif": lab_tiff(),
        "ycbcr.tif": by_pillow("YCbCr", "TIFF"),
        "lossy.webp": by_pillow("RGB", "WEBP"),
        "lossless.webp": by_pillow("RGBA", "WEBP", lossless=True),
        "moving.webp": moving("WEBP"),
        "plain.avif": by_pillow("RGB", "AVIF"),
        "plain.heic": heic(),
        "deep.heic": deep_heic(SIXTEEN),
        "plain.gif": by_pillow("P", "GIF"),
        "moving.gif": moving("GIF"),
        "plain.bmp": by_pillow("RGB", "BMP"),
        "plain.jp2": by_pillow("RGB", "JPEG2000"),
        "deep.jp2": by_imagecodecs("jpeg2k", SIXTEEN, reversible=True),
        "plain.jxl": by_imagecodecs("jpegxl", EIGHT, lossless=True),
        "alpha.jxl": by_imagecodecs("jpegxl", np.uint8(alpha >> 8), usecontainer=True),
        "plain.ppm": by_pillow("RGB", "PPM"),
        "deep.ppm": b"P6 32 24 65535\n" + SIXTEEN.astype(">u2").tobytes(),
        "plain.tga": by_pillow("RGB", "TGA", compression="tga_rle"),
        "plain.qoi": by_imagecodecs("qoi", EIGHT),
        "plain.ico": by_pillow("RGB", "ICO", sizes=[(WIDTH, HEIGHT)]),
        "tiles-jxl.tif": by_tifffile(EIGHT, tile=(16, 16), compression="jpegxl"),
        "tiles-jpeg.tif": by_tifffile(EIGHT, tile=(16, 16), compression="jpeg"),
        "planes.tif": by_tifffile(
            np.ascontiguousarray(np.moveaxis(EIGHT, 2, 0)), planarconfig="separate", tile=(16, 16)
        ),
    }
