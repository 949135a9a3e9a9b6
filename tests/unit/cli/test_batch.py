"""`styler batch` in this process, with a studio that blends instead of rendering."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from dataclasses import fields

import pytest
import typer

from styler.batch import batch as rooms
from styler.batch.batch import RETRIES, render_batch
from styler.batch.events import Started
from styler.batch.layout import Resources, choose_layout
from styler.batch.ledger import opened_ledger
from styler.batch.local import LocalEngine
from styler.cli.app import app, run
from styler.cli.batch_bars import BatchBars
from styler.cli.batch_work import stopping
from styler.config import RenderConfig
from support.painted import Studio
from support.pictures import blobs, saved

COMMANDS = typer.main.get_command(app).commands
GLOBS = ("batch", "--content", "in/*.png", "--style", "art/*.png", "-o", "out", "--size", "64", "--workers", "1")


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """`in/` with photos a and b, `art/` with a painting s."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rooms, "make_engine", lambda *asked: LocalEngine(choose_layout(*asked), Studio))
    for name in ("in/a", "in/b", "art/s"):
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        saved(path, blobs(48, 64, len(name)))
    return tmp_path


def batch(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["styler", *words])
    return run(list(words))


def test_renders_every_photo_in_every_style_and_then_nothing(folders, monkeypatch, capsys):
    assert batch(monkeypatch, *GLOBS) == 0
    out, err = capsys.readouterr()
    assert out == ""
    first, *ended, summary = err.splitlines()
    assert first == "batch: 2 jobs, 2 to render"
    assert [line.partition(": ")[0] for line in ended] == ["1/2 a-s.png", "2/2 b-s.png"]
    assert all(line.isprintable() for line in ended)
    assert summary.startswith("out: 2 rendered, 0 done before, 0 failed, ")
    assert sorted(path.name for path in (folders / "out").glob("*.png")) == ["a-s.png", "b-s.png"]
    assert batch(monkeypatch, *GLOBS) == 0
    first, summary = capsys.readouterr().err.splitlines()
    assert first == "batch: 2 jobs, 0 to render"
    assert summary.startswith("out: 0 rendered, 2 done before, 0 failed, ")


def test_failures_end_with_status_3_a_table_and_the_command_that_retries(folders, monkeypatch, capsys):
    (folders / "in" / "b.png").write_bytes(b"no image")
    words = (*GLOBS, "--name", "{content} of {style}")
    assert batch(monkeypatch, *words) == 3
    *ended, summary, header, row, retry = capsys.readouterr().err.splitlines()
    assert ended[1].startswith("1/2 b of s.png: failed: in/b.png is not an image")
    assert ended[2].startswith("2/2 a of s.png: ")
    assert summary.startswith("out: 1 rendered, 0 done before, 1 failed, ")
    assert header.split() == ["failed", "tries", "why"]
    assert row.startswith("b of s.png      0  in/b.png is not an image")
    assert retry == f"to retry: {shlex.join(['styler', *words])}"
    saved(folders / "in" / "b.png", blobs(48, 64, 3))
    assert run(shlex.split(retry.removeprefix("to retry: styler "))) == 0
    assert "\nout: 1 rendered, 1 done before, 0 failed" in capsys.readouterr().err


def test_a_dry_run_tells_the_plan_and_leaves_nothing(folders, monkeypatch, capsys):
    (folders / "in" / "b.png").write_bytes(b"no image")
    assert batch(monkeypatch, *GLOBS, "--dry-run") == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[0] == "jobs      1 to do (1 new), 0 done, 1 impossible"
    assert "  b-s.png  impossible: in/b.png is not an image" in out
    assert "  a-s.png  64x48  in/a.png in art/s.png  new" in out
    assert "workers   1 with" in out
    assert "predicted 0." in out
    assert not (folders / "out").exists()


def test_a_long_plan_is_cut_off_unless_all_of_it_is_asked_for(folders, monkeypatch, capsys):
    rows = "\n".join(f"in/a.png,art/s.png,{seed}" for seed in range(30))
    (folders / "jobs.csv").write_text(f"content,style,seed\n{rows}\n")
    assert batch(monkeypatch, "batch", "jobs.csv", "-o", "out", "--dry-run") == 0
    assert "… and 10 more, see --verbose" in capsys.readouterr().out
    assert batch(monkeypatch, "batch", "jobs.csv", "-o", "out", "--dry-run", "-v") == 0
    assert "a-s-29.png" in capsys.readouterr().out


def test_a_manifest_with_flags_that_win_over_it(folders, monkeypatch, capsys):
    (folders / "jobs.toml").write_text('size = 512\n[[job]]\ncontent = "in/*.png"\nstyle = "art/s.png"\nseed = 3\n')
    words = ("batch", "jobs.toml", "-o", "out", "--size", "80", "--dry-run", "--where", "content=a")
    assert batch(monkeypatch, *words) == 0
    out = capsys.readouterr().out
    assert "a-s-3.png  80x60" in out
    assert "b-s-3.png" not in out


