import numpy as np
import pytest

from styler.config import RenderConfig
from styler.errors import CheckpointError, ConfigError
from styler.images.color import to_ycbcr
from styler.images.reading import read_image
from styler.images.resampling import resampled
from styler.render.renderer import Renderer
from styler.types import Size
from support.networks import tiny_network
from support.pictures import blobs, stripes
from support.programs import shared_engine

PHOTO, PAINTING = read_image(blobs(60, 80, 1)), read_image(stripes(90, 70))


def rendered(styles=(PAINTING,), **options):
    config = RenderConfig(**{"size": 96, "steps": 8, **options})
    events, course = [], Renderer(config, shared_engine(config, tiny_network())).render(PHOTO, list(styles))
    while True:
        try:
            events.append(next(course))
        except StopIteration as end:
            return events, end.value


def test_a_render_moves_toward_the_style():
    events, result = rendered(steps=12)
    assert result.pixels.shape == (72, 96, 3)
    assert result.pixels.dtype == np.float32
    assert events[-1].step == events[-1].total == 12
    assert result.octaves[-1]["loss"] < 0.8
    assert set(result.style_distances) == {*(f"block{b}_conv1" for b in range(1, 6)), "palette", "grain"}


def test_the_same_config_gives_the_same_pixels():
    first, second = rendered(init="noise", seed=4)[1], rendered(init="noise", seed=4)[1]
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert not np.array_equal(first.pixels, rendered(init="noise", seed=5)[1].pixels)


def test_strength_zero_is_the_resized_photo():
    events, result = rendered(strength=0.0)
    assert events == []
    np.testing.assert_array_equal(result.pixels, resampled(PHOTO.pixels, Size(72, 96)))


def test_more_strength_is_less_photo():
    photo = resampled(PHOTO.pixels, Size(72, 96))
    away = [np.abs(rendered(strength=s, steps=25)[1].pixels - photo).mean() for s in (0.1, 0.3, 0.5)]
    assert away == sorted(away)
    assert away[0] < 0.7 * away[-1]


def test_luminance_keeps_the_photos_colors():
    _, result = rendered(color="luminance")
    mine, theirs = (to_ycbcr(p)[..., 1:] for p in (result.pixels, resampled(PHOTO.pixels, Size(72, 96))))
    inside = (result.pixels > 0.02).all(-1) & (result.pixels < 0.98).all(-1)
    assert inside.mean() > 0.3
    np.testing.assert_allclose(mine[inside], theirs[inside], atol=0.01)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "adam"},
        {"loss": "gram"},
        {"pooling": "max"},
        {"init": "style"},
        {"precision": "mixed"},
        pytest.param({"compile": "xla"}, marks=pytest.mark.slow),
    ],
)
def test_every_choice_renders(options):
    _, result = rendered(**options)
    assert np.isfinite(result.pixels).all()
    assert 0 <= result.pixels.min() <= result.pixels.max() <= 1


def test_events_tell_scale_and_step_and_show_the_picture():
    events, _ = rendered(size=192, steps=9)
    assert [e.scale for e in events] == sorted(e.scale for e in events)
    assert events[-1].scale == events[-1].scales == 2
    assert events[-1].image().size == (events[-1].width, events[-1].height) == (192, 144)
    assert (
        events[0].image().size == (136, 102) or events[0].image().size == (128, 96) or events[0].image().size[0] < 192
    )
    assert events[-1].seconds_left == pytest.approx(0.0)


def test_two_styles_blend_by_their_weights():
    other = read_image(blobs(70, 70, 9))
    one = rendered([PAINTING, other], style_weights=(1.0, 0.0), steps=5)[1].pixels
    alone = rendered([PAINTING], steps=5)[1].pixels
    both = rendered([PAINTING, other], steps=5)[1].pixels
    np.testing.assert_allclose(one, alone, atol=1e-4)
    assert np.abs(both - alone).mean() > 1e-3


def test_as_many_weights_as_styles_are_needed():
    with pytest.raises(ConfigError, match="expected 1, one for each style image, got 2"):
        rendered(style_weights=(1.0, 2.0))


def test_a_photo_too_narrow_for_the_network_is_refused():
    config = RenderConfig(size=64)
    renderer = Renderer(config, shared_engine(config, tiny_network()))
    with pytest.raises(ConfigError, match="less than 32"):
        renderer.final_size(read_image(blobs(20, 200, 1)))


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_render_goes_on_from_every_event_to_the_same_pixels(optimizer):
    options = {"size": 192, "steps": 9, "optimizer": optimizer, "init": "noise"}
    events, whole = rendered(**options)
    config = RenderConfig(**options)
    for event in events:
        course = Renderer(config, shared_engine(config, tiny_network())).render(
            PHOTO, [PAINTING], snapshot=event.snapshot()
        )
        while True:
            try:
                next(course)
            except StopIteration as end:
                result = end.value
                break
        np.testing.assert_array_equal(result.pixels, whole.pixels)
        assert [row["loss"] for row in result.octaves] == [row["loss"] for row in whole.octaves]


def test_a_snapshot_of_another_size_is_refused():
    (event, *_), _ = rendered(size=96)
    config = RenderConfig(size=128, steps=8)
    course = Renderer(config, shared_engine(config, tiny_network())).render(
        PHOTO, [PAINTING], snapshot=event.snapshot()
    )
    with pytest.raises(CheckpointError, match="was expected at 112 x 144 pixels"):
        next(course)


def test_after_an_octave_that_diverged_no_more_steps_are_made(monkeypatch):
    monkeypatch.setattr("styler.optimizers.descent.MOST_SETBACKS", 0)
    _, result = rendered(size=192, steps=60, style_weight=3e38, content_weight=3e38)  # beyond what float32 can hold
    assert result.stop_reason == "diverged"
    assert [row["stop_reason"] for row in result.octaves] == ["diverged"] * len(result.octaves)
    assert result.octaves[-1]["steps"] == 0
    assert result.pixels.shape == (144, 192, 3)
    assert "best image" in result.warnings[0]
    assert np.isfinite(result.pixels).all()
