"""Kills and full disks over whole processes, some of each here, hundreds by `tests/support/crashes.py`.

`CRASHES=200 pytest -m crash tests/integration/test_crashes.py` for more than the usual number.
"""

from __future__ import annotations

import os

import pytest

from support.crashes import LOOKS, Crashes, repeat

KILLS = int(os.environ.get("CRASHES", "20"))
DISKS = int(os.environ.get("CRASHES", "10"))


@pytest.mark.crash
def test_a_killed_render_and_a_full_disk_lose_nothing(tmp_path):
    crashes = Crashes(tmp_path, seed=3)
    look = LOOKS[0]  # the same one twice, since it takes a render without a crash to compare with
    crashes.kill_once(look)
    crashes.fill_once(look)
    assert crashes.counts["killed"] == 1
    assert crashes.counts["resumed"] >= 1


@pytest.mark.crash
def test_killed_renders_lose_nothing(tmp_path):
    counts = repeat("kills", KILLS, tmp_path)
    assert counts["killed"] == KILLS
    assert counts["resumed"] > KILLS / 2


@pytest.mark.crash
def test_full_disks_harm_nothing(tmp_path):
    counts = repeat("disks", DISKS, tmp_path)
    assert counts["refused in one line"] + counts["enough room"] + counts["without a checkpoint at times"] == DISKS
    assert {"refused in one line", "enough room"} <= set(counts)
