from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from styler.batch.shapes import TOLERANCE, snapped_size
from styler.types import Size

SIDES = st.integers(64, 4096)


@given(height=SIDES, width=SIDES)
def test_a_side_moves_by_two_percent_at_most_and_the_longer_one_stays(height, width):
    snapped = snapped_size(Size(height, width))
    assert max(snapped) == max(height, width)
    for before, after in zip((height, width), snapped, strict=True):
        assert abs(after - before) <= TOLERANCE * before + 0.5
    assert snapped_size(snapped) == snapped


@given(height=SIDES, width=SIDES)
def test_turning_a_picture_turns_its_shape(height, width):
    assert snapped_size(Size(height, width)) == snapped_size(Size(width, height))[::-1]


def test_few_shapes_are_left_of_many():
    sizes = {Size(height, 512) for height in range(256, 513)}
    assert len({snapped_size(size) for size in sizes}) <= 19