def test_progress_is_shown_when_asked_for(monkeypatch, capsys):
    assert batch(monkeypatch, *GLOBS, "--progress") == 0
    err = capsys.readouterr().err
    assert "2/2 jobs" in err
    assert "a-s.png" in err


@pytest.mark.parametrize("more", [("--quiet",), ("--no-progress",)])
def test_a_log_can_be_left_without_progress(monkeypatch, capsys, more):
    assert batch(monkeypatch, *GLOBS, *more) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == (["out"] if more == ("--no-progress",) else [])


def test_the_page_is_written_and_replaced_but_not_over_somebodys_file(folders, monkeypatch, capsys):
    for _ in range(2):
        assert batch(monkeypatch, *GLOBS, "--report", "out/index.html") == 0
    assert "styler batch" in (folders / "out" / "index.html").read_text()
    (folders / "mine.html").write_text("mine")
    capsys.readouterr()
    assert batch(monkeypatch, *GLOBS, "--report", "mine.html") == 2
    assert "mine.html already exists and is not a batch report" in capsys.readouterr().err
    assert (folders / "mine.html").read_text() == "mine"


def test_the_page_shows_all_pictures_also_after_a_run_over_some(folders, monkeypatch):
    page = folders / "out" / "index.html"
    for words in ((), ("--where", "content=a"), ("--limit", "1", "--shuffle-seed", "3")):
        assert batch(monkeypatch, *GLOBS, *words, "--report", str(page)) == 0
        assert [page.read_text().count(f'"name": "{name}-s.png", "state": "done"') for name in "ab"] == [1, 1]


def test_another_option_is_refused_before_any_work_and_in_a_dry_run_too(folders, monkeypatch, capsys):
    assert batch(monkeypatch, *GLOBS) == 0
    before = {path: path.read_bytes() for path in (folders / "out").glob("*.*")}
    for more in ((), ("--dry-run",)):
        capsys.readouterr()
        assert batch(monkeypatch, *GLOBS, "--strength", "0.9", *more) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert "would replace out/a-s.png, out/b-s.png" in err
        assert "(strength 0.5, now 0.9)" in err
        assert {path: path.read_bytes() for path in (folders / "out").glob("*.*")} == before
    assert batch(monkeypatch, *GLOBS, "--strength", "0.9", "--name", "{content}-{strength}") == 0
    assert batch(monkeypatch, *GLOBS, "--strength", "0.9", "--overwrite") == 0


def test_names_of_any_bytes_are_shown_in_lines_that_a_terminal_and_a_shell_can_take(folders, monkeypatch, capsys):
    odd = os.fsdecode(b"caf\xe9\n\x1b[31m")
    (folders / "in" / f"{odd}.png").write_bytes(b"no image")
    words = ("batch", "--content", f"in/{odd}*", "--style", "art/s.png", "-o", "out", "--size", "64", "--workers", "1")
    assert batch(monkeypatch, *words, "--dry-run") == 0
    plan = capsys.readouterr().out
    assert all(line.isprintable() for line in plan.splitlines())
    assert batch(monkeypatch, *words) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert all(line.isprintable() for line in lines)
    script = lines[-1].removeprefix("to retry: ").replace("styler", "printf '%s\\0'", 1)
    printed = subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout
    assert printed.split(b"\0")[:-1] == [os.fsencode(word) for word in words]


def test_the_first_interrupt_says_what_is_done_and_what_a_second_one_does():
    assert stopping([]) == "stopping and starting no more; press Ctrl-C again to stop at once"
    assert stopping(["a.png"]).startswith(
        "finishing the 1 picture in progress (a.png) and starting no more; press Ctrl-C"
    )
    assert stopping(["a.png", "b\n.png"]).startswith(r"finishing the 2 pictures in progress (a.png, 'b\n.png')")


def test_an_interrupt_is_told_and_the_command_that_goes_on(folders, monkeypatch, capsys):
    def interrupted(self, event):
        shown(self, event)
        if isinstance(event, Started):
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.2)

    shown = BatchBars.__call__
    monkeypatch.setattr(BatchBars, "__call__", interrupted)
    assert batch(monkeypatch, *GLOBS) == 130
    err = capsys.readouterr().err
    assert (
        "finishing the 1 picture in progress (a-s.png) and starting no more; press Ctrl-C again to stop at once\n"
        in err
    )
    assert f"to continue: {shlex.join(['styler', *GLOBS])}\n" in err
    monkeypatch.setattr(BatchBars, "__call__", shown)
    assert batch(monkeypatch, *GLOBS) == 0


def test_folders_that_must_not_be_looked_into_are_warned_of(folders, monkeypatch, capsys):
    def guarded(folder):
        if folder.name == "in":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    scandir = os.scandir
    saved(folders / "c.png", blobs(48, 64, 5))
    monkeypatch.setattr("styler.batch.patterns.os.scandir", guarded)
    words = ("batch", "--content", "**/*.png", "--style", "art/s.png", "-o", "out", "--dry-run")
    assert batch(monkeypatch, *words) == 0
    out, err = capsys.readouterr()
    assert err == "warning: cannot read the folder in: Permission denied; its files are ignored\n"
    assert "c-s.png" in out


