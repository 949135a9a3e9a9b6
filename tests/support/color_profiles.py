"""Color profiles made for tests, and littleCMS by way of Pillow to compare with."""

from __future__ import annotations

import functools
import io

import imagecodecs
import numpy as np
import pyvips
from PIL import Image, ImageCms

D65 = [0.3127, 0.3290, 1.0]


@functools.cache
def wide() -> bytes:
    """RGB with the primaries and nearly the curve of Adobe RGB (1998)."""
    primaries = [0.64, 0.33, 1, 0.21, 0.71, 1, 0.15, 0.06, 1]
    return imagecodecs.cms_profile("rgb", whitepoint=D65, primaries=primaries, gamma=2.19921875)


@functools.cache
def gray() -> bytes:
    return imagecodecs.cms_profile("gray", whitepoint=D65, gamma=1.8)


@functools.cache
def cmyk() -> bytes:
    """The press that libvips has built in."""
    black = pyvips.Image.black(1, 1, bands=3).copy(interpretation="srgb")
    return black.icc_transform("cmyk", input_profile="srgb").get("icc-profile-data")


@functools.cache
def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def converted(values: np.ndarray, mode: str, source: bytes, target: bytes) -> np.ndarray:
    """8 bits (H, W, C) of a profile -> 8 bits RGB of another, as Pillow does it."""
    image = Image.frombytes(mode, values.shape[1::-1], np.ascontiguousarray(values).tobytes())
    profiles = [ImageCms.ImageCmsProfile(io.BytesIO(data)) for data in (source, target)]
    return np.asarray(ImageCms.profileToProfile(image, *profiles, outputMode="RGB"))
