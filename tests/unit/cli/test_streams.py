"""`-` for the photo and for the picture, closed streams, pipes that nobody reads."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from styler.cli import streams
from styler.cli.app import run
from styler.errors import OutputError
from styler.images.recipes import read_recipe
from styler.recipe import Recipe
from support.programs import TERSE_WORDS

SMALL = ("--network", "tiny", "--size", "64", "--steps", "2", *TERSE_WORDS)


class Piped(io.TextIOWrapper):
    """Standard input that holds some bytes."""

    def __init__(self, data):
        super().__init__(io.BytesIO(data))


@pytest.fixture
def piped(folder, monkeypatch):
    """The photo comes in through standard input."""
    monkeypatch.setattr(sys, "stdin", Piped((folder / "photo.png").read_bytes()))
    return folder


def command(*words, **settings):
    """Another process; without TensorFlow as long as nothing is rendered."""
    run_styler = "import sys; from styler.cli.app import main; main()"
    return subprocess.run([sys.executable, "-c", run_styler, *words], capture_output=True, check=False, **settings)


@pytest.mark.usefixtures("tiny", "shared_programs")
def test_a_photo_through_standard_input_gives_the_picture_that_its_file_gives(piped):
    assert run(["render", "-", "painting.png", "-o", "piped.png", *SMALL]) == 0
    assert run(["render", "photo.png", "painting.png", "-o", "named.png", *SMALL]) == 0
    with Image.open("piped.png") as one, Image.open("named.png") as other:
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    inputs = [Recipe.from_text(read_recipe(name)).inputs.content for name in ("piped.png", "named.png")]
    assert [each.name for each in inputs] == ["standard-input", "photo.png"]
    assert inputs[0].sha256 == inputs[1].sha256
    assert sorted(os.listdir()) == ["named.png", "painting.png", "photo.png", "piped.png"]


@pytest.mark.usefixtures("tiny", "shared_programs")
def test_a_picture_to_standard_output_is_a_whole_png_and_nothing_else(folder, capfdbinary, monkeypatch):
    monkeypatch.setattr("styler.cli.work.PIPED", "x")
    assert run(["render", "photo.png", "painting.png", "-o", "-", "-v", *SMALL]) == 0
    out, err = capfdbinary.readouterr()
    with Image.open(io.BytesIO(out)) as image:
        assert (image.format, image.size) == ("PNG", (64, 48))
    assert out.endswith(b"IEND\xaeB`\x82")
    assert b"content   photo.png" in err
    assert b"standard output  64x48" in err
    (folder / "made.png").write_bytes(out)
    assert read_recipe("made.png") is not None


@pytest.mark.usefixtures("tiny", "shared_programs")
def test_whatever_is_printed_meanwhile_goes_to_standard_error(folder, capfdbinary, monkeypatch):
    from styler.cli import work

    def noisy(*words, **settings):
        os.write(1, b"from C++\n")
        print("from Python")
        return original(*words, **settings)

    original = work.read_images
    monkeypatch.setattr(work, "read_images", noisy)
    assert run(["render", "photo.png", "painting.png", "-o", "/dev/stdout", *SMALL]) == 0
    out, err = capfdbinary.readouterr()
    assert out.startswith(b"\x89PNG")
    assert out.endswith(b"IEND\xaeB`\x82")
    assert b"from C++" in err


@pytest.mark.usefixtures("tiny", "shared_programs")
def test_a_report_is_a_file_beside_a_picture_to_standard_output(folder, capfdbinary):
    assert run(["render", "photo.png", "painting.png", "-o", "-", "--report", "r.json", *SMALL]) == 0
    assert capfdbinary.readouterr().out.startswith(b"\x89PNG")
    assert sorted(os.listdir()) == ["painting.png", "photo.png", "r.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-", "painting.png"), "pass --output FILE"),
        (("-", "-", "-o", "a.png"), "only CONTENT can be standard input"),
        (("photo.png", "-"), "only CONTENT can be standard input"),
        (("-", "painting.png", "-o", "a.png", "--checkpoint", "c"), "--checkpoint: a render that reads or writes"),
        (("photo.png", "painting.png", "-o", "-", "--checkpoint", "c"), "--checkpoint: a render that reads or writes"),
        (("photo.png", "painting.png", "-o", "-", "--save-every", "2"), "--save-every writes images next to"),
        (("photo.png", "painting.png", "-o", "-", "--report", "-"), "--report: expected a file"),
        (("photo.png", "painting.png", "--checkpoint", "-"), "--checkpoint: expected a file"),
        (("photo.png", "painting.png", "--init", "-"), "standard input can only be the CONTENT"),
        (("https://example.org/a.jpg", "painting.png"), "expected a file, got a URL; download the file first"),
    ],
)
@pytest.mark.usefixtures("piped", "tiny")
def test_what_a_stream_cannot_be_is_refused_in_one_line(words, said, capfd):
    assert run(["render", *words, *SMALL]) == 2
    out, err = capfd.readouterr()
    assert said in err
    assert (out, len(err.splitlines())) == ("", 1)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "cannot read standard input: expected a photo, got no data"),
        (b"<!DOCTYPE html><html>", "standard input"),
        (b"\x89PNG\r\n\x1a\n", "standard input"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_comes_in_is_called_by_its_name_when_it_is_no_photo(monkeypatch, capsys, data, said):
    monkeypatch.setattr(sys, "stdin", Piped(data))
    assert run(["render", "-", "painting.png", "-o", "a.png", "--dry-run"]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "/proc" not in err


@pytest.mark.usefixtures("folder")
def test_a_terminal_is_neither_waited_for_nor_written_to(monkeypatch, capsys):
    terminal = Piped(b"")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert run(["render", "-", "painting.png", "-o", "a.png"]) == 2
    assert "standard input: it is a terminal" in capsys.readouterr().err
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run(["render", "photo.png", "painting.png", "-o", "-"]) == 2
    assert "standard output: it is a terminal" in capsys.readouterr().err


@pytest.mark.usefixtures("piped")
@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_the_plan_of_a_photo_through_standard_input_names_it_so(capsys, name):
    assert run(["render", name, "painting.png", "-o", "a.png", "--dry-run"]) == 0
    assert "content   standard input  80x60" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_every_name_of_standard_input_is_understood(folder, name):
    with open(folder / "photo.png", "rb") as photo:
        done = command("render", name, "painting.png", "-o", "a.png", "--dry-run", stdin=photo)
    assert done.returncode == 0, done.stderr
    assert b"standard input  80x60" in done.stdout


def test_nobody_reads_any_more():
    start, end = os.pipe()
    os.close(start)
    gone = pytest.raises(OutputError, match="cannot write to standard output: Broken pipe")
    with open(end, "wb", buffering=0) as pipe, gone:
        streams.send(io.BytesIO(b"picture"), pipe)


@pytest.mark.usefixtures("folder")
def test_who_stops_reading_a_text_gets_no_complaint():
    program = f"{sys.executable} -c 'from styler.cli.app import main; main()' render --help"
    done = subprocess.run(
        ["bash", "-c", f"{program} | true; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_text_that_cannot_be_printed_is_refused_in_one_line():
    with open("/dev/full", "wb") as full:
        run_styler = "import sys; from styler.cli.app import main; main()"
        words = [sys.executable, "-c", run_styler, "render", "--help"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: cannot write standard output or a temporary file: No space left on device\n"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "closed", ["<&- >&- 2>&-", *(pytest.param(one, marks=pytest.mark.slow) for one in ("<&-", ">&-", "2>&-"))]
)
def test_a_program_without_standard_streams_does_its_work(folder, closed):
    program = f"{sys.executable} -c 'from styler.cli.app import main; main()'"
    words = "render photo.png painting.png -o a.png --dry-run"
    done = subprocess.run(["bash", "-c", f"{program} {words} {closed}"], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"Error" not in done.stderr


@pytest.mark.usefixtures("folder")
def test_a_stream_that_is_closed_is_no_photo():
    program = f"{sys.executable} -c 'from styler.cli.app import main; main()'"
    words = "render - painting.png -o - --dry-run <&- >&- 2>&-"
    assert subprocess.run(["bash", "-c", f"{program} {words}"], check=False).returncode == 2


def test_files_never_take_the_place_of_a_closed_stream(tmp_path):
    code = (
        "import os; from styler.cli.streams import open_missing; open_missing();"
        f"f = open({str(tmp_path / 'a')!r}, 'w'); print('text', flush=True); import sys; print('x', file=sys.stderr);"
        "os.write(1, b'C++'); os.write(2, b'C++'); f.write('mine')"
    )
    done = subprocess.run(["bash", "-c", f'{sys.executable} -c "$0" <&- >&- 2>&-', code], check=False)
    assert done.returncode == 0
    assert (tmp_path / "a").read_text() == "mine"


def test_processes_that_are_started_have_all_three_streams_too():
    inner = "import os; [os.fstat(number) for number in range(3)]"
    code = (
        "import subprocess, sys; from styler.cli.streams import open_missing; open_missing();"
        f"sys.exit(subprocess.call([sys.executable, '-c', '{inner}'], close_fds=False))"
    )
    done = subprocess.run(["bash", "-c", f'{sys.executable} -c "$0" <&- >&- 2>&-', code], check=False)
    assert done.returncode == 0
