from __future__ import annotations

from dataclasses import replace

import pytest

from styler.batch import probe
from styler.batch.grouping import ALONE, Grouping
from styler.batch.jobs import Job
from styler.batch.layout import STATISTICS, Resources
from styler.batch.local import LocalEngine
from styler.batch.plan import Task
from styler.batch.probe import _assignment, candidates, grouped, pictures_a_second, settled, typical
from styler.batch.recipe import without_shared
from styler.batch.worker import Placement
from styler.config import RenderConfig
from styler.types import Size
from support.painted import Crowded, Instant, Sociable, Studio
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
    config = RenderConfig(size=512, steps=4 * RenderConfig().steps)
    jobs = [Job(content=photo, styles=(painting,), config=config.changed(seed=seed)) for seed in range(200)]
    return [
        Task(job=job, recipe="r", size=Size(384, 512), photo=Size(48, 64), snapped=False, digests={}, reason="new")
        for job in jobs
    ]


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
    odd = Task(
        job=tasks[0].job, recipe="r", size=Size(64, 64), photo=Size(48, 64), snapped=False, digests={}, reason="new"
    )
    assert typical([odd, *tasks]).size == Size(384, 512)


def test_workers_that_hinder_each_other_are_seen_to(tasks):
    """`Crowded` takes 50 ms divided by the threads: two threads in one worker are as fast as two workers with one."""
    alone = pictures_a_second(tasks[0], LocalEngine([Placement(threads=1)], Crowded), lambda: False)
    both = pictures_a_second(tasks[0], LocalEngine([Placement(threads=1)] * 2, Crowded), lambda: False)
    wide = pictures_a_second(tasks[0], LocalEngine([Placement(threads=2)], Crowded), lambda: False)
    assert alone == pytest.approx(20, rel=0.1)
    assert both == pytest.approx(40, rel=0.1)
    assert wide == pytest.approx(40, rel=0.1)


def test_a_render_that_takes_no_time_has_a_rate(tasks):
    assert pictures_a_second(tasks[0], LocalEngine([Placement()], Instant), lambda: False) > 0


def test_a_render_that_fails_or_is_stopped_has_no_rate(tasks, tmp_path):
    job = Job(content=saved(tmp_path / "defect.png", blobs(48, 64, 0)), styles=tasks[0].job.styles)
    bad = Task(job=job, recipe="r", size=Size(48, 64), photo=Size(48, 64), snapped=False, digests={}, reason="new")
    assert pictures_a_second(bad, LocalEngine([Placement()], Studio), lambda: False) == 0
    assert pictures_a_second(bad, LocalEngine([Placement()], Studio), lambda: True) == 0


def test_what_was_measured_holds_for_one_machine_program_and_size(tasks):
    other = Task(
        job=tasks[0].job, recipe="r", size=Size(64, 64), photo=Size(48, 64), snapped=False, digests={}, reason="new"
    )
    keys = [probe.layout_key(task, workers) for task in (tasks[0], other) for workers in (1, 2)]
    assert len(set(keys)) == 4
    assert probe.layout_key(tasks[0], 1) == probe.layout_key(tasks[1], 1)


def grouping(tasks, tmp_path, rates, **changes):
    """How many pictures go together, and what was measured, when so many together have this rate."""
    measured = []

    def rate(_task, together):
        measured.append(together)
        return rates[together]

    given = {"resources": Resources(workers=2, threads=1), "entries": {}, "stop": lambda: False, **changes}
    return grouped(tasks, folder=tmp_path, rate=rate, **given).grouping, measured


@pytest.fixture
def snapped(tasks):
    return [replace(task, snapped=True) for task in tasks]


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("rates", "count", "measured"),
    [
        ({1: 4.0, 2: 4.0}, 1, [1, 2]),
        ({1: 4.0, 2: 4.1}, 1, [1, 2]),
        ({1: 4.0, 2: 5.0, 4: 5.1}, 2, [1, 2, 4]),
        ({1: 4.0, 2: 5.0, 4: 8.0, 8: 9.0}, 8, [1, 2, 4, 8]),
        ({1: 4.0, 2: 0.0}, 1, [1, 2]),
        ({1: 0.0}, 1, [1]),
    ],
)
def test_so_many_together_as_are_measured_to_be_faster(snapped, tmp_path, rates, count, measured):
    expected = Grouping(count=count, program=without_shared(snapped[0].job.config), pixels=384 * 512)
    assert grouping(snapped, tmp_path, rates) == (expected, measured)
    assert grouping(snapped, tmp_path, {}) == (expected, [])
    assert asked(snapped, tmp_path, {8: 4.0, 4: 3.0})[0] == (8, 1)  # another measurement in the same file
    assert grouping(snapped, tmp_path, {}) == (expected, [])
    other = Resources(workers=2, threads=2)
    assert grouping(snapped, tmp_path, rates, resources=other)[1] == measured


@pytest.mark.usefixtures("machine")
def test_all_are_rendered_alone_without_fast_shapes_or_a_measurement(tasks, snapped, tmp_path, monkeypatch):
    assert grouping(tasks, tmp_path, {}) == (ALONE, [])
    assert grouping(snapped[:3], tmp_path, {}) == (ALONE, [])
    assert grouping(snapped[:8], tmp_path, {}) == (ALONE, [])
    assert grouping(snapped, tmp_path, {1: 1.0, 2: 2.0, 4: 3.0, 8: 4.0}, stop=lambda: True)[0] == ALONE
    assert not (tmp_path / STATISTICS / probe.REMEMBERED).exists()
    monkeypatch.setattr("styler.batch.layout.available_memory", lambda: 2**30)
    assert grouping(snapped, tmp_path, {1: 1.0})[1] == [1]


def test_pictures_together_are_timed_by_the_picture(tasks):
    rates = [pictures_a_second(tasks[0], LocalEngine([Placement()], Sociable), lambda: False, n) for n in (2, 8)]
    assert rates == pytest.approx([33.3, 16.7], rel=0.1)


def test_together_has_no_rate_where_it_fails(tasks, tmp_path):
    job = Job(content=saved(tmp_path / "solitary.png", blobs(48, 64, 0)), styles=tasks[0].job.styles)
    task = replace(tasks[0], job=job)
    assert pictures_a_second(task, LocalEngine([Placement()], Sociable), lambda: False, 1) > 0
    assert pictures_a_second(task, LocalEngine([Placement()], Sociable), lambda: False, 2) == 0


def test_a_few_steps_of_one_octave_are_measured_or_the_one_pass_that_the_batch_makes(tasks, tmp_path):
    measured = _assignment(tasks[0], 0, tmp_path).config
    assert (measured.steps, measured.scales) == (5, 1)
    instant = RenderConfig.preset("instant", strength=0.8)
    task = replace(tasks[0], job=replace(tasks[0].job, config=instant))
    assert _assignment(task, 0, tmp_path).config == instant
