from __future__ import annotations

import pytest

from styler.cli.progress_bar import ProgressBar
from styler.progress import StepEvent


def event(step, seconds_left=12.4):
    return StepEvent(
        scale=2,
        scales=5,
        step=step,
        total=60,
        height=96,
        width=128,
        loss=0.123456,
        seconds_left=seconds_left,
        _image=lambda: None,
        _picture=lambda: None,
    )


def test_shows_scale_size_step_loss_and_seconds_left(capsys):
    with ProgressBar(shown=True) as bar:
        bar(event(15))
        bar(event(30))
    last = capsys.readouterr().err.split("\r")[-1]
    assert "scale 2/5 (128x96)" in last
    assert "50%" in last
    assert "30/60 steps" in last
    assert "loss 0.1235, about 12 s left" in last


def test_says_nothing_of_time_before_the_first_measurement(capsys):
    with ProgressBar(shown=True) as bar:
        bar(event(1, None))
    err = capsys.readouterr().err
    assert "loss 0.1235" in err
    assert "left" not in err


@pytest.mark.parametrize("shown", [False, None])
def test_is_silent_when_told_or_away_from_a_terminal(capsys, shown):
    with ProgressBar(shown=shown) as bar:
        bar(event(15))
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")


def test_never_writes_to_stdout(capsys):
    with ProgressBar(shown=True) as bar:
        bar(event(60))
    assert capsys.readouterr().out == ""


def test_is_closed_when_the_render_fails(capsys):
    bar = ProgressBar(shown=True)

    def render():
        with bar:
            bar(event(3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render()
    assert capsys.readouterr().err.endswith("\n")


def test_shows_tiles_within_a_step(capsys, monkeypatch):
    monkeypatch.setattr("styler.cli.progress_bar.EVERY", 0.0)
    with ProgressBar(shown=True) as bar:
        bar.tile(1, 12)
        bar(event(15))
        bar.tile(7, 12)
    first, *_, last = [line for line in capsys.readouterr().err.split("\r") if "tile" in line]
    assert "first step, tile 1/12" in first
    assert "loss 0.1235, about 12 s left, tile 7/12" in last
    assert "15/60 steps" in last
