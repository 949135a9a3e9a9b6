"""Pictures of equal shape in one tensor, from the command's library to the recipe in the file."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from styler.batch import batch as rooms
from styler.batch.batch import render_batch
from styler.batch.grouping import Grouping
from styler.batch.ledger import FILENAME
from styler.batch.recipe import without_shared
from styler.images.reading import read_image
from styler.images.recipes import read_recipe
from styler.recipe import Recipe
from support.pictures import blobs, saved, stripes


@pytest.mark.slow
def test_pictures_together_are_those_alone_and_say_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "art.png", stripes(70, 70, 5))
    for seed, name in enumerate("abc"):
        saved(tmp_path / f"{name}.png", blobs(48, 64, seed))
    jobs = [
        {"content": f"{name}.png", "style": "art.png", "size": 64, "steps": 4, "strength": strength, "output": name}
        for name, strength in (("a", 0.4), ("b", 0.7), ("c", 0.5))
    ]
    settings = {"workers": 1, "threads": 1, "fast_shapes": True}
    assert [outcome.state for outcome in render_batch(jobs, output="alone", **settings)] == ["done"] * 3

    def grouped(tasks, resources, *_):
        found = Grouping(count=2, program=without_shared(tasks[0].job.config), pixels=64 * 64)
        return replace(resources, grouping=found)

    monkeypatch.setattr(rooms, "grouped", grouped)
    assert [outcome.state for outcome in render_batch(jobs, output="company", **settings)] == ["done"] * 3
    told = [json.loads(line) for line in (tmp_path / "company" / FILENAME).read_text().splitlines()[1:]]
    assert {line["job"]: line["together"] for line in told if line["state"] == "done"} == {
        "a.png": 2,
        "b.png": 2,
        "c.png": 1,
    }
    assert (tmp_path / "company" / "c.png").read_bytes() == (tmp_path / "alone" / "c.png").read_bytes()
    for name, batch in (("a", 2), ("b", 2), ("c", 1)):
        assert Recipe.from_text(read_recipe(tmp_path / "company" / f"{name}.png")).plan.batch == batch
        one, other = (read_image(tmp_path / folder / f"{name}.png").pixels for folder in ("alone", "company"))
        assert np.abs(one - other).mean() < 2e-3
