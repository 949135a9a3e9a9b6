"""`styler batch` as its users start it: in a process of its own, with workers that render."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from styler.batch.ledger import FILENAME
from styler.images.recipes import read_recipe
from styler.recipe import Recipe
from support.pictures import blobs, saved, stripes

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, TESTS)))}
PROGRAM = [sys.executable, str(TESTS / "support" / "tiny_batch.py")]
GLOBS = ("batch", "--content", "in/*.png", "--style", "art/*.png", "-o", "out")
DRAFT = ("--preset", "draft", "--steps", "4", "--size", "64")


@pytest.fixture
def start(tmp_path):
    """Starts the program in the test's folder; what still runs at the end of the test is killed."""
    started = []

    def run(*words):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen([*PROGRAM, *words], env=ENVIRONMENT, cwd=tmp_path, **pipes))
        return started[-1]

    yield run
    for process in started:
        with process:
            process.kill()


@pytest.fixture
def photos(tmp_path):
    """Makes `in/` with so many photos of two shapes and `art/` with so many paintings."""

    def make(contents, styles):
        for folder in ("in", "art"):
            (tmp_path / folder).mkdir()
        for seed in range(contents):
            saved(tmp_path / "in" / f"{seed:03d}.png", blobs(48, 64 + 16 * (seed % 2), seed))
        for seed in range(styles):
            saved(tmp_path / "art" / f"s{seed}.png", stripes(70, 70, 4 + seed))

    return make


def finish(process, seconds=1200):
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def lines(folder):
    path = folder / "out" / FILENAME
    whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
    return [json.loads(line) for line in whole.splitlines()[1:]]


def wait_for(condition, process, seconds=600):
    waited = time.monotonic() + seconds
    while not condition() and process.poll() is None and time.monotonic() < waited:
        time.sleep(0.05)
    assert condition(), process.poll()


def count(folder, state):
    return Counter(line["job"] for line in lines(folder) if line["state"] == state)


@pytest.mark.slow
def test_ctrl_c_leaves_the_rest_and_the_same_command_goes_on_to_the_same_bytes(tmp_path, photos, start):
    photos(8, 1)
    words = (*GLOBS, *DRAFT, "--network", "tiny", "--workers", "1", "--threads", "1")
    process = start(*words)
    wait_for(lambda: count(tmp_path, "done"), process)
    process.send_signal(signal.SIGINT)
    status, _, err = finish(process)
    assert status == 130, err
    assert err.splitlines()[-1] == "error: interrupted"
    assert " left, " in err
    assert "starting no more; press Ctrl-C again to stop at once" in err
    assert "to continue: styler batch " in err
    done = count(tmp_path, "done")
    assert count(tmp_path, "started") == done
    assert 1 <= len(done) < 8
    assert not list((tmp_path / "out").glob(".*.partial"))

    again = tmp_path / "out" / next(iter(done))
    before = again.read_bytes()
    again.unlink()
    status, out, err = finish(start(*words))
    assert (status, out) == (0, ""), err
    assert err.splitlines()[-1].startswith(f"out: {9 - len(done)} rendered, {len(done) - 1} done before, 0 failed"), err
    assert again.read_bytes() == before
    for line in (line for line in lines(tmp_path) if line["state"] == "done"):
        picture = tmp_path / "out" / line["job"]
        assert hashlib.sha256(picture.read_bytes()).hexdigest() == line["sha256"]
        assert line["threads"] == 1
    with Image.open(tmp_path / "out" / "000-s0.png") as image:
        assert image.size == (64, 48)


@pytest.mark.slow
def test_outputs_carry_the_recipe_of_their_exact_size(tmp_path, photos, start):
    photos(1, 1)
    saved(tmp_path / "in" / "000.png", blobs(48, 64, 0))
    words = (*GLOBS, *DRAFT, "--network", "tiny", "--threads", "1", "--workers", "1", "--fast-shapes")
    assert finish(start(*words))[0] == 0
    picture = tmp_path / "out" / "000-s0.png"
    recipe = Recipe.from_text(read_recipe(picture))
    with Image.open(picture) as image:
        assert recipe.plan.size == (image.height, image.width)
        assert image.height == 49
    first, second, *_ = recipe.inputs.entries
    assert (first.role, first.item.name) == ("content", "000.png")
    assert (second.role, second.item.name, second.group) == ("style", "s0.png", 0)
    assert finish(start(*words, "--no-recipe"))[0] == 2
    assert finish(start(*words, "--no-recipe", "--overwrite"))[0] == 0
    assert b"styler_recipe" not in picture.read_bytes()


@pytest.mark.slow
def test_a_worker_that_the_system_kills_loses_no_job(tmp_path, photos, start):
    photos(4, 1)
    process = start(*GLOBS, *DRAFT, "--network", "tiny", "--workers", "1")
    wait_for(lambda: count(tmp_path, "started"), process)
    (worker,) = workers_of(process.pid)
    os.kill(worker, signal.SIGKILL)
    status, _, err = finish(process)
    assert status == 0, err
    assert err.splitlines()[-1].startswith("out: 4 rendered"), err
    assert all(
        line["error"].startswith("the worker was killed by SIGKILL") for line in lines(tmp_path) if "error" in line
    )
    assert count(tmp_path, "retrying")
    assert set(count(tmp_path, "done").values()) == {1}


def workers_of(parent):
    """Process numbers of the workers of a batch."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        fields = path.read_text("utf-8", "replace").rpartition(") ")[2].split()
        command = (path.parent / "cmdline").read_bytes()
        if int(fields[1]) == parent and b"spawn_main" in command:
            found.append(int(path.parent.name))
    return found


def poison(folder):
    """Spoil every twentieth photo, each in another way."""
    spoiled = sorted((folder / "in").glob("*.png"))[7::20]
    for index, path in enumerate(spoiled):
        whole = path.read_bytes()
        huge = whole[:16] + (2**30).to_bytes(4, "big") * 2 + whole[24:]  # width and height of a PNG
        path.write_bytes([b"", b"no image at all", whole[:8], whole[:300], huge][index % 5])
    return {path.name for path in spoiled}


@pytest.mark.slow
def test_two_hundred_jobs_with_ten_poisoned_photos_and_a_killed_driver(tmp_path, photos, start):
    photos(200, 1)
    poisoned = poison(tmp_path)
    words = (*GLOBS, *DRAFT, "--network", "tiny", "--report", "out/index.html")
    first = start(*words)
    wait_for(lambda: len(count(tmp_path, "done")) >= 90, first)
    first.kill()
    first.wait()
    in_flight = set(count(tmp_path, "started")) - set(count(tmp_path, "done"))
    assert in_flight
    status, _, err = finish(start(*words))
    assert status == 3, err
    pictures = {path.name for path in (tmp_path / "out").glob("*.png")}
    assert len(pictures) == 190
    assert pictures == set(count(tmp_path, "done"))
    assert set(count(tmp_path, "done").values()) == {1}
    assert {job for job, times in count(tmp_path, "started").items() if times > 1} <= in_flight
    latest = {line["job"]: line for line in lines(tmp_path)}
    failed = {line["content"].removeprefix("in/"): line for line in latest.values() if line["state"] == "failed"}
    assert set(failed) == poisoned
    assert len(failed) == 10
    for photo, line in failed.items():
        assert photo in line["error"]
        assert f"{line['job']} " in err
    assert "to retry: styler batch" in err
    assert not list((tmp_path / "out").glob(".*.partial"))
    assert all(job in (tmp_path / "out" / "index.html").read_text() for job in latest)
