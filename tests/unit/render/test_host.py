"""A render by tiles is the render in one piece."""

from __future__ import annotations

import functools
import math
import time
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from styler.config import RenderConfig
from styler.errors import CheckpointError
from styler.images.reading import read_image
from styler.images.sizes import with_longer_side
from styler.memory import resident_memory, trim
from styler.render.margin import padded_size
from styler.render.memory_watch import EVERY, NEAR, MemoryWatch
from styler.render.renderer import Renderer
from styler.render.schedule import unplanned
from styler.render.start import INSIDE
from styler.types import Size
from support.courses import course_of
from support.networks import tiny_network
from support.pictures import blobs, stripes
from support.programs import FULL, TERSE, shared_engine
from support.tile_borders import at_borders

PHOTO, PAINTING = read_image(blobs(120, 160, 1)), read_image(stripes(90, 70))


def course(plan=None, snapshot=None, on_tile=None, **options):
    config = RenderConfig(**{"size": 192, "steps": 6, "scales": 2, **TERSE, **options})
    renderer = Renderer(config, shared_engine(config, tiny_network()))
    return course_of(renderer, PHOTO, [PAINTING], plan or planned(config), snapshot=snapshot, on_tile=on_tile)


def planned(config, tile=None, folder=None, budget=None):
    """The config's own octaves, all by tiles of one size if one is given."""
    plan = unplanned(config, with_longer_side(PHOTO.size, config.size))
    stages = tuple(replace(s, tile=tile or s.tile, folder=folder, history=9) for s in plan.stages)
    return replace(plan, stages=stages, budget=budget)


def finished(under_way):
    events = []
    while True:
        try:
            events.append(next(under_way))
        except StopIteration as end:
            return events, end.value


CONFIG = RenderConfig(size=192, steps=6, scales=2, **TERSE)
ONE_OCTAVE = {"size": 128, "scales": 1}  # of a few tiles, where a second octave would show nothing more


@functools.cache
def whole_course(**options):
    """Events and result of a render without an interruption."""
    tile = options.pop("tile", 64)
    return finished(course(planned(CONFIG.changed(**options), tile), **options))


def whole_of(optimizer="lbfgs", tile=64, **options):
    """The result to compare with."""
    return whole_course(optimizer=optimizer, tile=tile, **options)[1]


def course_of_one_octave(tile, budget=None, **others):
    return course(planned(CONFIG.changed(**ONE_OCTAVE), tile, budget=budget), **ONE_OCTAVE, **others)


@pytest.mark.parametrize(
    ("optimizer", "terms"),
    [
        ("adam", FULL),
        ("lbfgs", {}),
        pytest.param("adam", {}, marks=pytest.mark.slow),
        pytest.param("lbfgs", FULL, marks=pytest.mark.slow),
    ],
)
def test_the_same_picture_as_in_one_piece(optimizer, terms):
    chosen = {"optimizer": optimizer, **terms}
    _, whole = whole_course(**chosen, tile=None)
    events, tiled = whole_course(**chosen, tile=64)
    assert events[-1].step == 6
    assert np.abs(tiled.pixels - whole.pixels).mean() < 1e-2, "paths part slowly, by rounding"
    for mine, theirs in zip(tiled.octaves, whole.octaves, strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=0.03)
    assert [row["steps"] for row in tiled.octaves] == [row["steps"] for row in whole.octaves]


def test_events_show_the_picture_under_way():
    events, tiled = whole_course(optimizer="lbfgs", tile=64)
    assert events[-1].image().size == tiled.pixels.shape[1::-1]


def test_coarse_octaves_that_fit_one_tile_stay_in_one_piece():
    events, tiled = finished(course(tile=160))
    assert events[0].width + 16 <= 160 < 192
    assert np.isfinite(tiled.pixels).all()


