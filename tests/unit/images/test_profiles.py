from __future__ import annotations

import numpy as np
import pytest

from styler.images.profiles import ProfileError, can_be_kept, from_srgb, model_of, srgb_profile, to_srgb
from support import color_profiles as made

STEP = 1 / 255


@pytest.fixture
def bytes_of(rng):
    return lambda channels: rng.integers(0, 256, (40, 50, channels), dtype=np.uint8)


@pytest.mark.parametrize(
    ("model", "mode", "profile"), [("rgb", "RGB", made.wide), ("gray", "L", made.gray), ("cmyk", "CMYK", made.cmyk)]
)
def test_8_bits_agree_with_littlecms_through_pillow(bytes_of, model, mode, profile):
    values = bytes_of(len(mode))
    expected = made.converted(values, mode, profile(), made.srgb()) / 255
    np.testing.assert_allclose(to_srgb(values, profile(), model), expected, atol=STEP)


def test_16_bits_of_rgb_agree_with_littlecms_through_pillow(bytes_of):
    values = bytes_of(3)
    expected = made.converted(values, "RGB", made.wide(), made.srgb()) / 255
    np.testing.assert_allclose(to_srgb(values.astype(np.uint16) * 257, made.wide(), "rgb"), expected, atol=STEP)


def test_the_way_back_agrees_with_littlecms_through_pillow(bytes_of):
    values = bytes_of(3)
    expected = made.converted(values, "RGB", made.srgb(), made.wide())  # rounded to 8 bits, so this is too
    found = np.rint(from_srgb(np.float32(values / 255), made.wide()) * 255)
    assert np.abs(found - expected).max() <= 1


def test_there_and_back_at_16_bits_loses_less_than_8_bits_hold(rng):
    pixels = rng.random((60, 60, 3), np.float32)
    deep = np.uint16(np.rint(from_srgb(pixels, made.wide()) * 65535))
    np.testing.assert_allclose(to_srgb(deep, made.wide(), "rgb"), pixels, atol=STEP / 10)


def test_16_bits_keep_their_levels():
    ramp = np.repeat(np.arange(0, 65536, 4, dtype=np.uint16)[:, None, None], 3, -1)
    for values in (to_srgb(ramp, made.wide(), "rgb"), from_srgb(ramp / np.float32(65535), made.wide())):
        assert len(np.unique(np.rint(values[..., 1] * 65535))) > 0.9 * len(ramp)


def test_srgb_itself_changes_nothing(bytes_of):
    values = bytes_of(3)
    np.testing.assert_array_equal(np.rint(to_srgb(values, srgb_profile(), "rgb") * 255), values)
    deep = values.astype(np.uint16) * 257
    np.testing.assert_allclose(to_srgb(deep, srgb_profile(), "rgb"), deep / 65535, atol=2e-5)


@pytest.mark.parametrize(
    ("profile", "model", "kept"),
    [
        (made.wide(), "rgb", True),
        (made.srgb(), "rgb", True),
        (made.gray(), "gray", False),
        (made.cmyk(), "cmyk", False),
        (b"", None, False),
        (b"no profile" * 40, None, False),
        (made.wide()[:200], "rgb", False),
    ],
)
def test_only_a_whole_rgb_profile_can_be_kept(profile, model, kept):
    assert model_of(profile) == model
    assert can_be_kept(profile) is kept


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("profile", [b"", made.gray(), made.cmyk(), made.wide()[:200], made.wide()[:-300]])
def test_a_profile_that_does_not_fit_is_an_error(profile, dtype):
    with pytest.raises(ProfileError):
        to_srgb(np.zeros((4, 4, 3), dtype), profile, "rgb")


def test_a_profile_that_gives_other_colors_back_is_not_kept(monkeypatch):
    """As one whose tables for writing are empty or for another space (XYB in a photo, for example)."""
    assert can_be_kept(made.wide()) is True
    other = bytearray(made.wide())
    other[80:84] = b"none"  # the creator: another profile to the cache
    monkeypatch.setattr("styler.images.profiles.from_srgb", lambda pixels, _icc: pixels[..., ::-1])
    assert can_be_kept(bytes(other)) is False
