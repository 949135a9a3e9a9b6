from __future__ import annotations

import time

import pytest

from styler.cli import work
from styler.cli.progress_bar import ProgressBar
from styler.cli.progress_lines import ProgressLines
from styler.progress import StepEvent


def event(step, seconds_left=12.4):
    place = {"scale": 2, "scales": 5, "height": 96, "width": 128}
    pictures = {"_image": lambda: None, "_picture": lambda: None}
    return StepEvent(**place, step=step, total=60, loss=0.1, seconds_left=seconds_left, **pictures)


def printed(capsys, count):
    """The next lines on stderr, when there are so many."""
    err = ""
    for _ in range(500):
        err += capsys.readouterr().err
        if err.count("\n") >= count:
            break
        time.sleep(0.01)
    return err.splitlines()


def test_tells_what_is_done_and_each_octave_with_its_size(capsys):
    with ProgressLines(every=0.01) as lines:
        lines.phase("compiling")
        assert printed(capsys, 1) == ["compiling"]
        lines(event(1, None))
        assert printed(capsys, 1) == ["scale 2/5 (128x96): step 1 of 60"]
        lines.tile(3, 12)
        assert printed(capsys, 1) == ["scale 2/5 (128x96): step 1 of 60, tile 3/12"]
        lines(event(15))
        assert printed(capsys, 1) == ["scale 2/5 (128x96): step 15 of 60, about 12 s left"]
        time.sleep(0.05)
    assert capsys.readouterr() == ("", ""), "the same is not said twice"


def test_a_short_render_prints_no_line(capsys):
    with ProgressLines() as lines:
        lines.phase("compiling")
        lines(event(60))
    assert capsys.readouterr() == ("", "")


def test_what_cannot_wait_is_said_at_once(capsys):
    with ProgressLines() as lines:
        lines.say("stopping")
        assert capsys.readouterr().err == "stopping\n"


@pytest.mark.parametrize(("is_terminal", "lines"), [(True, {}), (False, {None})])
def test_lines_take_the_place_of_a_bar_where_there_is_no_terminal(monkeypatch, is_terminal, lines):
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    for progress in (None, True, False):
        kind = ProgressLines if progress in lines else ProgressBar
        assert isinstance(work._display(progress), kind)