def test_mapped_arrays_give_the_same_bytes(tmp_path):
    _, mapped = finished(course(planned(CONFIG.changed(**ONE_OCTAVE), 64, tmp_path), **ONE_OCTAVE))
    np.testing.assert_array_equal(mapped.pixels, whole_of(**ONE_OCTAVE).pixels)
    buffers = mapped.memory["buffers"]
    assert buffers["gradient"] == {"bytes": 12 * 112 * 144, "mapped": True}
    assert buffers["moves"]["bytes"] == 6 * buffers["iterate"]["bytes"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("optimizer", "stop"), [pytest.param("lbfgs", 2, marks=pytest.mark.slow), ("lbfgs", 5), ("adam", 2)]
)
def test_resumed_is_uninterrupted_to_the_byte(optimizer, stop):
    whole, under_way = whole_of(optimizer), course(tile=64, optimizer=optimizer)
    event = next(event for event in under_way if event.step == stop)
    kept = event.snapshot()
    arrays = {name: np.array(array) for name, array in kept.arrays.items()}
    _, resumed = finished(course(tile=64, optimizer=optimizer, snapshot=replace(kept, arrays=arrays)))
    np.testing.assert_array_equal(resumed.pixels, whole.pixels)


@pytest.mark.parametrize(
    ("optimizer", "tiles"), [pytest.param("lbfgs", 1, marks=pytest.mark.slow), ("adam", 2), ("lbfgs", 4)]
)
def test_a_step_broken_off_after_any_tile_counts_for_nothing(optimizer, tiles):
    """What the last event shows and keeps is still that of its own step, and the rest can be made up for."""
    whole, seen, end = whole_of(optimizer), [], [math.inf]

    def told(done, count):
        seen.append((done, count))
        if len(seen) == end[0]:
            raise KeyboardInterrupt

    under_way = course(tile=64, optimizer=optimizer, on_tile=told)
    event = next(event for event in under_way if event.step == 5)
    picture, end[0] = event.picture().pixels.copy(), len(seen) + tiles
    with pytest.raises(KeyboardInterrupt):
        next(under_way)
    np.testing.assert_array_equal(event.picture().pixels, picture)
    _, resumed = finished(course(tile=64, optimizer=optimizer, snapshot=event.snapshot()))
    np.testing.assert_array_equal(resumed.pixels, whole.pixels)
    assert resumed.octaves[-1]["evaluations"] == whole.octaves[-1]["evaluations"]


def test_an_event_of_the_past_has_no_snapshot():
    under_way = course_of_one_octave(64)
    event = next(under_way)
    next(under_way)
    next(under_way)
    assert event.snapshot() is None


def test_a_snapshot_of_another_render_is_refused():
    kept = next(course(tile=64, optimizer="adam")).snapshot()
    with pytest.raises(CheckpointError, match=r"this optimizer"):
        next(course(tile=64, snapshot=kept))


@pytest.mark.parametrize(("optimizer", "tile"), [("adam", None), ("lbfgs", 128)])
def test_going_on_by_smaller_tiles_gives_the_same_picture(optimizer, tile):
    """As after a kill for want of memory: to 1e-4 while rounding has had a few steps to grow in."""
    config = CONFIG.changed(optimizer=optimizer)
    whole = whole_of(optimizer, tile)
    under_way = course(planned(config, tile), optimizer=optimizer)
    kept = next(event for event in under_way if event.step >= 5).snapshot()
    assert kept.position.octave == 1
    assert kept.position.made >= 2
    smaller = planned(config, tile)
    smaller = replace(smaller, stages=(smaller.stages[0], replace(smaller.stages[1], tile=64)))
    _, resumed = finished(course(smaller, kept, optimizer=optimizer))
    assert np.abs(resumed.pixels - whole.pixels).mean() < 1e-4
    assert [row["evaluations"] for row in resumed.octaves] == [row["evaluations"] for row in whole.octaves]


def exhausted_once(real, after):
    """A function of which one call fails as on a device without memory."""
    calls = []

    def failing(*args, **options):
        calls.append(1)
        if len(calls) == after:
            raise tf.errors.ResourceExhaustedError(None, None, "injected")
        return real(*args, **options)

    return failing


def assert_goes_on_by_smaller_tiles(under_way):
    events, result = finished(under_way)
    assert events[-1].step == 6
    assert any("ran out of memory" in said for said in result.memory["events"])
    assert np.abs(result.pixels - whole_of(tile=128, **ONE_OCTAVE).pixels).mean() < 1e-2


