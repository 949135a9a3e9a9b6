from __future__ import annotations

import math

import pytest

from styler.errors import ConfigError
from styler.images.sizes import (
    check_painting,
    check_scale,
    check_shape,
    enlargement,
    is_much_larger,
    no_larger,
    octaves,
    painting_size,
    result_size,
    with_longer_side,
)
from styler.types import Size


@pytest.mark.parametrize(
    ("size", "longer", "expected"),
    [
        ((300, 400), 512, (384, 512)),
        ((400, 300), 512, (512, 384)),
        ((512, 512), 64, (64, 64)),
        ((333, 1000), 100, (33, 100)),
        ((1, 10_000), 100, (1, 100)),
        ((480, 640), 640, (480, 640)),
    ],
)
def test_with_longer_side(size, longer, expected):
    assert with_longer_side(Size(*size), longer) == expected


def test_no_larger_never_enlarges():
    assert no_larger(Size(30, 40), 100) == (30, 40)
    assert no_larger(Size(300, 400), 100) == (75, 100)
    assert no_larger(Size(300, 400), 400) == (300, 400)


@pytest.mark.parametrize(
    ("longer", "smallest", "count", "expected"),
    [
        (512, 128, None, [128, 181, 256, 362, 512]),
        (512, 128, 2, [362, 512]),
        (512, 128, 1, [512]),
        (512, 128, 40, [128, 181, 256, 362, 512]),
        (127, 128, None, [127]),
        (128, 128, 3, [128]),
        (1000, 128, None, [177, 250, 354, 500, 707, 1000]),
    ],
)
def test_octaves(longer, smallest, count, expected):
    assert octaves(longer, smallest, count) == expected


@pytest.mark.parametrize(
    ("longer", "through", "count", "expected"),
    [
        (512, 256, None, [128, 181, 256, 362, 512]),
        (512, 300, None, [150, 212, 300, 392, 512]),
        (300, 290, None, [145, 205, 290, 300]),
        (512, 300, 3, [300, 392, 512]),
        (512, 512, None, [128, 181, 256, 362, 512]),
        (512, 1024, None, [128, 181, 256, 362, 512]),
        (128, 64, None, [64, 91, 128]),
    ],
)
def test_octaves_through_those_of_a_smaller_picture(longer, through, count, expected):
    assert octaves(longer, 128, count, through) == expected


@pytest.mark.parametrize(
    ("painting", "longer", "scale", "first", "last"),
    [
        ((300, 400), 512, 1.0, (192, 256), (384, 512)),
        ((300, 400), 256, 1.0, (192, 256), (192, 256)),
        ((300, 400), 128, 1.0, (96, 128), (96, 128)),
        ((60, 80), 512, 1.0, (60, 80), (120, 160)),
        ((300, 400), 512, 0.5, (96, 128), (192, 256)),
        ((60, 80), 1024, 2.0, (120, 160), (480, 640)),
    ],
)
def test_a_painting_is_enlarged_from_what_a_smaller_picture_sees(painting, longer, scale, first, last):
    assert enlargement(Size(*painting), longer, 32, scale, match=256) == (Size(*first), Size(*last))


def test_octaves_do_not_drift_from_the_root_of_two():
    sides = octaves(4096, 128)
    for index, side in enumerate(reversed(sides)):
        assert abs(side - 4096 / math.sqrt(2) ** index) <= 0.5


def test_too_thin_a_picture_is_refused():
    check_shape(Size(32, 400), 32, "the result")
    with pytest.raises(ConfigError, match=r"the result would have 400x31 pixels, .* at least 32"):
        check_shape(Size(31, 400), 32, "the result")


@pytest.mark.parametrize(
    ("painting", "longer", "expected"),
    [
        ((300, 400), 128, (96, 128)),  # as any picture
        ((60, 80), 128, (60, 80)),  # never enlarged
        ((500, 3000), 128, (32, 192)),  # thick enough for the network
        ((3000, 500), 128, (192, 32)),
        ((500, 3000), 512, (85, 512)),
        ((33, 9000), 128, (32, 8728)),
        ((32, 3200), 128, (32, 3200)),
        ((31, 3200), 128, (31, 3200)),  # refused by `check_painting`
    ],
)
def test_a_painting_is_thick_enough_at_every_octave(painting, longer, expected):
    assert painting_size(Size(*painting), longer, 32) == expected


def test_a_painting_too_small_for_the_network_is_refused_with_advice():
    check_painting(Size(32, 4000), 32, "scroll.png")
    with pytest.raises(ConfigError, match=r"scroll\.png has 4000x31 .* larger copy"):
        check_painting(Size(31, 4000), 32, "scroll.png")


@pytest.mark.parametrize(
    ("asked", "fixed", "expected"),
    [("original", None, (60, 140)), (280, None, (120, 280)), (280, Size(118, 280), (118, 280))],
)
def test_the_result_is_as_large_as_asked_unless_its_size_is_fixed(asked, fixed, expected):
    assert result_size(asked, Size(60, 140), 32, fixed) == expected


def test_a_result_too_narrow_for_the_network_is_refused():
    with pytest.raises(ConfigError, match="at least 32"):
        result_size(64, Size(20, 200), 32)


@pytest.mark.parametrize(
    ("painting", "longer", "scale", "expected"),
    [
        ((300, 400), 512, 2.0, (600, 800)),  # a small painting is enlarged from its own size
        ((1500, 2000), 512, 2.0, (768, 1024)),
        ((1500, 2000), 512, 0.5, (192, 256)),
        ((300, 400), 128, 0.1, (32, 43)),  # a coarse octave sees no less than the network needs
    ],
)
def test_a_scale_enlarges_or_shrinks_a_painting(painting, longer, scale, expected):
    assert painting_size(Size(*painting), longer, 32, scale) == expected


def test_a_scale_that_leaves_too_little_for_the_network_is_refused_with_advice():
    check_scale(Size(300, 400), 512, 32, 0.11, "wave.jpg")
    with pytest.raises(ConfigError, match=r"shrink wave\.jpg to 40x30 pixels.*at least 0\.11"):
        check_scale(Size(300, 400), 512, 32, 0.1, "wave.jpg")


@pytest.mark.parametrize(
    ("painting", "expected"),
    [((400, 400), False), ((100, 401), True), ((200, 400), False)],
)
def test_a_painting_is_much_larger_by_its_longer_side_or_by_its_pixels(painting, expected):
    assert is_much_larger(Size(*painting), Size(200, 400)) == expected


def test_a_square_painting_is_much_larger_than_a_panorama():
    assert is_much_larger(Size(400, 400), Size(100, 400))
