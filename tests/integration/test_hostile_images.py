"""Files that should not be: each is read, or refused in one line; nothing crashes, hangs or eats the memory."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import pyvips

from styler.cli.app import run
from styler.errors import ImageError
from styler.images.limits import MOST_PIXELS, pixel_limit
from styler.images.reading import check_readable, read_image
from support.hostile import hostile_files
from support.image_files import EIGHT, by_imagecodecs_png

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests" / "support" / "read_all.py"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests")))}
LONGEST = 10.0  # seconds of the processor over one file
MOST_MEMORY = 300e6  # bytes above what the idle process has
NOBODY = 65_534  # the user without rights on most systems


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return [os.fspath(path) for path in hostile_files(tmp_path_factory.mktemp("hostile"))]


def outcomes(way, paths, folder):
    """What a process of its own makes of each file; the first line is that of an honest one, for comparison."""
    honest = folder / "honest.png"
    honest.write_bytes(by_imagecodecs_png(EIGHT.repeat(9, 0).repeat(9, 1)))  # large enough for the network to be built
    words = [sys.executable, str(PROGRAM), way]
    listed = json.dumps([str(honest), *paths])
    done = subprocess.run(words, input=listed, env=ENVIRONMENT, cwd=folder, capture_output=True, text=True, timeout=900)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(paths) + 1
    return lines[0], list(zip(paths, lines[1:], strict=True))


def some_of(corpus):
    """Every third of the files that are cut short or have flipped bits, and all the others."""
    return [path for number, path in enumerate(corpus) if number % 3 == 0 or not re.search(r"-(cut|flip)\d", path)]


def check_costs(first, found):
    for path, (_, _, _, seconds, peak) in found:
        assert seconds < LONGEST, path
        assert peak - first[4] < MOST_MEMORY, path


def test_there_are_enough(corpus):
    assert len(corpus) >= 400
    assert len(set(corpus)) == len(corpus)


@pytest.mark.parametrize("chosen", [some_of, pytest.param(list, marks=pytest.mark.slow)], ids=["some", "all"])
@pytest.mark.parametrize(("way", "fine"), [("read", "read"), ("recipe", "recipe")])
def test_each_is_read_or_refused_in_one_line(corpus, tmp_path, way, fine, chosen):
    first, found = outcomes(way, chosen(corpus), tmp_path)
    check_costs(first, found)
    kinds = {fine: 0, "ImageError": 0}
    for path, (_, kind, message, _, _) in found:
        assert kind in kinds, (path, kind, message)
        assert kind == fine or message.isprintable(), (path, message)
        kinds[kind] += 1
    assert min(kinds.values()) > 100, kinds


def check_command(corpus, folder):
    first, found = outcomes("command", corpus, folder)
    check_costs(first, found)
    for path, (_, status, said, _, _) in found:
        assert status in ("0", "2"), (path, said)
        assert status == "0" or (said.startswith("error: ") and said.count("\n") == 1), (path, said)
    assert os.listdir(folder) == ["honest.png"]


def test_the_command_refuses_in_one_line(corpus, tmp_path, tiny, monkeypatch, capfd):
    """In this process, some of each kind; what they cost is measured by the slow test of all."""
    monkeypatch.chdir(tmp_path)
    for path in corpus[::80] + corpus[-30::2]:
        status = run(["render", "--dry-run", "--network", tiny, "-o", "out.png", "--", path, path])
        said = capfd.readouterr().err
        assert status in (0, 2), (path, said)
        assert status == 0 or (said.startswith("error: ") and said.count("\n") == 1), (path, said)
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_the_command_refuses_each_in_one_line(corpus, tmp_path):
    check_command(corpus, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(pixel_limit() < MOST_PIXELS, reason="too little memory is available for the largest pictures")
def test_the_largest_picture_is_read_in_little_memory(tmp_path):
    path, side = tmp_path / "large.png", math.isqrt(MOST_PIXELS)
    pyvips.Image.black(side, side, bands=3).copy(interpretation="srgb").pngsave(os.fspath(path), compression=1)
    first, [(_, (_, kind, message, _, peak))] = outcomes("read", [os.fspath(path)], tmp_path)
    assert (kind, message) == ("read", "")
    assert peak - first[4] < MOST_MEMORY


def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "secret.png"
    path.write_bytes(by_imagecodecs_png(EIGHT))
    path.chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(NOBODY)
        for read in (check_readable, read_image):
            with pytest.raises(ImageError, match=r"cannot read .*secret\.png: Permission denied"):
                read(path)
    finally:
        if root:
            os.seteuid(0)
