from __future__ import annotations

import pytest

from styler.cli.status import status


def test_a_line_is_shown_and_goes_when_the_work_is_done(capsys):
    with status("loading", shown=True) as tell:
        assert "loading" in capsys.readouterr().err
        tell("measuring")
        assert "measuring" in capsys.readouterr().err
    left = capsys.readouterr().err
    assert left.rsplit("\r", 1)[-1].strip() == ""


@pytest.mark.parametrize("shown", [False, None])
def test_nothing_is_shown_where_it_is_not_wanted_or_nobody_sees_it(capsys, shown):
    with status("loading", shown=shown) as tell:
        tell("measuring")
    assert capsys.readouterr().err == ""


def test_the_line_goes_when_the_work_fails(capsys):
    with pytest.raises(KeyError), status("loading", shown=True):
        raise KeyError
    assert capsys.readouterr().err.rsplit("\r", 1)[-1].strip() == ""
