from __future__ import annotations

import time
from pathlib import Path

import pytest

from styler.errors import ResourceError
from styler.render.memory_watch import FIRST, NEAR, MemoryWatch
from styler.render.pyramid import Stage
from styler.types import Size


def watching(held, budget=1000):
    return MemoryWatch(budget, lambda: held[0])


def test_it_alarms_near_the_budget_and_again_only_when_more_is_held():
    held = [NEAR * 1000 - 1]
    memory = watching(held)
    memory.look()
    assert not memory.alarmed()
    for amount, alarm in ((901, True), (901, False), (910, False), (930, True)):
        held[0] = amount
        memory.look()
        assert memory.alarmed() is alarm
    assert not memory.alarmed()


def test_memory_that_is_free_but_still_held_is_given_back_first():
    held = [950]
    memory = MemoryWatch(1000, lambda: held[0], lambda: held.__setitem__(0, 850))
    memory.look()
    assert not memory.alarmed()
    assert held == [850]


def test_it_looks_by_itself_while_the_render_runs():
    held = [0]
    with watching(held) as memory:
        held[0] = 950
        deadline = time.monotonic() + 5
        while not memory.alarmed():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_without_a_budget_nothing_alarms():
    memory = MemoryWatch(None, lambda: 10**18)
    memory.look()
    assert not memory.alarmed()


def test_tiles_are_halved_down_to_the_smallest_and_that_is_told():
    memory = MemoryWatch()
    assert memory.smaller(512, 100, "too much", needed=True) == 256
    assert memory.smaller(150, 100, "too much", needed=True) == 100
    assert memory.smaller(100, 100, "too much", needed=False) == 100
    assert memory.said == [
        "too much: tiles of 256 pixels instead of 512",
        "too much: tiles of 100 pixels instead of 150",
    ]
    with pytest.raises(ResourceError, match="100 pixels"):
        memory.smaller(100, 100, "too much", needed=True)


def stage(side, tile=None):
    return Stage(size=Size(side, side), steps=2, tile=tile)


def test_an_octave_in_one_piece_is_split_and_later_ones_are_too(tmp_path):
    memory = MemoryWatch()
    split = memory.split(stage(600), 100)
    assert split.tile == 300
    assert isinstance(split.folder, Path)
    assert memory.capped(stage(800)).tile == 300
    assert memory.capped(stage(800, 200)).tile == 200
    assert MemoryWatch().capped(stage(800)).tile is None
    assert MemoryWatch().split(stage(9000), 100).tile == FIRST
