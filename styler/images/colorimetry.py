"""Colors that a file describes by numbers, not by a profile: gAMA, cHRM and cICP in PNG, nclx in AVIF and HEIC."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from styler.images.mapped import bands
from styler.images.picture import Pixels

Primaries: TypeAlias = tuple[tuple[float, float], ...]
"""Chromaticities (x, y) of red, green, blue and white."""

Curve: TypeAlias = Callable[[Pixels], Pixels]

D65 = (0.3127, 0.3290)

# ITU-T H.273 (07/2024), table 2
PRIMARIES: dict[int, Primaries] = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65),
    5: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
}
SRGB = PRIMARIES[1]
UNSPECIFIED = 2  # H.273 tables 2 and 3

# H.273, table 3
SRGB_LIKE = {1, 2, 6, 13, 14, 15}  # the sRGB curve, and camera curves that are displayed as sRGB
POWERS = {4: 2.2, 5: 2.8, 8: 1.0}
HIGH_RANGE = {16: "PQ", 18: "HLG"}

SRGB_GAMMA = 45_455  # gAMA value of sRGB files, PNG (third edition) section 11.3.2.5
UNIT = 100_000  # gAMA and cHRM store 1 as this number
NEAR = 500  # tolerance of a gAMA value: 45,000 and 45,455 both mean sRGB

# Bradford's cone response (Lam 1985), as in ICC.1:2022 annex E
BRADFORD = np.array(
    [
        [0.8951, 0.2664, -0.1614],
        [-0.7502, 1.7135, 0.0367],
        [0.0389, -0.0685, 1.0296],
    ]
)

# Adobe RGB (1998) Color Image Encoding, version 2005-05, sections 4.2.1 and 4.3.1.2
ADOBE_PRIMARIES: Primaries = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060), D65)
ADOBE_GAMMA = 563 / 256


class ColorError(ValueError):
    """The colors are not sRGB and cannot be converted to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colorimetry:
    """The meaning of the color values in a file.

    Attributes:
        primaries: Chromaticities of red, green, blue and white.
        curve: Function from values in 0..1 to linear light in 0..1; None for the sRGB curve.
        said: Description for the notes.
    """

    primaries: Primaries
    curve: Curve | None
    said: str


def by_code(
    primaries: int,
    transfer: int,
    source: str,
) -> Colorimetry | None:
    """Return the colorimetry for code points of ITU-T H.273; None for sRGB.

    Args:
        primaries: Code of the primaries.
        transfer: Code of the transfer function.
        source: What contains the codes, for messages and notes.

    Raises:
        ColorError: The image has a high dynamic range, or a code is unknown.
    """
    if transfer in HIGH_RANGE:
        message = (
            f"expected an image of standard dynamic range, got {HIGH_RANGE[transfer]} ({source}); "
            "export it as SDR, for instance with sRGB or Display P3 colors"
        )
        raise ColorError(message)
    curve = _curve(transfer, source)
    chosen = SRGB if primaries == UNSPECIFIED else PRIMARIES.get(primaries)
    if chosen is None:
        message = f"{source} names unknown primaries {primaries}; save the image with an ICC profile or as sRGB"
        raise ColorError(message)
    if chosen == SRGB and curve is None:
        return None
    return Colorimetry(
        primaries=chosen,
        curve=curve,
        said=f"{source} {primaries}/{transfer}",
    )


def by_png_chunks(chunks: dict[str, bytes], *, has_profile: bool) -> Colorimetry | None:
    """Return the colorimetry that the chunks of a PNG describe; None for sRGB or if a profile takes precedence.

    The precedence is that of PNG (third edition): cICP, iCCP, sRGB, then gAMA and cHRM.

    Raises:
        ColorError: cICP describes colors that cannot be converted.
    """
    cicp = chunks.get("cICP", b"")
    if len(cicp) == 4:
        primaries, transfer, _, full_range = cicp
        if not full_range:
            message = "expected full-range colors, got the narrow range of video (cICP); save the image as full range"
            raise ColorError(message)
        return by_code(primaries, transfer, "cICP")
    if has_profile or "sRGB" in chunks:
        return None
    gama = chunks.get("gAMA", b"")
    if len(gama) != 4:
        return None
    (gamma,) = struct.unpack(">I", gama)
    if gamma == 0:
        return None
    stated = _stated_primaries(chunks.get("cHRM", b""))
    has_srgb_gamma = abs(gamma - SRGB_GAMMA) < NEAR
    if has_srgb_gamma and _is_srgb(stated):
        return None
    return Colorimetry(
        primaries=stated,
        curve=_power(UNIT / gamma),
        said=f"gAMA {gamma / UNIT:g}",
    )


