from __future__ import annotations

import pytest

from styler.batch import probe
from styler.batch.jobs import Job
from styler.batch.layout import STATISTICS, Resources
from styler.batch.plan import Task
from styler.batch.probe import candidates, pictures_a_second, settled, typical
from styler.batch.worker import Placement
from styler.config import RenderConfig
from styler.types import Size
from support.painted import Crowded, Instant, Studio
from support.pictures import blobs, saved


@pytest.fixture
def machine(monkeypatch):
    """Eight cores, no GPU, memory for any number of workers."""
    monkeypatch.setattr("styler.batch.layout.count_cores", lambda: 8)
    monkeypatch.setattr(probe, "count_cores", lambda: 8)
    monkeypatch.setattr("styler.batch.layout.count_gpus", lambda: 0)
    monkeypatch.setattr("styler.batch.layout.available_memory", lambda: 2**40)


@pytest.fixture
def tasks(tmp_path):
    photo, painting = saved(tmp_path / "photo.png", blobs(48, 64, 0)), saved(tmp_path / "art.png", blobs(64, 64, 1))
    jobs = [Job(content=photo, styles=(painting,), config=RenderConfig(size=512, seed=seed)) for seed in range(800)]
    return [Task(job=job, recipe="r", size=Size(384, 512), snapped=False, digests={}, reason="new") for job in jobs]


def asked(tasks, tmp_path, rates, **changes):
    """What was settled on, and which layouts were measured, when each number of workers has this rate."""
    measured = []

    def rate(_task, placements):
        measured.append((len(placements), placements[0].threads))
        return rates[len(placements)]

    given = {"resources": Resources(), "entries": {}, "stop": lambda: False, **changes}
    found = settled(tasks, folder=tmp_path, rate=rate, **given)
    return (found.workers, found.threads), measured


def test_candidates_share_out_all_cores():
    assert candidates(8, 8) == [(8, 1), (4, 2), (2, 4), (1, 8)]
    assert candidates(3, 8) == [(3, 2), (1, 8)]


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("rates", "best", "measured"),
    [
        ({8: 4.0, 4: 3.0}, (8, 1), [(8, 1), (4, 2)]),
        ({8: 2.0, 4: 3.0, 2: 2.9}, (4, 2), [(8, 1), (4, 2), (2, 4)]),
        ({8: 1.0, 4: 2.0, 2: 3.0, 1: 4.0}, (1, 8), [(8, 1), (4, 2), (2, 4), (1, 8)]),
    ],
)
def test_the_fastest_layout_is_taken_and_remembered(tasks, tmp_path, rates, best, measured):
    assert asked(tasks, tmp_path, rates) == (best, measured)
    assert asked(tasks, tmp_path, {}) == (best, [])
    (tmp_path / STATISTICS / probe.REMEMBERED).write_text("rubbish")
    assert asked(tasks, tmp_path, rates) == (best, measured)


@pytest.mark.usefixtures("machine")
def test_nothing_is_measured_where_it_does_not_pay_or_is_not_asked_for(tasks, tmp_path, monkeypatch):
    assert asked(tasks[:2], tmp_path, {}) == ((None, None), [])
    for resources in (Resources(workers=2), Resources(threads=2), Resources(engine="ray")):
        assert asked(tasks, tmp_path, {}, resources=resources)[1] == []
    monkeypatch.setattr("styler.batch.layout.count_gpus", lambda: 1)
    assert asked(tasks, tmp_path, {}) == ((None, None), [])


@pytest.mark.usefixtures("machine")
def test_a_probe_that_was_interrupted_decides_nothing(tasks, tmp_path):
    assert asked(tasks, tmp_path, {8: 0.0, 4: 0.0, 2: 0.0, 1: 0.0}, stop=lambda: True)[0] == (None, None)
    assert not (tmp_path / STATISTICS / probe.REMEMBERED).exists()


def test_the_commonest_kind_of_task_is_measured(tasks):
    odd = Task(job=tasks[0].job, recipe="r", size=Size(64, 64), snapped=False, digests={}, reason="new")
    assert typical([odd, *tasks]).size == Size(384, 512)


def test_workers_that_hinder_each_other_are_seen_to(tasks):
    """`Crowded` takes 50 ms divided by the threads: two threads in one worker are as fast as two workers with one."""
    alone = pictures_a_second(tasks[0], [Placement(threads=1)], lambda: False, Crowded)
    both = pictures_a_second(tasks[0], [Placement(threads=1)] * 2, lambda: False, Crowded)
    wide = pictures_a_second(tasks[0], [Placement(threads=2)], lambda: False, Crowded)
    assert alone == pytest.approx(20, rel=0.1)
    assert both == pytest.approx(40, rel=0.1)
    assert wide == pytest.approx(40, rel=0.1)


def test_a_render_that_takes_no_time_has_a_rate(tasks):
    assert pictures_a_second(tasks[0], [Placement()], lambda: False, Instant) > 0


def test_a_render_that_fails_or_is_stopped_has_no_rate(tasks, tmp_path):
    job = Job(content=saved(tmp_path / "defect.png", blobs(48, 64, 0)), styles=tasks[0].job.styles)
    bad = Task(job=job, recipe="r", size=Size(48, 64), snapped=False, digests={}, reason="new")
    assert pictures_a_second(bad, [Placement()], lambda: False, Studio) == 0
    assert pictures_a_second(bad, [Placement()], lambda: True, Studio) == 0


def test_what_was_measured_holds_for_one_machine_program_and_size(tasks):
    other = Task(job=tasks[0].job, recipe="r", size=Size(64, 64), snapped=False, digests={}, reason="new")
    keys = [probe.layout_key(task, workers) for task in (tasks[0], other) for workers in (1, 2)]
    assert len(set(keys)) == 4
    assert probe.layout_key(tasks[0], 1) == probe.layout_key(tasks[1], 1)
