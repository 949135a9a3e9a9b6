import pytest

from styler.config import RenderConfig
from styler.render.pyramid import octaves_of, plan_octaves
from styler.types import Size


def test_octaves_rise_by_the_root_of_two_to_the_final_size():
    octaves = plan_octaves(Size(384, 512), 200, None)
    assert [octave.size for octave in octaves] == [
        Size(96, 128), Size(136, 181), Size(192, 256), Size(272, 362), Size(384, 512)
    ]  # fmt: skip


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 60, 200, 601])
@pytest.mark.parametrize("count", [None, 1, 3, 40])
def test_steps_are_all_spent_and_every_octave_has_one(steps, count):
    octaves = plan_octaves(Size(512, 400), steps, count)
    assert sum(octave.steps for octave in octaves) == steps
    assert all(octave.steps >= 1 for octave in octaves)
    assert octaves[-1].size == Size(512, 400)
    assert len(octaves) <= (count or 5)


def test_steps_fall_as_the_side_grows():
    octaves = plan_octaves(Size(512, 512), 240, None)
    work = [octave.steps * octave.size.width for octave in octaves]
    assert work == pytest.approx([work[0]] * 5, rel=0.06)


def test_a_render_begins_with_the_octaves_of_the_one_that_it_matches():
    small = octaves_of(RenderConfig(size=192), Size(144, 192), 60)
    large = octaves_of(RenderConfig(size=512, style_match=192), Size(384, 512), 60)
    assert [octave.size for octave in large[: len(small)]] == [octave.size for octave in small]
    assert [max(octave.size) for octave in large[len(small) :]] == [266, 369, 512]
    assert sum(octave.steps for octave in large) == 60
    assert all(octave.steps <= 2 for octave in large[len(small) :])


def test_a_picture_below_the_smallest_octave_has_one():
    assert len(plan_octaves(Size(80, 100), 50, None)) == 1
