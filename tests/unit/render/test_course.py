from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from styler.errors import CheckpointError
from styler.recipe import Level
from styler.render import course as module
from styler.render.course import Course
from styler.render.loop import Progress
from styler.render.pyramid import Octave
from styler.render.snapshot import Position
from styler.render.stand import Stand
from styler.types import Size

SMALL, LARGE = Octave(size=Size(10, 10), steps=20), Octave(size=Size(10, 20), steps=10)


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def course(clock):
    return Course((SMALL, LARGE), _started=clock[0], _octave_started=clock[0])


def progress(steps, seconds_a_step):
    return Progress(None, steps, seconds_a_step)


def end(steps, evaluations, loss, reason="steps", setbacks=0):
    state, watch = SimpleNamespace(value=loss, evaluations=evaluations), SimpleNamespace(setbacks=setbacks)
    return Progress(Stand(state, watch), steps, 0.1, reason)


def test_nothing_is_told_of_the_time_before_a_call_that_did_not_compile(course):
    assert course.seconds_left(0) is None
    course.note(progress(1, 30.0))
    assert course.seconds_left(1) is None


def test_time_left_counts_pixels_of_all_octaves(course):
    course.note(progress(1, 30.0))
    course.note(progress(5, 0.5))  # 0.5 s for 100 pixels
    assert course.seconds_left(5) == pytest.approx(15 * 0.5 + 10 * 0.5 * 2)


def test_the_first_call_of_every_octave_is_left_out(course):
    course.note(progress(1, 30.0))
    course.note(progress(20, 0.5))
    course.finish_octave(end(20, 25, 0.3))
    course.note(progress(1, 99.0))
    assert course.seconds_left(1) == pytest.approx(9 * 1.0)


def test_no_time_is_left_at_the_end(course):
    course.note(progress(1, 1.0))
    course.note(progress(20, 1.0))
    course.finish_octave(end(20, 25, 0.3))
    course.note(progress(10, 1.0))
    assert course.seconds_left(10) == 0.0


def test_steps_are_counted_over_the_octaves(course):
    assert (course.octave, course.done, course.total) == (SMALL, 0, 30)
    course.finish_octave(end(20, 25, 0.3))
    assert (course.octave, course.done, course.total) == (LARGE, 20, 30)


def test_steps_that_an_octave_did_not_need_drop_out_of_the_total(course):
    course.finish_octave(end(12, 15, 0.3))
    assert (course.done, course.total) == (12, 22)


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        (("steps", "steps"), "steps"),
        (("converged", "steps"), "steps"),
        (("steps", "converged"), "converged"),
        (("line search", "steps"), "line search"),
        (("steps", "line search"), "line search"),
        (("diverged", "diverged"), "diverged"),
        (("line search", "diverged"), "line search"),
    ],
)
def test_the_reason_to_stop_is_the_last_octaves_unless_an_earlier_one_failed(course, reasons, told):
    for reason in reasons:
        course.finish_octave(end(3, 4, 0.3, reason))
    assert course.stop_reason == told
    assert [row["stop_reason"] for row in course.rows] == list(reasons)


def test_a_course_goes_on_from_a_position(course, clock):
    course.finish_octave(end(20, 25, 0.3, setbacks=2))
    clock[0] = 107.0
    at = course.position(progress(4, 1.0))
    assert Position.from_dict(at.to_dict()) == at
    other = Course((SMALL, LARGE), _started=clock[0], _octave_started=clock[0])
    other.resume(at)
    clock[0] = 110.0
    assert (other.octave, other.done, other.rows, other.setbacks) == (LARGE, 20, course.rows, 2)
    assert other.seconds == 10.0


@pytest.mark.parametrize(("octave", "made"), [(2, 0), (-1, 0), (1, 11), (0, -1)])
def test_a_position_outside_the_plan_is_refused(course, octave, made):
    at = replace(course.position(progress(0, 0.0)), octave=octave, made=made)
    with pytest.raises(CheckpointError, match="a render with 2 octaves was expected"):
        course.resume(at)


def test_a_loss_that_is_not_finite_is_told_as_none(course):
    course.finish_octave(end(3, 4, float("inf")))
    assert course.rows[0]["loss"] is None


def test_rows_tell_each_octaves_own_time(course, clock):
    clock[0] = 104.0
    course.finish_octave(end(20, 25, 0.5))
    clock[0] = 105.5
    course.finish_octave(end(10, 11, 0.25))
    ending = {"stop_reason": "steps", "setbacks": 0}
    assert course.rows == [
        {"height": 10, "width": 10, "steps": 20, "evaluations": 25, "seconds": 4.0, "loss": 0.5, **ending},
        {"height": 10, "width": 20, "steps": 10, "evaluations": 11, "seconds": 1.5, "loss": 0.25, **ending},
    ]
    assert course.seconds == 5.5


def test_octaves_so_far_are_told_as_if_the_render_ended_here(clock):
    shared = {"tile": None, "history": None}
    stages = tuple({**o.size._asdict(), "steps": o.steps, **shared} for o in (SMALL, LARGE))
    course = Course((SMALL, LARGE), stages=stages)
    assert course.levels(3) == (Level(10, 10, 3, 3),)
    course.note(progress(12, 0.5))
    course.finish_octave(end(12, 15, 0.3, "converged"))
    assert course.levels(4) == (Level(10, 10, 20, 12), Level(10, 20, 4, 4))