@pytest.mark.parametrize(("named", "noted"), [(None, 0), ("0,1,2,3", 1), ("GPU-1b2c3d4e", 1), ("-1", 0), ("", 0)])
def test_a_variable_that_names_gpus_changes_nothing_where_there_are_none(folders, monkeypatch, capsys, named, noted):
    monkeypatch.setattr("styler.batch.layout.GPU_DEVICES", ("no such device",))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    words = (*GLOBS[:-2], "--dry-run")
    assert batch(monkeypatch, *words) == 0
    before = [line for line in capsys.readouterr().out.splitlines() if line.startswith("workers")]
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert batch(monkeypatch, *words) == 0
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("workers")] == before
    assert out.count("TensorFlow sees no GPU here") == noted


@pytest.mark.parametrize("device", ["gpu", "gpu:1"])
def test_a_gpu_that_is_not_there_is_refused_before_any_work(folders, monkeypatch, capsys, device):
    monkeypatch.setattr("styler.batch.layout.GPU_DEVICES", ("no such device",))
    for more in (("--dry-run",), ()):
        assert batch(monkeypatch, *GLOBS, "--device", device, *more) == 2
        assert f"no device {device}: TensorFlow sees 0 GPUs here" in capsys.readouterr().err
    assert not list((folders / "out").glob("*.png"))


def test_a_batch_that_is_refused_leaves_no_page(folders, monkeypatch, capsys):
    (folders / "out").mkdir()
    with opened_ledger(folders / "out"):
        assert batch(monkeypatch, *GLOBS, "--report", "out/index.html") == 2
    assert not (folders / "out" / "index.html").exists()
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("batch", "-o", "out"),
            "expected one MANIFEST, or both --content GLOB and --style GLOB; see styler batch --help",
        ),
        (("batch", "x.csv", "--content", "in/*", "-o", "out"), "; got x.csv as well; quote globs"),
        (("batch", "a.csv", "b.csv", "-o", "out"), "; got b.csv as well; quote globs"),
        (("batch", "--content", "in/*.png", "-o", "out"), "expected one MANIFEST, or both"),
        (("batch", "--content", "in", *GLOBS[3:]), "in is a folder; expected files, such as 'in/*.jpg'"),
        (("batch", "absent.csv", "-o", "out"), "cannot read absent.csv"),
        (("batch", "in/a.png", "-o", "out"), "unknown kind of manifest '.png'"),
        ((*GLOBS[:3], "--style", "none/*", "-o", "out"), "no file matches 'none/*'"),
        (("batch", "--content", "in/*.png", "--style", "art/*.png"), "Missing option '-o'"),
        ((*GLOBS, "--name", "{style}"), "two jobs would write s.png"),
        ((*GLOBS, "--name", "{stile}"), "unknown field 'stile'"),
        ((*GLOBS, "--where", "content=c"), "expected at least one job, got none"),
        ((*GLOBS, "--where", "contents=c"), "unknown field 'contents'"),
        ((*GLOBS, "--engine", "spark"), "unknown engine 'spark'"),
        ((*GLOBS, "--strength", "2"), "strength: expected a number of at least 0"),
        ((*GLOBS, "--network", "vgg18"), "unknown network 'vgg18'"),
        ((*GLOBS, "--report", "page.txt"), "expected a name that ends in .html"),
        ((*GLOBS, "--limit", "0"), "'--limit'"),
        ((*GLOBS[:5], "-o", "in/a.png"), "the output of a batch is a folder"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(monkeypatch, capsys, words, said):
    assert batch(monkeypatch, *words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_second_batch_in_the_same_folder_is_refused(folders, monkeypatch, capsys):
    (folders / "out").mkdir()
    with opened_ledger(folders / "out"):
        assert batch(monkeypatch, *GLOBS) == 2
    assert "error: another batch is running in out" in capsys.readouterr().err


def test_it_takes_every_option_of_a_render():
    options = {parameter.name: parameter for parameter in COMMANDS["batch"].params}
    of_render = {parameter.name: parameter for parameter in COMMANDS["render"].params}
    wanted = {field.name for field in fields(RenderConfig)} & set(of_render)
    assert wanted <= set(options)
    assert [name for name in wanted if options[name].help != of_render[name].help] == []
    assert [name for name, option in options.items() if not option.help] == []


def test_its_defaults_are_those_of_the_library():
    options = {parameter.name: parameter.default for parameter in COMMANDS["batch"].params}
    assert options["retries"] == RETRIES
    assert (options["engine"], options["ray_address"]) == (Resources().engine, Resources().ray_address)
    assert render_batch.__kwdefaults__["retries"] == RETRIES


def test_a_file_is_no_folder_for_a_batch(folder, capsys):
    assert run(["batch", "--content", "photo.png", "--style", "painting.png", "-o", "photo.png"]) == 2
    assert "the output of a batch is a folder" in capsys.readouterr().err
