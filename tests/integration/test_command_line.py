"""The program as its users start it: in a process of its own."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from styler.errors import WeightsError
from styler.networks.weights import find_weights
from support.programs import TERSE_WORDS
from support.refusals import REFUSALS, furnish

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, TESTS)))}
TINY = [sys.executable, str(TESTS / "support" / "tiny_styler.py")]
SMALL = ("--network", "tiny", "--size", "64")
HELP_SECONDS = 0.3  # at most, above bare Python
LIBRARIES = {"tensorflow", "keras", "scipy", "tqdm"}
HEAVY = {"import": LIBRARIES | {"PIL", "pyvips", "imagecodecs"}, "refusals": LIBRARIES, "words": LIBRARIES - {"tqdm"}}


@pytest.fixture
def start():
    """Starts the program; what still runs at the end of the test is killed."""
    started = []

    def run(*words, program=TINY):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen([*program, *words], env=ENVIRONMENT, **pipes))
        return started[-1]

    yield run
    for process in started:
        with process:
            process.kill()


def finish(process, seconds=600):
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def test_neither_words_alone_nor_refusals_load_anything_heavy(folder, start):
    """All in one process: what one command loads, the later ones show too. What refusals say is tested elsewhere."""
    furnish(folder)
    status, out, err = finish(start(program=[sys.executable, str(TESTS / "support" / "refused.py")]))
    assert (status, err) == (0, "")
    found = json.loads(out)
    for step, heavy in HEAVY.items():
        assert heavy.isdisjoint(found["loaded"][step]), step
    assert [status for status, *_ in found["told"]] == [0] * len(found["told"])
    assert [status for status, *_ in found["refused"]] == [2] * len(REFUSALS)


@pytest.mark.slow
def test_processes_write_the_same_bytes_and_constant_weights_the_same_picture(folder, start, monkeypatch):
    """The bytes depend on what is told, the picture does not: several layers have one shape and are not confused."""
    options = ("--steps", "6", "--views", "2", "--pooling", "max", "--no-progress")
    words = ("render", "photo.png", "painting.png", *SMALL, *options)
    started = []
    for name, told in (("a", "1"), ("b", "1"), ("c", "0")):
        monkeypatch.setitem(ENVIRONMENT, "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS", told)
        started.append(start(*words, "-o", f"{name}.png", "--report", f"{name}.json"))
    for status, out, err in map(finish, started):
        assert (status, out) == (0, "")
        assert err.count("\n") == 1, err
        assert "64x48" in err
    assert (folder / "a.png").read_bytes() == (folder / "b.png").read_bytes()
    told, untold = (json.loads((folder / f"{name}.json").read_text()) for name in "ac")
    for mine, other in zip(told["octaves"], untold["octaves"], strict=True):
        assert mine["loss"] == pytest.approx(other["loss"], rel=1e-3)
    pixels = [np.asarray(Image.open(folder / f"{name}.png"), np.float32) for name in "ac"]
    assert np.abs(pixels[0] - pixels[1]).mean() < 0.5


def test_ctrl_c_keeps_the_best_picture_so_far(folder, start):
    words = (
        "render",
        "photo.png",
        "painting.png",
        *SMALL,
        *TERSE_WORDS,
        "--optimizer",
        "adam",
        "--steps",
        "1000000",
        "-v",
    )
    process = start(*words, "-o", "out.jpg", "--save-every", "5")
    waited = time.monotonic() + 100
    while not list(folder.glob("out-*5.png")) and process.poll() is None and time.monotonic() < waited:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    status, out, err = finish(process)
    assert status == 130, err
    assert out == ""
    said = err.splitlines()
    assert "best so far: out-partial.png" in said[-3:]
    assert said[-1] == "error: interrupted"
    assert not (folder / "out.jpg").exists()
    assert not list(folder.glob(".*"))
    with Image.open(folder / "out-partial.png") as image:
        assert image.size == (64, 48)


@pytest.mark.slow
def test_the_embedded_network_renders(folder, start):
    try:
        find_weights("compact.npz")
    except WeightsError as absent:
        pytest.skip(str(absent))
    options = ("--size", "96", "--steps", "10", "--report", "r.json", "--no-progress")
    words = ("render", "photo.png", "painting.png", *options)
    status, _, err = finish(start(*words, "-o", "out.png", program=[sys.executable, "-m", "styler"]))
    assert status == 0, err
    assert err.count("\n") == 2, err  # the photo is enlarged, the picture is there, and nothing of TensorFlow's own
    octave = json.loads((folder / "r.json").read_text())["octaves"][-1]
    assert octave["loss"] < 0.8  # the style term of the photo itself is 1
    with Image.open(folder / "out.png") as image:
        assert image.size == (96, 72)
        assert np.asarray(image).std() > 10


def processor_seconds(*words):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], env=ENVIRONMENT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_is_quick():
    """Of several tries one is enough: another program's load does not count."""
    tries = (processor_seconds("-m", "styler", "--help") - processor_seconds("-c", "pass") for _ in range(4))
    assert any(seconds < HELP_SECONDS for seconds in tries)
