"""A render that the system kills for want of memory ends in the picture all the same, by smaller tiles."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support.memory_group import NoGroup, entering, memory_group
from support.pictures import blobs, saved, stripes

SUPPORT = Path(__file__).parents[1] / "support" / "tiny_styler.py"
LIMIT = 1100 * 2**20  # bytes: TensorFlow takes 600, one piece of 1448 pixels some 900 more, a tile of 512 some 150
WORDS = ["--network", "tiny", "--size", "1448", "--steps", "14", "--quiet"]


def styler(folder, *words, before=()):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SUPPORT.parents[1]), *sys.path])}
    command = [*before, sys.executable, str(SUPPORT), *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def pictures(tmp_path):
    saved(tmp_path / "photo.png", blobs(540, 724, 1))
    saved(tmp_path / "painting.png", stripes(200, 200))
    return tmp_path


@pytest.mark.slow
def test_resume_after_a_kill_for_want_of_memory_goes_on_by_tiles(pictures):
    try:
        with memory_group(LIMIT) as group:
            within = entering(group)
            lavish = ["--max-memory", "16G", "--checkpoint", "state", "--checkpoint-every", "0s"]
            killed = styler(
                pictures, "render", "photo.png", "painting.png", "-o", "a.png", *WORDS, *lavish, before=within
            )
            assert killed.returncode == -signal.SIGKILL, killed.stderr
            assert (pictures / "state").exists()
            resumed = styler(pictures, "resume", "state", "--quiet", before=within)
    except NoGroup as reason:
        pytest.skip(str(reason))
    assert resumed.returncode == 0, resumed.stderr
    words = [*WORDS, "--report", "report.json", "--max-memory", "16G"]
    whole = styler(pictures, "render", "photo.png", "painting.png", "-o", "b.png", *words)
    assert whole.returncode == 0, whole.stderr
    assert set(json.loads((pictures / "report.json").read_text())["plan"]["tiles"]) == {None}
    a, b = (np.asarray(Image.open(pictures / name), np.float32) / 255 for name in ("a.png", "b.png"))
    assert a.shape == b.shape
    assert np.abs(a - b).mean() < 0.02  # the optimizer's path parts from there on, by rounding and by its history
