from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from styler.batch.grouping import ALONE, OWN, Grouping, kind_of, largest_of_many, most_that_fit
from styler.batch.jobs import Job
from styler.batch.plan import Task
from styler.batch.recipe import without_shared
from styler.config import RenderConfig
from styler.types import Size

CONFIG = RenderConfig(size=128)


SIZE = Size(96, 128)


def task(size=SIZE, snapped=True, **changes):
    job = Job(content=Path("a.png"), styles=(Path("b.png"),), config=CONFIG.changed(**changes))
    return Task(job=job, recipe="r", size=size, photo=Size(3000, 4000), snapped=snapped, digests={}, reason="new")


@pytest.mark.parametrize(
    "changes",
    [{"strength": 0.9}, {"seed": 4}, {"color": "luminance"}, {"init": "noise"}, {"tv_weight": 1.0}],
)
def test_pictures_together_may_differ_in_what_is_their_own(changes):
    assert set(changes) <= set(OWN)
    assert kind_of(task(**changes)) == kind_of(task())


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 7},
        {"scales": 1},
        {"loss": "gram"},
        {"network": "vgg19"},
        {"optimizer": "adam"},
        {"size": Size(128, 96)},
        {"content_mask": "a.png", "style_mask": ("none",)},
    ],
)
def test_pictures_of_other_programs_steps_or_shapes_are_of_another_kind(changes):
    assert kind_of(task(**changes)) not in (None, kind_of(task()))


@pytest.mark.parametrize(
    "changes", [{"snapped": False}, {"max_memory": 2**30}, {"time_budget": 60.0}, {"tile": 256}, {"strength": 0.0}]
)
def test_pictures_that_are_rendered_alone(changes):
    assert kind_of(task(**changes)) is None


def test_what_was_measured_holds_for_its_program_and_for_smaller_pictures():
    found = Grouping(count=4, program=without_shared(CONFIG), pixels=96 * 128)
    assert found.kind(task()) == kind_of(task())
    assert found.kind(task(strength=0.8)) == kind_of(task())
    assert found.kind(task(Size(64, 64))) == kind_of(task(Size(64, 64)))
    assert found.kind(task(Size(128, 128))) is None
    assert found.kind(task(optimizer="adam")) is None
    assert ALONE.kind(task()) is None


def test_the_largest_shape_that_is_frequent_enough_is_measured():
    tasks = [task()] * 4 + [task(Size(128, 128))] * 3 + [task(Size(200, 300), False)] * 9
    assert largest_of_many(tasks, 4).size == (96, 128)
    assert largest_of_many(tasks, 3).size == (128, 128)
    assert largest_of_many(tasks, 5) is None


def test_memory_holds_pictures_with_their_photos():
    photo = 24 * 3000 * 4000
    assert most_that_fit([task()], task(), 5.5 * (photo + 1000), 1000) == 5
    small = replace(task(), photo=Size(10, 10))
    assert most_that_fit([small, replace(task(), snapped=False)], small, 34_000, 1000) == 10