@pytest.mark.parametrize("after", [pytest.param(2, marks=pytest.mark.slow), 8])
def test_tiles_shrink_when_the_device_runs_out_of_memory_at_a_tile(after):
    told = exhausted_once(lambda done, count: None, after)
    assert_goes_on_by_smaller_tiles(course_of_one_octave(128, on_tile=told))


def test_tiles_shrink_when_the_device_runs_out_of_memory_at_the_photo(monkeypatch):
    tiling = shared_engine(CONFIG, tiny_network()).tiling
    monkeypatch.setattr(tiling, "observe", exhausted_once(tiling.observe, 1))
    assert_goes_on_by_smaller_tiles(course_of_one_octave(128))


@pytest.mark.parametrize("after", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_one_piece_goes_on_by_tiles_when_the_device_runs_out_of_memory(monkeypatch, after):
    engine = shared_engine(CONFIG, tiny_network())
    monkeypatch.setattr(engine.program, "advance", exhausted_once(engine.program.advance, after))
    events, result = finished(course(planned(CONFIG)))
    assert events[-1].step == 6
    assert [row["steps"] for row in result.octaves] == [3, 3]
    assert "the device ran out of memory" in result.memory["events"][0]
    assert "continues in tiles" in result.memory["events"][1]
    assert np.abs(result.pixels - whole_of(tile=None).pixels).mean() < 2e-3


@pytest.mark.parametrize("tile", [None, 128])
def test_the_watcher_shrinks_near_the_budget(monkeypatch, tile):
    monkeypatch.setattr("styler.render.memory_watch.resident_memory", lambda: 0)
    monkeypatch.setattr(MemoryWatch, "alarmed", lambda self, seen=[0, 1]: bool(seen and seen.pop(0)))
    events, result = finished(course_of_one_octave(tile, budget=1000))
    assert events[-1].step == 6
    assert result.memory["events"]
    assert np.isfinite(result.pixels).all()


def test_the_watcher_sees_memory_that_is_really_taken():
    """Nothing is replaced here: ballast fills what is left of the budget."""
    trim()
    plan = planned(CONFIG, 128, budget=int((resident_memory() + 2**27) / NEAR))
    under_way, ballast = course(plan), []
    while True:
        try:
            event = next(under_way)
        except StopIteration as end:
            said = end.value.memory["events"]
            break
        if event.step == 3:  # the end of the first octave
            ballast.append(np.ones(2**26))
            time.sleep(6 * EVERY)
    assert event.step == 6
    assert said == ["memory use came near the budget: tiles of 64 pixels instead of 128"]


def test_no_seam_shows_in_the_picture():
    """Tiled less untiled is no larger at tile borders than elsewhere."""
    config, size = RenderConfig(size=224, steps=2, scales=1, **TERSE), Size(168, 224)
    renderer = Renderer(config, shared_engine(config, tiny_network()))

    def pixels(tile):
        plan = unplanned(config.changed(tile=tile), size)
        return finished(course_of(renderer, PHOTO, [PAINTING], plan))[1].pixels.astype(np.float64)

    error = (pixels(48) - pixels("off")) ** 2
    borders = at_borders(renderer.engine.tiling.view, padded_size(size), 48)[INSIDE, INSIDE]
    assert 0.05 < borders.mean() < 0.5
    rounding = 1e-4**2  # sums over tiles are taken in another order; a fortieth of a level of 8 bits
    assert 0 < error[borders].mean() <= max(1.5 * error[~borders].mean(), rounding)
    assert error.mean() < 2e-3**2, "a halo that is one stride too narrow gives 1e-2"


@pytest.mark.slow
def test_adam_that_goes_astray_is_set_back_by_tiles_too():
    result = finished(course(tile=64, optimizer="adam", learning_rate=0.9, steps=40))[1]
    whole = finished(course(tile="off", optimizer="adam", learning_rate=0.9, steps=40))[1]
    assert result.setbacks == whole.setbacks
    assert np.isfinite(result.pixels).all()