def adobe_rgb() -> Colorimetry:
    """Return the colorimetry of a photo from a camera that was set to Adobe RGB and embedded no profile."""
    return Colorimetry(
        primaries=ADOBE_PRIMARIES,
        curve=_power(ADOBE_GAMMA),
        said="Adobe RGB, according to EXIF",
    )


def to_srgb(pixels: Pixels, colorimetry: Colorimetry) -> Pixels:
    """Convert pixels of shape (height, width, 3), 0..1, to sRGB in place; colors outside sRGB are clipped."""
    to_xyz = _to_xyz(colorimetry.primaries)
    from_xyz = np.linalg.inv(_to_xyz(SRGB))
    matrix = (from_xyz @ to_xyz).T.astype(np.float32)
    decode = colorimetry.curve or srgb_to_light
    for rows in bands(pixels):
        light = decode(pixels[rows]) @ matrix
        np.clip(light, 0.0, 1.0, out=light)
        pixels[rows] = light_to_srgb(light)
    return pixels


def srgb_to_light(values: Pixels) -> Pixels:
    """Convert sRGB-encoded values in 0..1 to linear light in 0..1 (IEC 61966-2-1)."""
    linear_part = values / 12.92
    power_part = ((values + 0.055) / 1.055) ** 2.4
    light = np.where(values <= 0.04045, linear_part, power_part)
    return light.astype(np.float32, copy=False)


def light_to_srgb(light: Pixels) -> Pixels:
    """Invert `srgb_to_light`."""
    linear_part = light * 12.92
    power_part = 1.055 * light ** (1 / 2.4) - 0.055
    values = np.where(light <= 0.0031308, linear_part, power_part)
    return values.astype(np.float32, copy=False)


def _curve(transfer: int, source: str) -> Curve | None:
    """Return the curve for a transfer code of H.273; None for the sRGB curve."""
    if transfer in SRGB_LIKE:
        return None
    if transfer not in POWERS:
        message = f"{source} names an unknown transfer {transfer}; save the image with an ICC profile or as sRGB"
        raise ColorError(message)
    return _power(POWERS[transfer])


def _power(exponent: float) -> Curve:
    return lambda values: np.power(values, np.float32(exponent))


def _stated_primaries(data: bytes) -> Primaries:
    """Return the primaries in a cHRM chunk; those of sRGB if the chunk is missing or makes no sense."""
    if len(data) != 32:
        return SRGB
    numbers = [value / UNIT for value in struct.unpack(">8I", data)]
    xs = numbers[::2]
    ys = numbers[1::2]
    white, red, green, blue = zip(xs, ys, strict=True)
    triangle = [(x, y, 1.0) for x, y in (red, green, blue)]
    double_area = abs(np.linalg.det(triangle))
    if min(ys) <= 0 or double_area < 1e-3:
        return SRGB
    return red, green, blue, white


def _is_srgb(primaries: Primaries) -> bool:
    return bool(np.allclose(primaries, SRGB, atol=1e-3))  # cHRM has five digits, but files round to three


def _to_xyz(primaries: Primaries) -> np.ndarray:
    """Return the matrix from linear RGB to XYZ, adapted to D65 (derivation by Lindbloom, adaptation by Bradford)."""
    colors = [(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]
    columns = np.array(colors).T
    rgb = columns[:, :3]
    white = columns[:, 3]
    brightness = np.linalg.solve(rgb, white)
    x, y = D65
    d65 = np.array([x / y, 1.0, (1 - (x + y)) / y])
    cone_gains = BRADFORD @ d65 / (BRADFORD @ white)
    adaptation = np.linalg.inv(BRADFORD) @ np.diag(cone_gains) @ BRADFORD
    return adaptation @ (rgb * brightness)
