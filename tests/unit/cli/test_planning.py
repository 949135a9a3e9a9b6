from __future__ import annotations

import pytest

from styler.cli.app import run
from styler.cli.planning import duration
from styler.render import limits, planner
from styler.render.cost import Cost, Line
from support.pictures import saved, stripes

pytestmark = pytest.mark.usefixtures("folder", "tiny", "shared_programs")
WORDS = ("photo.png", "painting.png", "--network", "tiny", "--size", "512", "--steps", "30")


@pytest.fixture(autouse=True)
def costs(monkeypatch):
    """Costs that nobody has to measure, on a process that holds a little."""
    cost = Cost(memory=Line(2**26, 1500), seconds=Line(0.1, 2e-6), first=3, sweep=(1e-7, 1e-7))
    monkeypatch.setattr(planner, "probed", lambda config, kind: cost)
    monkeypatch.setattr(limits, "resident_memory", lambda: 2**29)


def test_shows_scales_memory_and_time(capsys):
    assert run(["plan", *WORDS, "--max-memory", "8G"]) == 0
    out, err = capsys.readouterr()
    assert "scale     128x96, 1" in out
    assert "scale     512x384, " in out
    assert "G allowed, measured on this machine" in out
    assert "time      " in out
    assert "in one piece" in out
    assert err == ""


def test_says_why_there_are_tiles(capsys):
    assert run(["plan", *WORDS, "--max-memory", "900M"]) == 0
    out = capsys.readouterr().out
    assert "in tiles of " in out
    assert "why       tiles of " in out


def test_too_little_memory_is_refused_with_what_would_do(capsys):
    assert run(["plan", *WORDS, "--max-memory", "100M"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: 512x384 pixels need at least ")
    assert "--max-memory" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--max-memory", "lots"),
            "--max-memory: expected a number above 0 with a unit, such as 512M or 4G, got 'lots'",
        ),
        (("--max-memory", "-1G"), "--max-memory: expected a whole number of at least 1"),
        (("--tile", "3"), "tile: expected at least"),
        (("--tile", "big"), "tile: expected auto, off or a number of pixels, got 'big'"),
        (("--time-budget", "1s"), "even one step takes"),
        (("--time-budget", "soon"), "--time-budget: expected a time, such as 90s or 10m, got 'soon'"),
        (("--size", "20000", "-o", "a.webp"), "WEBP"),
        (("--size", "65501", "-o", "a.jpg"), "JPEG supports sides of up to 65500 pixels, not 65501"),
        (("--size", "40000", "-o", "a.tif"), "at most 4 GiB, and 40000x30000 pixels may need more; choose .png"),
        (("--size", "70000", "-o", "a.jpg"), "size: expected"),
    ],
)
def test_mistakes_are_told_in_one_line(capsys, words, message):
    assert run(["plan", *WORDS, *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("words", [("--tile", "3"), ("--max-memory", "100M")])
def test_render_refuses_the_same(folder, capsys, words):
    assert run(["render", *WORDS, *words]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: "), "behind a note that the photo is enlarged"
    assert not list(folder.glob("photo-*"))


def test_a_full_disk_is_refused_before_work(folder, capsys, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000, "total": 2000})())
    assert run(["render", *WORDS]) == 2
    assert "512x384 pixels need up to 1 MiB, but only 0 MiB are free" in capsys.readouterr().err


@pytest.mark.parametrize(("seconds", "words"), [(4.4, "4 s"), (150, "2 min"), (9000, "2.5 h")])
def test_durations_have_two_digits(seconds, words):
    assert duration(seconds) == words


def test_a_dry_run_meets_the_planner_as_a_render_does(folder, capsys):
    words = ["render", *WORDS, "-o", "out.png", "--max-memory", "600M"]
    assert run([*words, "--dry-run"]) == 2
    assert "512x384 pixels need at least " in capsys.readouterr().err
    assert run(words) == 2
    assert "512x384 pixels need at least " in capsys.readouterr().err
    assert run(["render", *WORDS, "-o", "out.png", "--max-memory", "8G", "--dry-run"]) == 0
    assert "scale     512x384, " in capsys.readouterr().out
    assert not (folder / "out.png").exists()


@pytest.mark.parametrize("words", [("--device", "gpu:63"), ("--tile", "8"), ("--network", "vgg18")])
def test_a_dry_run_refuses_what_a_render_would(folder, capsys, words):
    command = ["render", "photo.png", "painting.png", "--network", "tiny", "--size", "64", "-o", "out.png", *words]
    assert run([*command, "--dry-run"]) == 2
    refused = capsys.readouterr().err
    assert run(command) == 2
    assert capsys.readouterr().err == refused


def test_a_dry_run_downloads_nothing(folder, monkeypatch, capsys):
    monkeypatch.setenv("STYLER_WEIGHTS", str(folder))
    monkeypatch.setenv("KERAS_HOME", str(folder))
    monkeypatch.setattr("styler.networks.weights.download", None)
    words = ("render", "photo.png", "painting.png", "--network", "mobilenet_v2", "--size", "64", "-o", "out.png")
    assert run([*words, "--dry-run"]) == 0
    assert "the weights of mobilenet_v2 would be downloaded" in capsys.readouterr().out


def test_a_painting_too_small_for_the_network_is_refused_before_the_work(folder, capsys):
    saved(folder / "ribbon.png", stripes(20, 300))
    for words in (("--dry-run",), ()):
        assert run(["render", "photo.png", "ribbon.png", "--network", "tiny", "-o", "out.png", *words]) == 2
        assert "ribbon.png has 300x20 pixels" in capsys.readouterr().err


def test_a_dry_run_refuses_a_photo_that_was_not_copied_whole(folder, capsys):
    cut = folder / "cut.png"
    whole = (folder / "photo.png").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    assert run(["render", "cut.png", *WORDS[1:], "--dry-run"]) == 2
    assert "cut.png" in capsys.readouterr().err
