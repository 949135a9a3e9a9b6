from __future__ import annotations

import hashlib
import json
import time
from itertools import pairwise

import numpy as np
import pytest

from styler.batch.jobs import jobs_of_globs
from styler.batch.ledger import FILENAME, HEADER, read_ledger
from styler.batch.plan import grouped, make_plan
from styler.batch.recipe import SHARED
from styler.config import RenderConfig
from styler.render.engine import DECISIVE
from support.pictures import blobs, saved

SECONDS = 3.0  # of computing that a second run over a thousand finished outputs may take after start-up


@pytest.fixture(scope="module")
def thousand(tmp_path_factory):
    """Jobs of 250 photos in 4 styles, all of them done: outputs and ledger are there."""
    tmp_path = tmp_path_factory.mktemp("thousand")
    for folder in ("in", "art", "out"):
        (tmp_path / folder).mkdir()
    for seed in range(250):
        saved(tmp_path / "in" / f"{seed}.png", blobs(48, 64, seed))
    for seed in range(4):
        saved(tmp_path / "art" / f"{seed}.png", blobs(64, 64, 1000 + seed))
    globs = [str(tmp_path / "in" / "*.png")], [str(tmp_path / "art" / "*.png")]
    jobs = jobs_of_globs(*globs, config=RenderConfig(size=64))
    lines = [json.dumps(HEADER)]
    for task in make_plan(jobs, tmp_path / "out", {}).tasks:
        content = task.job.name.encode() * 20_000  # some 200 KB, as a small picture has
        (tmp_path / "out" / task.job.name).write_bytes(content)
        facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        lines.append(json.dumps({"job": task.job.name, "state": "done", "recipe": task.recipe, **facts}))
    (tmp_path / "out" / FILENAME).write_text("\n".join(lines) + "\n")
    return jobs, tmp_path / "out"


def test_a_finished_folder_of_a_thousand_outputs_is_checked_in_a_moment(thousand):
    jobs, out = thousand
    started = time.process_time()
    plan = make_plan(jobs, out, read_ledger(out))
    seconds = time.process_time() - started
    assert (len(plan.done), plan.tasks, plan.refusals) == (1000, [], [])
    assert seconds < SECONDS
    names = [job.name for job in jobs]
    (out / names[1]).unlink()
    (out / names[2]).write_bytes((out / names[2]).read_bytes()[::-1])
    plan = make_plan(jobs, out, read_ledger(out))
    assert [(task.job.name, task.reason) for task in plan.tasks] == [(name, "missing") for name in names[1:3]]


def test_every_option_either_shares_programs_or_decides_about_them():
    names = set(RenderConfig().to_dict())
    assert set(SHARED) | set(DECISIVE) == names
    assert not set(SHARED) & set(DECISIVE)


def test_neighbors_share_program_shape_and_photo(thousand):
    jobs, out = thousand
    mixed = [job for pair in zip(jobs[:8], jobs[::-1][:8], strict=True) for job in pair]
    tasks = grouped(make_plan(mixed, out / "new", {}).tasks)
    photos = [task.job.content for task in tasks]
    assert len({*photos}) == 4
    assert sum(one != other for one, other in pairwise(photos)) == 3


def test_a_mask_that_is_missing_or_does_not_fit_refuses_its_job_alone(tmp_path):
    for folder in ("in", "masks"):
        (tmp_path / folder).mkdir()
    for name in ("fits", "missing", "narrow"):
        saved(tmp_path / "in" / f"{name}.png", blobs(48, 64, 1))
    flat = np.zeros((48, 64, 3), np.float32) + np.float32([1, 0, 0])
    saved(tmp_path / "masks" / "fits.png", flat)
    saved(tmp_path / "masks" / "narrow.png", flat[:, :40])
    saved(tmp_path / "painting.png", blobs(64, 64, 2))
    config = RenderConfig(content_mask=str(tmp_path / "masks/{content}.png"), style_mask=("none",), size=64)
    globs = [str(tmp_path / "in" / "*.png")], [str(tmp_path / "painting.png")]
    plan = make_plan(jobs_of_globs(*globs, config=config), tmp_path / "out", {})
    assert [task.job.content.stem for task in plan.tasks] == ["fits"]
    errors = {refusal.job.content.stem: str(refusal.error) for refusal in plan.refusals}
    assert "No such file" in errors["missing"]
    assert "proportions of the photo, 64x48, got 40x48" in errors["narrow"]


def test_a_painting_that_is_too_small_when_cropped_refuses_its_job_alone(tmp_path):
    saved(tmp_path / "photo.png", blobs(48, 64, 1))
    for name, side in (("large", 128), ("small", 48)):
        saved(tmp_path / f"{name}.png", blobs(side, side, 2))
    config = RenderConfig(size=64, style_crop=((0.0, 0.0, 0.5, 0.5),))
    jobs = jobs_of_globs([str(tmp_path / "photo.png")], [str(tmp_path / "[ls]*.png")], config=config)
    plan = make_plan(jobs, tmp_path / "out", {})
    assert [task.job.styles[0].stem for task in plan.tasks] == ["large"]
    assert "small.png, cropped by --style-crop, has 24x24 pixels" in str(plan.refusals[0].error)
