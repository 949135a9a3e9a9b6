"""`styler resume` in this process, on a small network of random weights."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace

import pytest
from PIL import Image

from styler.cli import work
from styler.cli.app import run
from styler.cli.interrupt import SOON
from styler.cli.progress_lines import ProgressLines
from styler.errors import OutputError
from styler.render.checkpoint import read_checkpoint, write_checkpoint
from styler.render.saver import Saver
from support.programs import TERSE, TERSE_WORDS

SMALL = (
    *("--network", "tiny", "--size", "192", "--steps", "12", "--init", "noise", "--save-every", "3"),
    *TERSE_WORDS,
)
WORDS = ("render", "photo.png", "painting.png", *SMALL, "--checkpoint", "state", "--checkpoint-every", "0s")
LEFT = ["out-03.png", "out-06.png", "out-09.png"]
pytestmark = pytest.mark.usefixtures("folder", "tiny", "shared_programs")


class Killed(BaseException):
    """In place of a process that is killed: nothing between here and the test takes note of it."""


@pytest.fixture
def stopped(monkeypatch):
    """Runs a render up to an event, at which it is killed or gets a signal."""

    def stop(at, *words, number=None):
        real, events = Saver.__call__, []

        def call(saver, event):
            real(saver, event)
            events.append(event)
            if len(events) == at:
                if number is None:
                    raise Killed
                signal.raise_signal(number)

        with monkeypatch.context() as patch:
            patch.setattr(Saver, "__call__", call)
            try:
                return run([*WORDS, *words])
            except Killed:
                return None

    return stop


@pytest.fixture(scope="module")
def pictures():
    """Bytes of uninterrupted renders by their words."""
    return {}


@pytest.fixture
def whole(pictures, folder):
    def render(*words):
        if words not in pictures:
            assert run([*WORDS, *words, "-o", "whole.png", "--checkpoint", "off"]) == 0
            pictures[words] = (folder / "whole.png").read_bytes()
            for path in folder.glob("whole*"):
                path.unlink()
        return pictures[words]

    return render


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name not in ("photo.png", "painting.png"))


def assert_replayed(folder):
    assert run(["replay", "out.png"]) == 0
    assert (folder / "out-replay.png").read_bytes() == (folder / "out.png").read_bytes()


ADAM, LUMINANCE = ("--optimizer", "adam"), ("--color", "luminance")


@pytest.mark.parametrize(
    ("at", "words"),
    [(4, ()), (2, ADAM), (5, LUMINANCE), *(pytest.param(at, (), marks=pytest.mark.slow) for at in (1, 6))],
)
def test_a_killed_render_is_resumed_to_the_same_bytes(folder, stopped, whole, words, at, capsys):
    assert stopped(at, *words, "-o", "out.png") is None
    assert "state" in names(folder)
    assert run(["resume", "state"]) == 0
    assert (folder / "out.png").read_bytes() == whole(*words)
    assert not {"state", "out-partial.png"} & set(names(folder))
    capsys.readouterr()
    assert run(["resume", "out.png"]) == 2
    assert "out.png is a finished picture" in capsys.readouterr().err
    if words == ADAM:  # replayed here, where its program is traced already
        assert_replayed(folder)


@pytest.mark.parametrize("words", [(), pytest.param(("--tile", "64"), marks=pytest.mark.slow)], ids=["piece", "tiles"])
def test_a_killed_render_with_masks_is_resumed_with_them(folder, stopped, whole, words, capsys):
    mask = Image.new("RGB", (80, 60), (255, 0, 0))
    mask.paste((0, 0, 255), (40, 0, 80, 60))
    mask.save("mask.png")
    mask.resize((70, 90)).save("own.png")
    mask.convert("L").point(lambda value: 255 * (value > 50)).save("keep.png")
    masks = ("--content-mask", "mask.png", "--style-mask", "own.png", "--keep", "keep.png")
    assert stopped(3, *words, *masks, "-o", "out.png") is None
    kept = (folder / "keep.png").read_bytes()
    mask.save("keep.png")
    capsys.readouterr()
    assert run(["resume", "state"]) == 2
    assert "keep.png has changed since the checkpoint was made" in capsys.readouterr().err
    (folder / "keep.png").write_bytes(kept)
    assert run(["resume", "state"]) == 0
    assert (folder / "out.png").read_bytes() == whole(*words, *masks)


def test_it_can_be_killed_again_and_resumed_from_another_folder(folder, stopped, whole, tmp_path_factory, monkeypatch):
    expected, write = whole(), work.write_picture

    def killed_at_the_end(picture, path, **settings):
        if path.name == "out.png":
            raise Killed
        return write(picture, path, **settings)

    stopped(2, "-o", "out.png", "--report", "r.json")
    before = read_checkpoint(folder / "state").snapshot.position
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with monkeypatch.context() as patch:
        patch.setattr(work, "write_picture", killed_at_the_end)
        with pytest.raises(Killed):
            run(["resume", str(folder / "state")])
    assert read_checkpoint(folder / "state").snapshot.position.seconds > before.seconds
    assert run(["resume", str(folder / "state")]) == 0
    assert (folder / "out.png").read_bytes() == expected
    report = json.loads((folder / "r.json").read_text())
    assert [row["stop_reason"] for row in report["octaves"]] == ["steps", "steps"]
    assert sum(row["steps"] for row in report["octaves"]) == 12


def test_killed_between_the_output_and_the_end_it_finds_its_own_picture(folder, whole, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(Saver, "remove", lambda saver: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            run([*WORDS, "-o", "out.png"])
    written = (folder / "out.png").stat().st_mtime_ns
    assert run(["resume", "state"]) == 0
    assert (folder / "out.png").read_bytes() == whole()
    assert (folder / "out.png").stat().st_mtime_ns == written
    assert "state" not in names(folder)


def test_another_file_of_that_name_stays(folder, stopped, monkeypatch, capsys):
    stopped(3, "-o", "out.png")
    (folder / "out.png").write_bytes(b"theirs")
    capsys.readouterr()
    assert run(["resume", "state"]) == 2
    assert capsys.readouterr().err.endswith("out.png already exists; choose another --output or pass --overwrite\n")
    assert (folder / "out.png").read_bytes() == b"theirs"
    assert run(["resume", "state", "--overwrite"]) == 0
    assert (folder / "out.png").read_bytes() != b"theirs"


def test_also_when_all_steps_are_made(folder, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(work, "write_picture", lambda *_args, **_settings: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            run([*WORDS, "-o", "out.png"])
    (folder / "out.png").write_bytes(b"theirs")
    assert run(["resume", "state"]) == 2
    assert "already exists" in capsys.readouterr().err
    assert (folder / "out.png").read_bytes() == b"theirs"


def test_a_signal_leaves_the_best_picture_and_a_checkpoint(folder, stopped, whole, capsys):
    (folder / "out-partial.png").write_bytes(b"mine")
    assert stopped(4, "-o", "out.png", number=signal.SIGTERM) == 130
    err = capsys.readouterr().err
    assert [line for line in err.splitlines() if line != SOON] == [
        "note: the photo is enlarged to 192x144",
        "best so far: out-partial-2.png",
        "checkpoint: state; continue with: styler resume state",
        "error: interrupted",
    ]
    assert (folder / "out-partial.png").read_bytes() == b"mine"
    with Image.open(folder / "out-partial-2.png") as image:
        assert image.size in ((136, 102), (192, 144))
    assert run(["resume", "state"]) == 0
    assert (folder / "out.png").read_bytes() == whole()
    assert names(folder) == sorted(["out.png", "out-12.png", "out-partial.png", *LEFT])
    assert (folder / "out-partial.png").read_bytes() == b"mine"


def test_a_signal_between_tiles_does_not_wait_for_the_step(folder, whole, monkeypatch, capsys):
    tiled = ("--size", "128", "--steps", "4", "--tile", "64", "--checkpoint-every", "1h")
    expected = whole(*tiled)
    events, tile, note = [], ProgressLines.tile, Saver.__call__

    def signaled(bar, done, count):
        tile(bar, done, count)
        if len(events) == 2 and 2 * done == count:
            signal.raise_signal(signal.SIGINT)
        assert len(events) < 3

    def noted(saver, event):
        events.append(event)
        note(saver, event)

    with monkeypatch.context() as patch:
        patch.setattr(ProgressLines, "tile", signaled)
        patch.setattr(Saver, "__call__", noted)
        assert run([*WORDS, *tiled, "-o", "out.png"]) == 130
    assert "best so far: out-partial.png\ncheckpoint: state; continue with" in capsys.readouterr().err
    assert read_checkpoint(folder / "state").snapshot.position.made > 0
    (folder / "out-partial.png").write_bytes(b"edited")
    assert run(["resume", "state"]) == 0
    assert (folder / "out.png").read_bytes() == expected
    assert (folder / "out-partial.png").read_bytes() == b"edited"
    assert_replayed(folder)


def test_a_short_render_leaves_a_checkpoint_beside_its_output_at_a_signal_only(folder, stopped, capsys):
    default = ("--checkpoint", "out.png.styler-checkpoint")
    assert run([*WORDS[:-4], "-o", "out.png"]) == 0
    assert names(folder) == sorted(["out.png", "out-12.png", *LEFT])
    assert stopped(1, *default, "-o", "out.png", "--overwrite", number=signal.SIGINT) == 130
    assert "out.png.styler-checkpoint" in names(folder)


def test_off_leaves_none(folder, stopped):
    assert stopped(2, "-o", "out.png", "--checkpoint", "off", number=signal.SIGINT) == 130
    assert names(folder) == ["out-03.png", "out-partial.png"]


def test_what_was_reached_is_kept_when_the_picture_cannot_be_written(folder, whole, monkeypatch, capsys):
    def full(*_args, **_settings):
        raise OutputError("cannot write out.png: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(work, "write_picture", full)
        assert run([*WORDS[:-2], "-o", "out.png"]) == 2  # every 30 s: never during this render
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "checkpoint: state; continue with: styler resume state",
        "error: cannot write out.png: No space left on device",
    ]
    assert run(["resume", "state"]) == 0
    assert (folder / "out.png").read_bytes() == whole()


SPOILED = {  # one after the other, each worse than the one before
    "painting.png has changed since the checkpoint was made": lambda: os.truncate("painting.png", 100),
    "painting.png, which the render needs: No such file": lambda: os.unlink("painting.png"),
    "is not a styler checkpoint, or its end is missing": lambda: os.truncate("state", 1000),
    "cannot read state: No such file": lambda: os.unlink("state"),
}


def test_refusals_take_one_line(folder, stopped, capsys):
    stopped(2, "-o", "out.png")
    for said, spoil in SPOILED.items():
        spoil()
        capsys.readouterr()
        assert run(["resume", "state"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: ")
        assert said in err
        assert err.count("\n") == 1


def test_one_of_the_library_is_refused(folder, tiny, monkeypatch, capsys):
    from styler.api import Stylizer
    from styler.config import RenderConfig

    events = []

    def stop(event):
        events.append(event)
        raise Killed

    with pytest.raises(Killed):
        Stylizer(RenderConfig(network="tiny", size=64, steps=4, **TERSE)).render(
            "photo.png", "painting.png", observer=stop, checkpoint="state", checkpoint_every=0.0
        )
    assert run(["resume", "state"]) == 2
    assert "state was not made by styler render; resume it from Python, where it was made" in capsys.readouterr().err


def test_what_cannot_be_as_it_was_is_said(folder, stopped, capsys):
    stopped(2, "-o", "out.png")
    found = read_checkpoint(folder / "state")
    plan = {**found.job["plan"], "device": "gpu", "threads": 63, "constant_weights": False}
    job = {**found.job, "plan": plan, "versions": {**found.job["versions"], "numpy": "1.0"}}
    write_checkpoint(folder / "state", replace(found, job=job))
    capsys.readouterr()
    assert run(["resume", "state"]) == 0
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: made")]
    for said in (
        "numpy 1.0, now ",
        "with 63 threads",
        "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS 0, now ",
        "on gpu, which is missing here",
    ):
        assert sum(said in line for line in warnings) == 1
    assert (folder / "out.png").exists()


def test_a_render_goes_on_with_the_compiler_that_it_began_with(folder, stopped, whole, monkeypatch, capsys):
    expected = whole()
    stopped(2, "-o", "out.png")
    monkeypatch.setattr("styler.render.engine.FASTER_ON_CPU", "xla")  # what a new render would be compiled with
    assert run(["resume", "state"]) == 0
    assert (folder / "out.png").read_bytes() == expected
    assert "warning" not in capsys.readouterr().err


def test_the_picture_names_its_checkpoint(folder, stopped):
    assert stopped(2, "-o", "out.png", "--checkpoint", "out.png.styler-checkpoint", number=signal.SIGINT) == 130
    assert run(["resume", "out.png"]) == 0
    assert (folder / "out.png").exists()
    assert not (folder / "out.png.styler-checkpoint").exists()
