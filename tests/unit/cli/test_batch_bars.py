from __future__ import annotations

from pathlib import Path

import pytest

from styler.batch.events import Ended, Planned, Started, Stepped
from styler.batch.jobs import Job
from styler.cli.batch_bars import BatchBars


def job(name):
    return Job(content=Path(f"{name}.png"), styles=(Path("s.png"),), name=name)


def begin(bars, *names):
    for name in names:
        bars(Started(job=job(name), worker=0))


def step(bars, name, step):
    bars(Stepped(job=job(name), worker=0, step=step, total=4, seconds_left=9.0))


@pytest.fixture
def bars():
    with BatchBars(visible=True) as shown:
        shown(Planned(jobs=4, todo=4))
        yield shown


def test_every_running_job_has_a_bar_of_its_own_also_in_one_tensor(bars, capsys):
    begin(bars, "a", "b")
    step(bars, "a", 1)
    step(bars, "b", 2)
    assert list(bars._parts) == ["a.png", "b.png"]
    assert sorted(bar.pos for _, bar in bars._parts.values()) == [-2, -1]
    step(bars, "a", 4)
    step(bars, "b", 4)
    begin(bars, "c")
    assert list(bars._parts) == ["c.png"]
    assert "a.png" in capsys.readouterr().err


def test_a_job_that_ended_or_will_be_tried_again_has_none(bars):
    begin(bars, "a", "b")
    bars(Ended(job=job("a"), worker=0, outcome=None, reason="memory"))
    assert list(bars._parts) == ["b.png"]
    step(bars, "a", 3)
    assert list(bars._parts) == ["b.png"]
