from itertools import pairwise

import pytest

from styler.errors import OutputError
from styler.progress import StepEvent
from styler.render import saver as module
from styler.render.checkpoint import read_checkpoint
from styler.render.saver import LEAST_REST, Saver
from support.checkpoints import example


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def event(seconds_left=None):
    numbers = {"scale": 1, "scales": 1, "step": 1, "total": 2, "height": 1, "width": 1, "loss": 0.5}
    return StepEvent(
        **numbers, seconds_left=seconds_left, _image=None, _picture=None, _snapshot=lambda: example().snapshot
    )


@pytest.fixture
def made(tmp_path, clock):
    """Savers, with what they said."""
    said = []

    def make(**settings):
        return Saver(tmp_path / "state", {"a": 1}, tell=said.append, **{"every": 30.0, **settings})

    make.said, make.path = said, tmp_path / "state"
    return make


def test_a_short_render_leaves_nothing(made, clock):
    saver = made()
    for second in range(100, 160, 5):
        clock[0] = second
        saver(event(seconds_left=159.0 - second))
    saver.finish()
    assert not made.path.exists()


def test_a_long_render_is_saved_at_the_first_multiple(made, clock):
    saver = made()
    for second, there in ((110, False), (129, False), (130, True)):
        clock[0] = second
        saver(event(seconds_left=31.0))
        assert made.path.exists() is there
    assert read_checkpoint(made.path).job == {"a": 1}


def test_one_that_turns_out_long_is_saved_then(made, clock):
    saver = made()
    for second, there in ((131, False), (160, False), (161, True)):
        clock[0] = second
        saver(event())
        assert made.path.exists() is there


def test_asked_for_it_is_saved_however_short(made, clock):
    saver = made(always=True, every=0.0)
    saver(event(seconds_left=0.1))
    assert made.path.exists()


def test_a_slow_disk_is_given_rest(made, clock, monkeypatch):
    times = []

    def slow(*_args, **_settings):
        times.append(clock[0])
        clock[0] += 10.0

    monkeypatch.setattr(module, "write_checkpoint", slow)
    saver = made(always=True, every=30.0)
    for _ in range(100):
        clock[0] += 10.0
        saver(event())
    assert min(b - a for a, b in pairwise(times)) >= LEAST_REST * 10.0


def test_a_full_disk_is_told_once_and_tried_again(made, clock, monkeypatch):
    real, full = module.write_checkpoint, [True]

    def write(*args, **settings):
        if full[0]:
            raise OutputError("cannot write state: No space left on device")
        real(*args, **settings)

    monkeypatch.setattr(module, "write_checkpoint", write)
    saver = made(always=True, every=0.0)
    for _ in range(3):
        saver(event())
    assert not saver.save()
    assert made.said == [
        "cannot write state: No space left on device; the render continues, and the last checkpoint stays"
    ]
    full[0] = False
    saver(event())
    assert made.path.exists()
    assert len(made.said) == 1


def test_a_foreign_file_that_comes_up_is_neither_replaced_nor_removed(made):
    saver = made(always=True, every=0.0)
    made.path.write_bytes(b"theirs")
    saver(event())
    saver.remove()
    assert made.path.read_bytes() == b"theirs"
    assert "by another program in the meantime" in made.said[0]


def test_the_end_is_saved_if_anything_was(made):
    saver = made(active=True, replace=True)
    saver.finish()  # no event yet
    assert not made.path.exists()
    saver(event())
    saver.finish()
    assert made.path.exists()
    saver.remove()
    assert not made.path.exists()


def test_nowhere_is_nowhere():
    saver = Saver(None, {}, tell=print, always=True, every=0.0)
    saver(event())
    assert not saver.save()
    saver.remove()
