"""Kills and full disks over whole processes: a few here, hundreds by `tests/support/crashes.py` or a marker.

`CRASHES=200 pytest -m crash tests/integration/test_crashes.py` for more than the usual number.
"""

from __future__ import annotations

import os

import pytest

from support.crashes import Crashes, repeat

KILLS = int(os.environ.get("CRASHES", "20"))
DISKS = int(os.environ.get("CRASHES", "10"))


@pytest.fixture(scope="module")
def crashes(tmp_path_factory):
    return Crashes(tmp_path_factory.mktemp("crashes"), seed=3)


def test_a_few_killed_renders_lose_nothing(crashes):
    for _ in range(3):
        crashes.kill_once()
    assert crashes.counts["resumed"] >= 1


def test_a_few_full_disks_harm_nothing(crashes):
    for _ in range(2):
        crashes.fill_once()


@pytest.mark.crash
def test_killed_renders_lose_nothing(tmp_path):
    counts = repeat("kills", KILLS, tmp_path)
    assert counts["killed"] + counts["ended before"] == KILLS
    assert counts["resumed"] > KILLS / 2


@pytest.mark.crash
def test_full_disks_harm_nothing(tmp_path):
    counts = repeat("disks", DISKS, tmp_path)
    assert counts["refused in one line"] + counts["enough room"] + counts["without a checkpoint at times"] == DISKS
    assert {"refused in one line", "enough room"} <= set(counts)
