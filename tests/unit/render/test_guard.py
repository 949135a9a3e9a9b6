from __future__ import annotations

import time
from pathlib import Path

import pytest

from styler.errors import ResourceError
from styler.render.guard import FIRST, NEAR, Guard
from styler.render.pyramid import Octave
from styler.render.schedule import Stage
from styler.types import Size


def watching(held, budget=1000):
    return Guard(budget, lambda: held[0])


def test_it_alarms_near_the_budget_and_again_only_when_more_is_held():
    held = [NEAR * 1000 - 1]
    guard = watching(held)
    guard.look()
    assert not guard.alarmed()
    for amount, alarm in ((901, True), (901, False), (910, False), (930, True)):
        held[0] = amount
        guard.look()
        assert guard.alarmed() is alarm
    assert not guard.alarmed()


def test_memory_that_is_free_but_still_held_is_given_back_first():
    held = [950]
    guard = Guard(1000, lambda: held[0], lambda: held.__setitem__(0, 850))
    guard.look()
    assert not guard.alarmed()
    assert held == [850]


def test_it_looks_by_itself_while_the_render_runs():
    held = [0]
    with watching(held) as guard:
        held[0] = 950
        deadline = time.monotonic() + 5
        while not guard.alarmed():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_without_a_budget_nothing_alarms():
    guard = Guard(None, lambda: 10**18)
    guard.look()
    assert not guard.alarmed()


def test_tiles_are_halved_down_to_the_smallest_and_that_is_told():
    guard = Guard()
    assert guard.smaller(512, 100, "too much", needed=True) == 256
    assert guard.smaller(150, 100, "too much", needed=True) == 100
    assert guard.smaller(100, 100, "too much", needed=False) == 100
    assert guard.said == [
        "too much: tiles of 256 pixels instead of 512",
        "too much: tiles of 100 pixels instead of 150",
    ]
    with pytest.raises(ResourceError, match="tiles of 100 pixels, the smallest"):
        guard.smaller(100, 100, "too much", needed=True)


def stage(side, tile=None):
    return Stage(octave=Octave(size=Size(side, side), steps=2), tile=tile)


def test_an_octave_in_one_piece_is_split_and_later_ones_are_too(tmp_path):
    guard = Guard()
    split = guard.split(stage(600), 100)
    assert split.tile == 300
    assert isinstance(split.folder, Path)
    assert guard.capped(stage(800)).tile == 300
    assert guard.capped(stage(800, 200)).tile == 200
    assert Guard().capped(stage(800)).tile is None
    assert Guard().split(stage(9000), 100).tile == FIRST
