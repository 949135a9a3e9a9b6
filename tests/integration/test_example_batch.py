"""The script about batches does all and, run again, nothing; with a studio that blends instead of rendering."""

from __future__ import annotations

import runpy

from styler.batch import batch as rooms
from styler.batch.layout import choose_layout
from styler.batch.local import LocalEngine
from support.painted import Studio
from support.sources import ROOT

SCRIPT = str(ROOT / "examples" / "render_many.py")
NAMES = [f"{photo}-{painting}.png" for photo in ("lake", "city") for painting in ("swirls", "dots")]


def test_runs_and_runs_again(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(rooms, "make_engine", lambda *asked: LocalEngine(choose_layout(*asked), Studio))
    monkeypatch.setattr("sys.argv", [SCRIPT, str(tmp_path / "out"), "64", "2"])
    for state in ("done", "skipped"):
        runpy.run_path(SCRIPT, run_name="__main__")
        assert sorted(capsys.readouterr().out.splitlines()) == sorted(f"{state} {name} " for name in NAMES)
