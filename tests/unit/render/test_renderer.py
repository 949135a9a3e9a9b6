from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from styler.config import TONES, RenderConfig
from styler.errors import CheckpointError, ConfigError
from styler.images.color import to_ycbcr
from styler.images.oklab import to_oklab
from styler.images.reading import read_image
from styler.images.resampling import resampled
from styler.images.sizes import with_longer_side
from styler.recipe import Change
from styler.render.device import DeviceOctave
from styler.render.renderer import Renderer
from styler.render.schedule import Schedule, unplanned
from styler.types import Size
from support.courses import course_of
from support.networks import tiny_network
from support.pictures import blobs, stripes
from support.programs import FULL, TERSE, shared_engine

PHOTO, PAINTING = read_image(blobs(60, 80, 1)), read_image(stripes(90, 70))


def rendered(styles=(PAINTING,), photo=PHOTO, **options):
    config = RenderConfig(**{"size": 96, "steps": 8, **TERSE, **options})
    renderer = Renderer(config, shared_engine(config, tiny_network()))
    events, course = [], course_of(renderer, photo, styles)
    while True:
        try:
            events.append(next(course))
        except StopIteration as end:
            return events, end.value


def test_a_render_moves_toward_the_style():
    events, result = rendered(steps=12, **FULL)
    assert result.pixels.shape == (72, 96, 3)
    assert result.pixels.dtype == np.float32
    assert events[-1].step == events[-1].total == 12
    assert result.octaves[-1]["loss"] < 0.8
    assert set(result.style_distances) == {"block1_conv1", "block3_conv1", "palette", "grain"}


def test_the_same_config_gives_the_same_pixels():
    first, second = rendered(init="noise", seed=4)[1], rendered(init="noise", seed=4)[1]
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert not np.array_equal(first.pixels, rendered(init="noise", seed=5)[1].pixels)


def test_strength_zero_is_the_resized_photo():
    renderer = Renderer(RenderConfig(strength=0, **TERSE), shared_engine(RenderConfig(**TERSE), tiny_network()))
    course = course_of(renderer, PHOTO, [PAINTING], Schedule(size=Size(72, 96), stages=()))
    with pytest.raises(StopIteration) as end:
        next(course)
    result = end.value.value
    np.testing.assert_array_equal(result.pixels, resampled(PHOTO.pixels, Size(72, 96)))


def test_more_strength_is_less_photo():
    photo = resampled(PHOTO.pixels, Size(72, 96))
    away = [np.abs(rendered(strength=s, steps=15, **FULL)[1].pixels - photo).mean() for s in (0.1, 0.3, 0.5)]
    assert away == sorted(away)
    assert away[0] < 0.75 * away[-1]


def test_a_photo_of_one_color_becomes_a_picture():
    flat = read_image(np.full((72, 96, 3), 0.5, np.float32))
    results = [rendered(photo=flat, steps=10, start_noise=noise, **FULL)[1] for noise in (0.0, 0.06)]
    deviations = [result.pixels.std(axis=(0, 1)).max() for result in results]
    assert deviations[0] < 1e-3
    assert deviations[1] > 0.02


def test_the_photo_takes_the_paintings_palette_before_the_render():
    kept, matched = (rendered(content_tone=tone, steps=1, strength=0.01)[1].pixels.mean((0, 1)) for tone in TONES)
    colors = PAINTING.pixels.mean((0, 1))
    assert np.abs(matched - colors).max() < np.abs(kept - colors).max()


@pytest.mark.parametrize(("lightness", "space"), [("oklab", to_oklab), ("luma", to_ycbcr)])
def test_luminance_keeps_the_photos_colors(lightness, space):
    _, result = rendered(color="luminance", lightness=lightness)
    mine, theirs = (space(p)[..., 1:] for p in (result.pixels, resampled(PHOTO.pixels, Size(72, 96))))
    inside = (result.pixels > 0.02).all(-1) & (result.pixels < 0.98).all(-1)
    assert inside.mean() > 0.3
    np.testing.assert_allclose(mine[inside], theirs[inside], atol=0.01)


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_result_has_the_photos_colors_on_average(when):
    red = read_image(PAINTING.pixels * np.float32([0.9, 0.3, 0.2]))
    plain = rendered([red], strength=0.9)[1]
    matched = rendered([red], color="match", color_when=when, strength=0.9)[1]
    colors = PHOTO.pixels.mean((0, 1))
    away = [np.abs(result.pixels.mean((0, 1)) - colors).max() for result in (plain, matched)]
    assert away[1] < 0.5 * away[0]


