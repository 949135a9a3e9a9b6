"""The scripts about features run and print what they promise."""

from __future__ import annotations

import runpy

import pytest

from support.sources import ROOT

EXAMPLES = ROOT / "examples"


@pytest.mark.parametrize(
    ("script", "arguments", "lines"),
    [
        (
            "extract_layers.py",
            ["images/lake.jpg"],
            ["block1_conv1 (1, 192, 256, 32)", "block2_conv2 (1, 96, 128, 64)", "block4_conv2 (1, 24, 32, 160)"],
        ),
        (
            "extract_states.py",
            [],
            ["memory:state_c (2, 12)", "reader:backward.sequence (2, 5, 8)", "mood (2, 1)"],
        ),
        ("extract_tensors.py", [], ["hidden (3, 14, 14, 8)", "summary (3, 8)"]),
    ],
)
def test_runs(script, arguments, lines, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", [script, *(str(EXAMPLES / word) for word in arguments)])
    runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    out = capsys.readouterr().out
    printed = [" ".join(line.split()) for line in out.splitlines()]
    for line in lines:
        assert any(each.startswith(line) for each in printed), out
