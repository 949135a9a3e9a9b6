from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pytest

from styler.errors import ImageError
from styler.images.containers import boxes
from styler.images.jpegxl import Contents, contents
from styler.images.reading import check_readable, read_image
from styler.types import Size
from support.image_files import EIGHT, FLOATS, SIXTEEN

ALPHA = np.full((24, 32, 1), 128, np.uint8)
MADE = {
    "RGB": EIGHT,
    "gray": np.ascontiguousarray(EIGHT[..., 0]),
    "alpha": np.dstack([EIGHT, ALPHA]),
    "gray with alpha": np.dstack([EIGHT[..., :1], ALPHA]),
    "odd size": np.ascontiguousarray(EIGHT[:13, :29]),
}


def read(folder, data):
    (folder / "photo.jxl").write_bytes(data)
    picture = read_image(folder / "photo.jxl")
    assert check_readable(folder / "photo.jxl") == picture.size
    return picture


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("container", [False, True])
def test_8_bits_without_loss(tmp_path, name, container):
    values = MADE[name]
    picture = read(tmp_path, imagecodecs.jpegxl_encode(values, lossless=True, usecontainer=container))
    values = values[..., None] if values.ndim == 2 else values
    colors = 1 if "gray" in name else 3
    expected = np.broadcast_to(values[..., :colors], (*values.shape[:2], 3)) / np.float32(255)
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-6)
    assert (picture.alpha is None) == ("alpha" not in name)
    if picture.alpha is not None:
        np.testing.assert_allclose(picture.alpha, 128 / 255, atol=1e-6)
    assert picture.depth == 8


def test_16_bits_are_what_their_header_says(tmp_path):
    data = imagecodecs.jpegxl_encode(SIXTEEN, lossless=True)
    stated = contents(io.BytesIO(data))
    assert (stated.size, stated.bits, stated.transfer) == ((24, 32), 16, 8)  # imagecodecs calls them linear light
    light = SIXTEEN / 65535.0
    expected = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    picture = read(tmp_path, data)
    np.testing.assert_allclose(picture.pixels, expected, atol=1e-4)
    assert picture.depth == 16
    assert picture.notes == ("colors converted to sRGB (JPEG XL 1/8)",)


def test_floats(tmp_path):
    picture = read(tmp_path, imagecodecs.jpegxl_encode(FLOATS, lossless=True))
    assert picture.depth == 32


def test_lossy_is_close(tmp_path):
    assert np.abs(read(tmp_path, imagecodecs.jpegxl_encode(EIGHT, distance=0.5)).pixels - EIGHT / 255).mean() < 0.02


def test_a_container_says_the_same():
    plain, wrapped = (imagecodecs.jpegxl_encode(EIGHT, usecontainer=container) for container in (False, True))
    names = [name for name, _, _ in boxes(io.BytesIO(wrapped), 0, len(wrapped))]
    assert "jxlc" in names or "jxlp" in names
    assert contents(io.BytesIO(plain)) == contents(io.BytesIO(wrapped))


@pytest.mark.parametrize("cut", [2, 3, 12, 40, 200])
def test_what_is_cut_short_is_refused(tmp_path, cut):
    for container in (False, True):
        with pytest.raises(ImageError, match=r"photo\.jxl"):
            read(tmp_path, imagecodecs.jpegxl_encode(EIGHT, usecontainer=container)[:cut])


