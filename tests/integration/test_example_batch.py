"""The script about batches renders all and, run again, nothing."""

from __future__ import annotations

import subprocess
import sys

from support.sources import ROOT

NAMES = [f"{photo}-{painting}-0.png" for photo in ("lake", "city") for painting in ("swirls", "dots")]


def test_runs_and_runs_again(tmp_path):
    for state in ("done", "skipped"):
        command = [sys.executable, str(ROOT / "examples" / "render_many.py"), str(tmp_path / "out"), "64", "2"]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert ran.returncode == 0, ran.stderr
        assert sorted(ran.stdout.splitlines()) == sorted(f"{state} {name} " for name in NAMES)
