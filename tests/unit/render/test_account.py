from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from styler.errors import CheckpointError
from styler.optimizers.descent import Descent
from styler.recipe import Level
from styler.render import account as module
from styler.render.account import Account
from styler.render.octave import Pace
from styler.render.pyramid import Stage
from styler.render.snapshot import Position
from styler.types import Size

SMALL, LARGE = Stage(size=Size(10, 10), steps=20), Stage(size=Size(10, 20), steps=10)


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def account(clock):
    return Account((SMALL, LARGE), _started=clock[0], _octave_started=clock[0])


def at(made, stage=SMALL, *, evaluations=0, loss=1.0, reason="", setbacks=0):
    """Stands where an octave does."""
    state = SimpleNamespace(value=loss, evaluations=evaluations)
    descent = Descent(state, SimpleNamespace(setbacks=setbacks, best=loss))
    return SimpleNamespace(stage=stage, made=made, reason=reason, descent=descent)


def end(steps, evaluations, loss, reason="steps", setbacks=0, stage=SMALL):
    return at(steps, stage, evaluations=evaluations, loss=loss, reason=reason, setbacks=setbacks)


def test_nothing_is_told_of_the_time_before_a_call_that_did_not_compile(account):
    assert account.seconds_left(0) is None
    account.note(at(1), Pace(1, 30.0))
    assert account.seconds_left(1) is None


def test_time_left_counts_pixels_of_all_octaves(account):
    account.note(at(1), Pace(1, 30.0))
    account.note(at(5), Pace(4, 2.0))  # 0.5 s for 100 pixels
    assert account.seconds_left(5) == pytest.approx(15 * 0.5 + 10 * 0.5 * 2)


def test_the_first_call_of_every_octave_is_left_out(account):
    account.note(at(1), Pace(1, 30.0))
    account.note(at(20), Pace(19, 9.5))
    account.finish_octave(end(20, 25, 0.3))
    account.note(at(1, LARGE), Pace(1, 99.0))
    assert account.seconds_left(1) == pytest.approx(9 * 1.0)


def test_what_was_measured_long_ago_counts_less(account):
    account.note(at(1), Pace(1, 30.0))
    account.note(at(6), Pace(5, 5.0))
    account.note(at(11), Pace(5, 2 * module.HALF_LIFE))
    slow = 2 * module.HALF_LIFE / 5
    mean = (5.0 + 2 * module.HALF_LIFE) / 10
    assert mean < account.seconds_left(11) / (9 + 20) < slow


def test_no_time_is_left_at_the_end(account):
    account.note(at(1), Pace(1, 1.0))
    account.note(at(20), Pace(19, 19.0))
    account.finish_octave(end(20, 25, 0.3))
    account.note(at(10, LARGE), Pace(10, 10.0))
    assert account.seconds_left(10) == 0.0


def test_steps_are_counted_over_the_octaves(account):
    assert (account.index, account.done, account.total) == (0, 0, 30)
    account.finish_octave(end(20, 25, 0.3))
    assert (account.index, account.done, account.total) == (1, 20, 30)


def test_steps_that_an_octave_did_not_need_drop_out_of_the_total(account):
    account.finish_octave(end(12, 15, 0.3))
    assert (account.done, account.total) == (12, 22)


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
def test_the_reason_to_stop_is_the_last_octaves_unless_an_earlier_one_failed(account, reasons, told):
    for reason in reasons:
        account.finish_octave(end(3, 4, 0.3, reason))
    assert account.stop_reason == told
    assert [row["stop_reason"] for row in account.rows] == list(reasons)


def test_a_course_goes_on_from_a_position(account, clock):
    account.finish_octave(end(20, 25, 0.3, setbacks=2))
    clock[0] = 107.0
    position = account.position(at(4, LARGE))
    assert Position.from_dict(json.loads(json.dumps(position.to_dict()))) == position
    other = Account((SMALL, LARGE), _started=clock[0], _octave_started=clock[0])
    other.resume(position)
    clock[0] = 110.0
    assert (other.index, other.done, other.rows, other.setbacks) == (1, 20, account.rows, 2)
    assert other.seconds == 10.0


@pytest.mark.parametrize(("octave", "made"), [(2, 0), (-1, 0), (1, 11), (0, -1)])
def test_a_position_outside_the_plan_is_refused(account, octave, made):
    position = replace(account.position(at(0)), octave=octave, made=made)
    with pytest.raises(CheckpointError, match="2 octaves"):
        account.resume(position)


def test_a_loss_that_is_not_finite_is_told_as_none(account):
    account.finish_octave(end(3, 4, float("inf")))
    assert account.rows[0]["loss"] is None


def test_rows_tell_each_octaves_own_time(account, clock):
    clock[0] = 104.0
    account.finish_octave(end(20, 25, 0.5))
    clock[0] = 105.5
    account.finish_octave(end(10, 11, 0.25, stage=LARGE))
    ending = {"stop_reason": "steps", "setbacks": 0}
    assert account.rows == [
        {"height": 10, "width": 10, "steps": 20, "evaluations": 25, "seconds": 4.0, "loss": 0.5, **ending},
        {"height": 10, "width": 20, "steps": 10, "evaluations": 11, "seconds": 1.5, "loss": 0.25, **ending},
    ]
    assert account.seconds == 5.5


def test_octaves_so_far_are_told_as_if_the_render_ended_here(account):
    assert account.levels_after(at(3)) == (Level(10, 10, 3, 3),)
    account.finish_octave(end(12, 15, 0.3, "converged"))
    assert account.levels_after(at(4, LARGE)) == (Level(10, 10, 20, 12), Level(10, 20, 4, 4))


def test_an_octave_is_kept_with_the_tiles_that_it_came_to(account):
    account.note(at(2, replace(SMALL, tile=64)), Pace(2, 1.0))
    assert account.position(at(2)).levels == (Level(10, 10, 20, 2, 64), Level(10, 20, 10, 0))


@pytest.mark.parametrize(("made", "every", "most"), [(0, None, 20), (5, None, 15), (0, 4, 4), (5, 4, 3), (8, 4, 4)])
def test_no_call_runs_past_an_event(account, made, every, most):
    assert account.most_steps(made, every) == most


def test_events_count_the_steps_of_octaves_before(account):
    account.finish_octave(end(18, 20, 0.3))
    assert account.most_steps(3, 4) == 3


def test_the_loss_over_the_steps_is_kept_over_octaves_and_a_stop(account):
    account.note(at(5, loss=3.0), Pace(5, 1.0))
    account.note(at(5, loss=3.0), None)
    account.note(at(20, loss=2.0), Pace(15, 1.0))
    account.note(at(20, loss=float("inf")), Pace(1, 1.0))
    position = account.position(at(20, reason="steps"))
    assert position.history == ((5, 3.0), (20, 2.0))
    again = Account((SMALL, LARGE))
    again.resume(Position.from_dict(json.loads(json.dumps(position.to_dict()))))
    assert again.history == [(5, 3.0), (20, 2.0)]
