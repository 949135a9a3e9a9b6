from __future__ import annotations

import sys
from pathlib import Path

from styler.batch.events import SKIPPED, Ended, Outcome, Planned, Started
from styler.batch.jobs import Job
from styler.batch.ledger import DONE, FAILED
from styler.cli.batch_lines import BatchLines


def ended(name, state=DONE, seconds_left=None, **facts):
    job = Job(content=Path("photo.png"), styles=(Path("s.png"),), name=name)
    outcome = Outcome(job=job, state=state, path=Path(name), **facts)
    return Ended(job=job, worker=0, outcome=outcome, seconds_left=seconds_left)


def test_a_line_for_each_job_that_ends(capsys):
    lines = BatchLines()
    lines(Planned(jobs=4, todo=3))
    first = ended("a.png", seconds=4.24, seconds_left=75.0)
    lines(Started(job=first.job, worker=0))
    lines(first)
    lines(ended("b.png", SKIPPED))
    lines(Ended(job=first.job, worker=0, outcome=None, reason="out of memory"))
    lines(ended("c\n.png", FAILED, error="no image"))
    assert capsys.readouterr().err.splitlines() == [
        "batch: 4 jobs, 3 to render",
        "1/4 a.png: 4.2 s, about 01:15 left",
        "a.png: will be retried: out of memory",
        r"3/4 'c\n.png': failed: no image",
    ]


def test_nobody_has_to_read_them(monkeypatch):
    class Full:
        def write(self, text):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Full())
    BatchLines()(ended("a.png"))