@pytest.mark.parametrize(
    "options",
    [
        {"pooling": "max", "precision": "mixed"},
        {"init": "style"},
        pytest.param({**FULL, "loss": "gram", "pooling": "max"}, marks=pytest.mark.slow),
        pytest.param({**FULL, "precision": "mixed"}, marks=pytest.mark.slow),
        pytest.param({**FULL, "compile": "xla"}, marks=pytest.mark.slow),
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
    assert events[0].image().size == (events[0].width, events[0].height) == (136, 102)
    assert events[-1].seconds_left == pytest.approx(0.0)


def test_two_styles_blend_by_their_weights():
    other = read_image(blobs(70, 70, 9))
    one = rendered([PAINTING, other], style_weights=(1.0, 0.0), steps=5)[1].pixels
    alone = rendered([PAINTING], steps=5)[1].pixels
    both = rendered([PAINTING, other], steps=5)[1].pixels
    np.testing.assert_allclose(one, alone, atol=1e-4)
    assert np.abs(both - alone).mean() > 1e-3


def test_as_many_weights_as_styles_are_needed():
    with pytest.raises(ConfigError, match=r"expected 1, .*got 2"):
        rendered(style_weights=(1.0, 2.0))


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_render_goes_on_from_every_event_to_the_same_pixels(optimizer):
    options = {"size": 192, "steps": 7, "optimizer": optimizer, "init": "noise", **TERSE}
    events, whole = rendered(**options)
    config = RenderConfig(**options)
    for event in events:
        renderer = Renderer(config, shared_engine(config, tiny_network()))
        course = course_of(renderer, PHOTO, [PAINTING], snapshot=event.snapshot())
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
    config = RenderConfig(size=128, steps=8, **TERSE)
    renderer = Renderer(config, shared_engine(config, tiny_network()))
    course = course_of(renderer, PHOTO, [PAINTING], snapshot=event.snapshot())
    with pytest.raises(CheckpointError, match=r"144x112 pixels"):
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


CHANGES = (Change(3, {"strength": 0.9}), Change(7, {"strength": 0.1, "tv_weight": 0.0}))


@pytest.mark.parametrize(("optimizer", "tile"), [("lbfgs", "off"), ("adam", 128)])
def test_options_change_on_the_way(optimizer, tile):
    """Until a change the render is the one without it; from there on it goes its own way."""
    options = {"size": 192, "steps": 9, "scales": 2, "optimizer": optimizer, "tile": tile}
    (plain, without), (changed, result) = (steered(changes, **options) for changes in ((), CHANGES))
    before = [(event.step, event.loss) for event in changed if event.step <= 3]
    assert before == [(event.step, event.loss) for event in plain if event.step <= 3]
    assert changed[-1].step == plain[-1].step == 9
    assert {3, 7} <= {event.step for event in changed}, "a call ends where a change is due"
    assert np.abs(result.pixels - without.pixels).max() > 0.01


@pytest.mark.parametrize(("tile", "steps"), [("off", (2, 3, 8)), (128, (3, 8))])
def test_a_render_with_changes_goes_on_from_any_event_to_the_same_pixels(tile, steps):
    options = {"size": 192, "steps": 9, "scales": 2, "tile": tile}
    kept = []

    def keep(event):
        if event.step in steps:
            snapshot = event.snapshot()
            arrays = {name: np.array(array) for name, array in snapshot.arrays.items()}
            kept.append(replace(snapshot, arrays=arrays))

    _, whole = steered(CHANGES, heard=keep, **options)
    assert len(kept) == len(steps)
    for snapshot in kept:
        _, resumed = steered(CHANGES, snapshot, **options)
        np.testing.assert_array_equal(resumed.pixels, whole.pixels)


def under_way(changes, snapshot=None, **options):
    config = RenderConfig(**TERSE, **options)
    renderer = Renderer(config, shared_engine(config, tiny_network()))
    size = with_longer_side(PHOTO.size, config.size)
    schedule = replace(unplanned(config, size), changes=changes)
    return course_of(renderer, PHOTO, [PAINTING], schedule, snapshot=snapshot, event_every=1)


def steered(changes, snapshot=None, heard=lambda event: None, **options):
    events, course = [], under_way(changes, snapshot, **options)
    while True:
        try:
            events.append(next(course))
            heard(events[-1])
        except StopIteration as end:
            return events, end.value


def test_a_change_holds_after_an_octave_has_gone_on_by_tiles(monkeypatch):
    """The device runs out of memory after the change; the rest by tiles aims at what the change asks for."""
    options = {"size": 96, "steps": 12, "scales": 1}
    _, whole = steered(CHANGES[:1], **options)
    _, plain = steered((), **options)
    advance = DeviceOctave.advance

    def exhausted(octave, most):
        if octave.made >= 6:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return advance(octave, most)

    monkeypatch.setattr(DeviceOctave, "advance", exhausted)
    _, split = steered(CHANGES[:1], **options)
    assert split.levels[-1].tile is not None
    away = np.abs(split.pixels - whole.pixels).mean()
    assert away < 0.1 * np.abs(plain.pixels - whole.pixels).mean()