def header(*fields):
    """A codestream that begins with some numbers of so many bits, least significant bit first."""
    number, place = 0, 0
    for value, count in fields:
        assert 0 <= value < 1 << count
        number |= value << place
        place += count
    return b"\xff\x0a" + number.to_bytes(place // 8 + 1, "little")


SMALL = [(1, 1), (4, 5), (0, 3), (2, 5)]  # 40 x 24 pixels
WIDTHS = (120, 144, 160, 180, 213, 150, 240)  # for a height of 120, by ratio
PLAIN = [(0, 1), (0, 2)]  # whole numbers of 8 bits
WIDE = [(0, 1), (0, 1), (0, 2), (1, 2), (2, 2), (7, 4), (0, 1), (2, 2), (14, 4)]  # RGB, BT.2020 with PQ: 9 and 16


def metadata(extra_fields=((0, 1),), depth=PLAIN, channels=((0, 2),), colors=WIDE):
    """A file whose last fields are read right only if every field before them is."""
    buffers, xyb = [(0, 1)], [(0, 1)]
    fields = [*SMALL, (0, 1), *extra_fields, *depth, *buffers, *channels, *xyb, *colors]
    return contents(io.BytesIO(header(*fields)))


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        (SMALL, (40, 24)),
        *(
            ([(1, 1), (14, 5), (ratio, 3)], (120, width))
            for ratio, width in enumerate((120, 144, 160, 180, 213, 150, 240), 1)
        ),
        ([(0, 1), (0, 2), (299, 9), (0, 3), (0, 2), (511, 9)], (300, 512)),
        ([(0, 1), (1, 2), (599, 13), (0, 3), (1, 2), (8191, 13)], (600, 8192)),
        ([(0, 1), (2, 2), (9_999, 18), (0, 3), (2, 2), (19_999, 18)], (10_000, 20_000)),
        ([(0, 1), (3, 2), (299_999, 30), (0, 3), (3, 2), (1 << 29, 30)], (300_000, (1 << 29) + 1)),
        ([(0, 1), (0, 2), (300, 9), (5, 3)], (301, 535)),
    ],
)
def test_a_size_is_written_in_several_ways(fields, size):
    assert contents(io.BytesIO(header(*fields, (1, 1)))) == Contents(Size(*size), 8)


SKIPPED = {
    "nothing": [(0, 1), (0, 1), (0, 1)],
    "a size on the screen": [(1, 1), *SMALL, (0, 1), (0, 1)],
    "a preview in eights": [(0, 1), (1, 1), (1, 1), (0, 2), (0, 3), (1, 2), (0, 1)],
    "a larger preview in eights": [(0, 1), (1, 1), (1, 1), (2, 2), (9, 5), (0, 3), (3, 2), (99, 9), (0, 1)],
    "a preview": [(0, 1), (1, 1), (0, 1), (0, 2), (9, 6), (0, 3), (1, 2), (99, 8), (0, 1)],
    "a larger preview": [(0, 1), (1, 1), (0, 1), (2, 2), (9, 10), (0, 3), (3, 2), (99, 12), (0, 1)],
    "a square preview": [(0, 1), (1, 1), (0, 1), (1, 2), (9, 8), (1, 3), (0, 1)],
}
MOVING = [
    [(0, 2), (0, 2), (0, 2), (0, 1)],  # frames a second, its divisor, loops, whether frames have times
    [(1, 2), (1, 2), (1, 2), (5, 3), (1, 1)],
    [(2, 2), (99, 10), (2, 2), (99, 8), (2, 2), (5, 16), (1, 1)],
    [(3, 2), (99, 30), (3, 2), (99, 10), (3, 2), (5, 32), (1, 1)],
]


@pytest.mark.parametrize("turn", [1, 4, 5, 8])
@pytest.mark.parametrize("name", SKIPPED)
def test_what_does_not_matter_is_skipped_and_a_turned_image_is_turned(name, turn):
    found = metadata([(1, 1), (turn - 1, 3), *SKIPPED[name]])
    assert found == Contents(Size(24, 40) if turn > 4 else Size(40, 24), 8, primaries=9, transfer=16)


@pytest.mark.parametrize("film", MOVING)
def test_several_frames_are_noticed(film):
    found = metadata([(1, 1), (0, 3), (0, 1), (0, 1), (1, 1), *film])
    assert found == Contents(Size(40, 24), 8, is_moving=True, primaries=9, transfer=16)


@pytest.mark.parametrize(
    ("fields", "bits"),
    [
        *(([(0, 1), (choice, 2)], bits) for choice, bits in enumerate((8, 10, 12))),
        ([(0, 1), (3, 2), (15, 6)], 16),
        *(([(1, 1), (choice, 2), (7, 4)], bits) for choice, bits in enumerate((32, 16, 24))),
        ([(1, 1), (3, 2), (19, 6), (7, 4)], 20),
    ],
)
def test_whole_numbers_and_floats_have_their_bits(fields, bits):
    assert metadata(depth=fields) == Contents(Size(40, 24), bits, fields[0][0] == 1, primaries=9, transfer=16)


