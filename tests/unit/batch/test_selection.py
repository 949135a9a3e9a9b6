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
        (("name=lake-dot*.png",), ["dots"]),
    ],
)
def test_conditions(where, left):
    assert styles(*where) == left


@pytest.mark.parametrize("name", ["shoot [2024]", "two\nlines", "who is it?", "a*b"])
def test_a_name_with_signs_of_patterns_is_found(name):
    jobs = [Job(content=Path(f"{each}.jpg"), styles=(Path("s.jpg"),)) for each in (name, "other")]
    assert selected(jobs, where=[f"content={name}"]) == jobs[:1]


def test_a_seed_shuffles_always_the_same_way_and_a_limit_cuts_after_it():
    once = selected(JOBS, shuffle_seed=5)
    assert once == selected(JOBS, shuffle_seed=5) != JOBS
    assert sorted(job.name for job in once) == sorted(job.name for job in JOBS)
    assert selected(JOBS, shuffle_seed=5, limit=2) == once[:2]


@pytest.mark.parametrize("text", ["style", "sytle=x", "size>big", "=x"])
def test_conditions_that_make_no_sense(text):
    with pytest.raises(ConfigError, match="--where"):
        selected(JOBS, where=[text])
