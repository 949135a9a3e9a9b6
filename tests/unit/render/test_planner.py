"""Plans with made-up costs on a network that is not run."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from styler.config import RenderConfig
from styler.errors import ConfigError, ResourceError
from styler.recipe import Level
from styler.render import limits as limits_module
from styler.render import planner as module
from styler.render.cost import Cost, Line
from styler.render.limits import PLANNED_SHARE, Limits
from styler.render.planner import PIXEL, Planner, plan_render
from styler.render.pyramid import Stage, plan_octaves
from styler.render.snapshot import Position
from styler.types import Size
from support.networks import tiny_network
from support.programs import shared_engine

CONFIG = RenderConfig(size=1024, steps=60)
FINAL = Size(768, 1024)
MIB = 2**20
WHOLE = Cost(memory=Line(50 * MIB, 1500), seconds=Line(0.05, 2e-6), first=3)
TILES = Cost(memory=Line(50 * MIB, 900), seconds=Line(0.05, 2.6e-6), first=4, sweep=(1e-7, 4e-7))
KEPT = Position(octave=1, made=2, done=0, reason="", stop_reason="steps", setbacks=0, seconds=0.0, rows=())


def probe(config, kind):
    return {"whole": WHOLE, "tiles": TILES}[kind]


def limits(tmp_path, budget, disk=10**12, **changes):
    config = CONFIG.changed(**changes)
    engine = shared_engine(config, tiny_network())
    return Limits(config=config, engine=engine, final=FINAL, budget=budget, folder=tmp_path, disk=disk, held=300 * MIB)


def plan(tmp_path, budget, measure=True, costs=probe, **changes):
    return Planner(limits(tmp_path, budget, **changes), costs).plan(measure=measure)


def test_in_one_piece_where_memory_suffices(tmp_path):
    made = plan(tmp_path, 4000 * MIB)
    assert set(made.tiles) == {None}
    assert made.peak == pytest.approx(300 * MIB + WHOLE.memory.at((FINAL.height + 16) * (FINAL.width + 16)))
    assert made.basis == "measured"
    assert sum(stage.steps for stage in made.stages) == 60


def test_by_tiles_where_it_does_not_and_why(tmp_path):
    made = plan(tmp_path, 1300 * MIB)
    assert made.tiles[0] is None
    assert made.tiles[-1] is not None
    assert made.peak <= PLANNED_SHARE * 1300 * MIB
    assert "one piece would need too much memory" in made.notes[0]


@pytest.mark.parametrize("budget", range(500, 2400, 100))
def test_never_above_the_budget(tmp_path, budget):
    try:
        made = plan(tmp_path, budget * MIB)
    except ResourceError:
        assert budget <= 600
    else:
        assert made.peak <= PLANNED_SHARE * budget * MIB


def test_more_memory_is_never_slower(tmp_path):
    seconds = [plan(tmp_path, budget * MIB).seconds for budget in (700, 900, 1200, 1600, 4000)]
    assert seconds == sorted(seconds, reverse=True)


def test_the_refusal_names_a_budget_that_works(tmp_path):
    with pytest.raises(ResourceError, match=r"1024x768 pixels .*\d+M of memory") as refusal:
        plan(tmp_path, 360 * MIB)
    least = int(str(refusal.value).split("--max-memory ")[1].split("M")[0])
    assert plan(tmp_path, least * MIB).peak <= PLANNED_SHARE * least * MIB
    with pytest.raises(ResourceError):
        plan(tmp_path, int(0.97 * least) * MIB)


def test_what_a_process_holds_may_differ_a_little_from_run_to_run(tmp_path):
    """The budget that a refusal names works in the next process too."""
    with pytest.raises(ResourceError) as refusal:
        plan(tmp_path, 360 * MIB)
    least = int(str(refusal.value).split("--max-memory ")[1].split("M")[0])
    fuller = replace(limits(tmp_path, least * MIB), held=303 * MIB)
    assert Planner(fuller, probe).plan(measure=True).peak <= PLANNED_SHARE * least * MIB


@pytest.mark.parametrize("budget", range(2000, 6000, 400))
def test_no_array_is_in_memory_that_makes_a_plan_too_large(tmp_path, budget):
    """What octaves in one piece leave behind counts too."""
    large = replace(limits(tmp_path, budget * MIB, size=8192), final=Size(6144, 8192))
    made = [Planner(large, probe)._made(plan_octaves(large.final, 60, None), tile) for tile in module.TILES]
    for each in made:
        if each.peak > large.room:
            assert each.stages[-1].folder == tmp_path
            assert not each.stages[-1].resident


def test_without_tiles_the_refusal_names_them(tmp_path):
    with pytest.raises(ResourceError, match=r"--tile auto.*--max-memory"):
        plan(tmp_path, 900 * MIB, tile="off")


def test_a_tile_below_the_halo_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="tile: expected at least"):
        plan(tmp_path, 4000 * MIB, tile=8)


def test_arrays_are_mapped_only_where_they_must_be(tmp_path):
    large = limits(tmp_path, 1800 * MIB, tile=256, size=4096)
    made = Planner(replace(large, final=Size(3072, 4096)), probe).plan(measure=True)
    last = made.stages[-1]
    assert last.folder == tmp_path
    assert made.disk > 6 * PIXEL * 3072 * 4096
    new_array = Planner(replace(large, final=Size(3072, 4096), budget=40_000 * MIB), probe).plan(measure=True)
    assert new_array.stages[-1].folder is None
    assert new_array.disk == 0


def test_a_small_disk_shortens_the_history(tmp_path):
    tight = replace(limits(tmp_path, 350 * MIB, disk=90 * MIB), held=100 * MIB)
    made = Planner(tight, probe).plan(measure=True)
    assert 1 <= min(stage.history or 99 for stage in made.stages) < 10
    assert any("pairs of L-BFGS history" in note for note in made.notes)
    with pytest.raises(ResourceError, match=r"0\.0G .*TMPDIR"):
        Planner(replace(tight, disk=30 * MIB), probe).plan(measure=True)


def test_steps_fall_to_stay_within_the_time(tmp_path):
    free = plan(tmp_path, 4000 * MIB)
    hasty = plan(tmp_path, 4000 * MIB, time_budget=free.seconds / 3)
    steps = sum(stage.steps for stage in hasty.stages)
    assert hasty.seconds <= free.seconds / 3
    assert f"{steps} steps instead of 60" in hasty.notes[-1]
    assert plan(tmp_path, 4000 * MIB, time_budget=2 * free.seconds).tiles == free.tiles
    with pytest.raises(ResourceError, match=r"one step .*\d+s, but only 1s .*--time-budget") as refusal:
        plan(tmp_path, 4000 * MIB, time_budget=1.0)
    least = int(str(refusal.value).split("--time-budget ")[1].split("s")[0])
    assert plan(tmp_path, 4000 * MIB, time_budget=float(least)).seconds <= least


def test_what_is_beyond_doubt_is_not_measured(tmp_path):
    def never(config, kind):
        raise AssertionError(kind)

    made = plan(tmp_path, 64_000 * MIB, measure=False, costs=never)
    assert made.basis == "guessed"
    assert made.peak < 32_000 * MIB
    with pytest.raises(AssertionError):
        plan(tmp_path, 1300 * MIB, measure=False, costs=never)


def test_what_was_measured_before_is_used(tmp_path):
    made = Planner(limits(tmp_path, 64_000 * MIB), probe, lambda config, kind: True).plan(measure=False)
    assert made.basis == "measured"


def test_what_cannot_be_measured_is_guessed(tmp_path):
    assert plan(tmp_path, 64_000 * MIB, costs=lambda config, kind: None).basis == "guessed"


def test_a_plan_is_made_here_and_now(monkeypatch):
    monkeypatch.setattr(limits_module, "available_memory", lambda: 64_000 * MIB)
    engine = shared_engine(CONFIG, tiny_network())
    assert plan_render(CONFIG, engine, FINAL, probe=probe).basis == "guessed"
    assert plan_render(CONFIG, engine, FINAL, measure=True, probe=probe).basis == "measured"


def test_a_resumed_plan_is_the_old_one(tmp_path, monkeypatch):
    old = plan(tmp_path, 1300 * MIB)
    at = replace(KEPT, levels=old.levels, kills=2)
    engine = shared_engine(CONFIG, tiny_network())
    monkeypatch.setattr(module, "memory_kills", lambda: 2)
    assert plan_render(CONFIG, engine, FINAL, kept=at, probe=probe).levels == old.levels


@pytest.mark.parametrize("tile", [None, 512])
def test_after_a_kill_for_want_of_memory_tiles_are_smaller(tmp_path, monkeypatch, tile):
    levels = tuple(Level(96 * n, 512 * n, 3, 0, tile, 3) for n in (1, 2))
    monkeypatch.setattr(module, "memory_kills", lambda: 3)
    engine = shared_engine(CONFIG, tiny_network())
    made = plan_render(CONFIG, engine, FINAL, kept=replace(KEPT, levels=levels, kills=2), probe=probe)
    assert made.tiles[0] == tile
    assert made.tiles[1] < (tile or 1024)
    assert "killed a process" in made.notes[0]


def test_a_network_that_looks_at_the_whole_image_gets_no_tiles(tmp_path):
    whole = limits(tmp_path, 900 * MIB)
    engine = SimpleNamespace(untileable="pool", activation_bytes=100.0, region_bytes=10.0, program=whole.engine.program)
    with pytest.raises(ResourceError, match="need at least"):
        Planner(replace(whole, engine=engine), probe).plan(measure=True)


@pytest.mark.parametrize("tile", [None, 128])
def test_regions_take_memory(tmp_path, tile):
    without = limits(tmp_path, 900 * MIB)
    stage = Stage(size=Size(512, 512), steps=1, tile=tile)
    peaks = [Planner(replace(without, regions=regions), probe).peak(stage) for regions in (0, 3)]
    assert peaks[1] - peaks[0] == pytest.approx(3 * without.engine.region_bytes * 528**2)
    if tile is not None:
        mapped = replace(stage, folder=tmp_path)
        peaks = [Planner(replace(without, regions=regions), probe).peak(mapped) for regions in (0, 3)]
        assert peaks[1] - peaks[0] == pytest.approx(3 * 3 * 4 * 528**2)