NAMELESS = [*PLAIN, (0, 2), (0, 2)]  # bits, as large as the image, no name
CHANNELS = {
    "alpha": [(1, 1)],
    "alpha in full": [(0, 1), (0, 2), *NAMELESS, (1, 1)],
    "depth": [(0, 1), (1, 2), *NAMELESS],
    "spot color": [(0, 1), (2, 2), (0, 4), *NAMELESS, *[(7, 16)] * 4],
    "filter of colors": [(0, 1), (2, 2), (3, 4), *NAMELESS, (0, 2)],
    "filter of two bits": [(0, 1), (2, 2), (3, 4), *NAMELESS, (1, 2), (2, 2)],
    "filter of four bits": [(0, 1), (2, 2), (3, 4), *NAMELESS, (2, 2), (9, 4)],
    "filter of eight bits": [(0, 1), (2, 2), (3, 4), *NAMELESS, (3, 2), (200, 8)],
    "unknown": [(0, 1), (2, 2), (13, 4), *NAMELESS],
    "reduced by 8": [(0, 1), (1, 2), *PLAIN, (1, 2), (0, 2)],
    "reduced by 16": [(0, 1), (1, 2), *PLAIN, (2, 2), (0, 2)],
    "reduced by 32": [(0, 1), (1, 2), *PLAIN, (3, 2), (4, 3), (0, 2)],
    "a short name": [(0, 1), (1, 2), *PLAIN, (0, 2), (1, 2), (5, 4), *[(97, 8)] * 5],
    "a longer name": [(0, 1), (1, 2), *PLAIN, (0, 2), (2, 2), (5, 5), *[(97, 8)] * 21],
    "a long name": [(0, 1), (1, 2), *PLAIN, (0, 2), (3, 2), (5, 10), *[(97, 8)] * 53],
}


@pytest.mark.parametrize("name", CHANNELS)
def test_further_channels_are_counted_and_only_alpha_in_front_is_alpha(name):
    first = metadata(channels=[(1, 2), *CHANNELS[name]])
    assert first == Contents(Size(40, 24), 8, extras=1, has_alpha=name.startswith("alpha"), primaries=9, transfer=16)
    behind = metadata(channels=[(2, 2), (1, 4), *CHANNELS["depth"], *CHANNELS["alpha"], *CHANNELS[name]])
    assert behind == Contents(Size(40, 24), 8, extras=3, primaries=9, transfer=16)


RGB, BY_NAME = [(0, 1), (0, 1), (0, 2)], [(0, 1), (1, 2)]  # neither all as usual nor a profile; transfer 1
POINT = [(0, 2), (5, 19), (1, 2), (5, 19)]
FAR = [(2, 2), (5, 20), (3, 2), (5, 21)]


@pytest.mark.parametrize(
    ("colors", "expected"),
    [
        ([(1, 1)], {}),
        ([(0, 1), (1, 1), (0, 2)], {"has_profile": True}),
        ([(0, 1), (1, 1), (1, 2)], {"has_profile": True, "is_gray": True}),
        ([(0, 1), (0, 1), (2, 2), (0, 4)], {}),  # XYB
        ([(0, 1), (0, 1), (1, 2), (1, 2), *BY_NAME], {"is_gray": True, "transfer": 1}),
        ([*RGB, (1, 2), (1, 2), (1, 1), (4_545_455, 24)], {"transfer": 4}),
        ([*RGB, (1, 2), (1, 2), (1, 1), (10_000_000, 24)], {"transfer": 8}),
        ([*RGB, (1, 2), (1, 2), (1, 1), (5_000_000, 24)], {"transfer": 0}),
        ([*RGB, (1, 2), (2, 2), (9, 4), *BY_NAME], {"primaries": 12, "transfer": 1}),  # Display P3
        ([*RGB, (2, 2), (9, 4), (2, 2), (9, 4), *BY_NAME], {"primaries": 11, "transfer": 1}),  # DCI-P3
        ([*RGB, (2, 2), (0, 4), *POINT, (1, 2), *BY_NAME], {"primaries": 0, "transfer": 1}),
        ([*RGB, (1, 2), (2, 2), (0, 4), *POINT, *FAR, *POINT, *BY_NAME], {"primaries": 0, "transfer": 1}),
        ([*RGB, (2, 2), (0, 4), *FAR, (2, 2), (0, 4), *POINT, *FAR, *FAR, *BY_NAME], {"primaries": 0, "transfer": 1}),
        ([*RGB, (1, 2), (1, 2), (0, 1), (3, 2), (40, 6)], {"transfer": 58}),
    ],
)
def test_colors_are_said_by_name_or_by_numbers(colors, expected):
    assert metadata(colors=colors) == Contents(Size(40, 24), 8, **expected)
