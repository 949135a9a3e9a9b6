from __future__ import annotations

from pathlib import Path

import pytest

from styler.batch.jobs import Job
from styler.batch.selection import selected
from styler.config import RenderConfig
from styler.errors import ConfigError

JOBS = [
    Job(content=Path(f"in/{photo}.jpg"), styles=(Path(f"{style}.jpg"),), config=RenderConfig(size=size))
    for photo in ("lake", "city")
    for style, size in (("night", 256), ("nightfall", 512), ("dots", 1024))
]


def styles(*where):
    return [job.styles[0].stem for job in selected(JOBS[:3], where=where)]


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ((), ["night", "nightfall", "dots"]),
        (("style=night*",), ["night", "nightfall"]),
        (("style!=night*",), ["dots"]),
        (("size>=512", "style=night*"), ["nightfall"]),
        (("size < 512",), ["night"]),
        (("size=512",), ["nightfall"]),
        (("strength=0.50",), ["night", "nightfall", "dots"]),
        (("strength>0.5",), []),
        (("folder=in",), ["night", "nightfall", "dots"]),
        (("name=lake-dots-*.png",), ["dots"]),
    ],
)
def test_conditions(where, left):
    assert styles(*where) == left


def test_a_seed_shuffles_always_the_same_way_and_a_limit_cuts_after_it():
    once = selected(JOBS, shuffle_seed=5)
    assert once == selected(JOBS, shuffle_seed=5) != JOBS
    assert sorted(job.name for job in once) == sorted(job.name for job in JOBS)
    assert selected(JOBS, shuffle_seed=5, limit=2) == once[:2]


@pytest.mark.parametrize("text", ["style", "sytle=x", "size>big", "=x"])
def test_conditions_that_make_no_sense(text):
    with pytest.raises(ConfigError, match="--where"):
        selected(JOBS, where=[text])
