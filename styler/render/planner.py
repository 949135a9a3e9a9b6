"""Chooses tiles, where arrays live, history and steps so that a render stays within its memory and time.

Memory is that of the whole process: what it holds now, what TensorFlow takes for the largest octave or tile, arrays of
the size of the image, and what writing the file takes. TensorFlow keeps what it once took, so the largest counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from styler.config import RenderConfig
from styler.errors import ResourceError
from styler.images.mapped import LARGE
from styler.memory import memory_kills
from styler.objective.strength import is_photo
from styler.progress import Phase
from styler.recipe import Level, Plan
from styler.render.buffers import BUSY
from styler.render.cost import Cost, guessed
from styler.render.engine import Engine
from styler.render.limits import PLANNED_SHARE, Limits
from styler.render.margin import padded_size
from styler.render.probe import is_kept, probed
from styler.render.pyramid import Stage, plan_octaves
from styler.render.schedule import Schedule, named_tile
from styler.render.snapshot import Position
from styler.types import Size

CLEAR = 0.5  # of the budget: a guess below it needs no measurement
TILES = (2048, 1536, 1024, 768, 512, 384, 256, 192, 128)  # pixels, tried from the fastest down
PIXEL = 12  # bytes: three float32
OUTPUT = 4  # bytes a pixel of Pillow's own copy, from which it writes JPEG and WebP; PNG and TIFF need less
SWEEP = 30 * 2**20  # bytes: pieces of two dozen buffers and rings that are mapped for a moment
TRIALS = 1.08  # evaluations a step, an estimate: a search seldom needs a second trial; reports tell both counts
PREPARED = 0.5  # evaluations an octave: photo and painting pass through the network once and only forward, which is a
# third of a step in one piece and a quarter by tiles
UNSTEADY = 1.01  # times the least budget: what a fresh process holds differs by some MiB from one run to the next
LARGEST_LEFT = 1024  # pixels: a tile to halve where one piece was too much
KEPT = 0.5  # of what octaves in one piece took, an estimate: TensorFlow keeps it, tiles of other shapes use some of it


def plan_render(
    config: RenderConfig,
    engine: Engine,
    final: Size,
    *,
    measure: bool = False,
    reserve: int = 0,
    kept: Position | None = None,
    plan: Plan | None = None,
    probe: Callable[..., Cost | None] | None = None,
    phase: Phase | None = None,
) -> Schedule:
    """The one place that decides what a render does: what a recipe or a checkpoint says, or else a new plan.

    A new plan keeps within the config's `max_memory` and `time_budget`.

    Args:
        config: Options of the render.
        engine: That will carry it out.
        final: Size of the result.
        measure: Predict from measurements also where a guess shows that all is well.
        reserve: Bytes that will be held beside what the process holds now.
        kept: Where a render stands that goes on.
        plan: What a recipe says; obeyed as far as it goes.
        probe: Measures a config's cost in one piece ("whole") or by "tiles"; None for a short run on this machine.
        phase: Called before measurements.

    Raises:
        ResourceError: No plan fits; the message names the least that would do.
        ConfigError: `tile` is smaller than what the layers see around it.
    """
    if is_photo(config):
        return Schedule(size=final, stages=())

    def measured(config: RenderConfig, kind: str) -> Cost | None:
        if phase is not None and not is_kept(config, kind):
            phase("measuring this machine")
        return probed(config, kind)

    planner = Planner(
        Limits.here(config, engine, final, reserve), probe or measured, (lambda *_: False) if probe else is_kept
    )
    if kept is not None and kept.levels:
        schedule = planner.resumed(kept)
    elif plan is not None and plan.octaves:
        schedule = planner.obeyed(plan.octaves)
    else:
        schedule = planner.plan(measure=measure)
    return replace(schedule, changes=plan.changes) if plan else schedule


class Planner:
    """Searches a plan.

    Args:
        limits: What it is made for.
        probe: Measures what cannot be told from shapes.
        kept: Whether that was measured before, so that the probe takes no time.
    """

    def __init__(
        self,
        limits: Limits,
        probe: Callable[..., Cost | None],
        kept: Callable[..., bool] = lambda config, kind: False,
    ) -> None:
        self.limits, self._probe, self._measured = limits, probe, kept
        self._guesses = False

    def plan(self, *, measure: bool) -> Schedule:
        """See `plan_render`."""
        config = self.limits.config
        self._check_tile()
        plan = None if measure or config.time_budget is not None else self.rough()
        if plan is None or self._is_known(plan):
            plan = self._within_memory(config.steps)
        return plan if config.time_budget is None else self._within_time(plan, config.time_budget)

    def _is_known(self, plan: Schedule) -> bool:
        """Whether what the plan needs was measured before."""
        kinds = {"whole" if tile is None else "tiles" for tile in plan.tiles}
        return all(self._measured(self.limits.config, kind) for kind in kinds)

    def resumed(self, at: Position) -> Schedule:
        """The plan of a checkpoint; with smaller tiles if the system has killed for want of memory since."""
        schedule = self.obeyed(at.levels)
        if memory_kills() <= at.kills:
            return schedule
        stages = schedule.stages
        smallest = self.limits.engine.tiling.view.smallest_tile
        longest = max(padded_size(stages[at.octave].size))
        tile = max((stages[at.octave].tile or min(longest, LARGEST_LEFT)) // 2, smallest)
        smaller = tuple(self._shrunk(s, tile) if i >= at.octave else s for i, s in enumerate(stages))
        note = f"tiles of {tile} pixels, since the system had to kill for want of memory"
        return Schedule(size=schedule.size, stages=smaller, budget=self.limits.budget, notes=(note,))

    def obeyed(self, levels: tuple[Level, ...]) -> Schedule:
        """A schedule that is to be made again, to the byte."""
        stages = tuple(Stage.of(level) for level in levels)
        folders = (None if stage.tile is None else self._folder_for(stage) for stage in stages)
        placed = tuple(replace(stage, folder=folder) for stage, folder in zip(stages, folders, strict=True))
        return Schedule(size=self.limits.final, stages=placed, budget=self.limits.budget)

    def _folder_for(self, stage: Stage) -> Path | None:
        """Where buffers are mapped to if they are large; whether they are does not change the picture."""
        return self.limits.folder if PIXEL * _pixels(stage.size) >= LARGE else None

    def _shrunk(self, stage: Stage, tile: int) -> Stage:
        return replace(stage, tile=min(stage.tile or tile, tile), folder=self.limits.folder)

    def _check_tile(self) -> None:
        tile = self.limits.config.tile
        if isinstance(tile, int):
            self.limits.engine.tiling.view.check_tile(tile)

    def rough(self) -> Schedule | None:
        """The first plan to try, where a guess that is too high rather than too low leaves no doubt that it fits."""
        config, budget = self.limits.config, self.limits.budget
        octaves = plan_octaves(self.limits.final, config.steps, config.scales)
        plan = Planner(self.limits, lambda *_: None)._made(octaves, next(self._tile_sizes()))
        return plan if plan is not None and (budget is None or plan.peak <= CLEAR * budget) else None

    @cached_property
    def _whole(self) -> Cost:
        found = self._probe(self.limits.config, "whole")
        self._guesses |= found is None
        return found or guessed(self.limits.engine.activation_bytes, self._state_bytes)

    @cached_property
    def _tiles(self) -> Cost:
        found = self._probe(self.limits.config, "tiles")
        self._guesses |= found is None
        return found or guessed(self.limits.engine.activation_bytes, 0.0)

    @property
    def _state_bytes(self) -> float:
        """Bytes a pixel of the optimizer's state on the device, with what a step holds beside it."""
        return PIXEL * (2.0 * self.limits.engine.program.optimizer.history + 8)

    def _within_memory(self, steps: int) -> Schedule:
        config, final = self.limits.config, self.limits.final
        octaves = plan_octaves(final, steps, config.scales)
        candidates, disk_suffices = [], True
        for tile in self._tile_sizes():
            plan = self._made(octaves, tile)
            if plan is None:
                disk_suffices = False
                continue
            if not any(plan.tiles) and plan.peak <= self.limits.room:
                return plan
            candidates.append(plan)
        fitting = [plan for plan in candidates if plan.peak <= self.limits.room]
        if not fitting:
            self._refuse(candidates, disk_suffices or any(any(plan.tiles) for plan in candidates))
        return min(fitting, key=lambda plan: plan.seconds)

    def _tile_sizes(self) -> Iterator[int | None]:
        """Sides worth trying; None for all octaves in one piece."""
        tile = self.limits.config.tile
        if isinstance(tile, int):
            yield tile
            return
        yield None
        if tile == "auto" and not self.limits.engine.untileable:
            smallest = self.limits.engine.tiling.view.smallest_tile
            yield from (side for side in TILES if smallest <= side < max(padded_size(self.limits.final)))
            yield smallest

    def _made(self, octaves: tuple[Stage, ...], tile: int | None) -> Schedule | None:
        """The plan with tiles of one size; None if the disk cannot hold its buffers."""
        split = [replace(octave, tile=self._tile_of(octave, tile)) for octave in octaves]
        kept, stages = self._kept(split), []
        for each in split:
            stage = each if each.tile is None else self._tiled_stage(each, self.limits.room - kept)
            if stage is None:
                return None
            stages.append(stage)
        return Schedule(
            size=self.limits.final,
            stages=tuple(stages),
            peak=max(map(self.peak, stages)) + kept,
            seconds=sum(map(self.seconds, stages)) + self._first_calls(stages),
            budget=self.limits.budget,
            basis="guessed" if self._guesses else "measured",
            disk=max(map(self.disk, stages)),
            held=self.limits.held,
            notes=self._notes(stages),
        )

    def _tile_of(self, octave: Stage, tile: int | None) -> int | None:
        """Side of an octave's tiles where those of the largest have this one; None for one piece."""
        config = self.limits.config
        if isinstance(config.tile, int):
            return named_tile(config, octave.size)
        return None if tile is None or self._fits_whole(octave, tile) else tile

    def _fits_whole(self, octave: Stage, tile: int) -> bool:
        """A small octave in one piece, if it takes no more memory than a tile of the large ones."""
        return self._whole.memory.at(_pixels(octave.size)) <= self._tiles.memory.at(self._seen(self.limits.final, tile))

    def _tiled_stage(self, stage: Stage, room: float) -> Stage | None:
        """Buffers in memory if they fit, else mapped, as few as must be; history as the disk allows."""
        stage = replace(stage, history=self._pairs(stage))
        if self.peak(stage) <= room:
            return stage
        for count in range(len(BUSY), -1, -1):
            mapped = replace(stage, folder=self.limits.folder, resident=frozenset(BUSY[:count]))
            if self.peak(mapped) <= room or not count:
                return self._on_disk(mapped)
        return None

    def _pairs(self, octave: Stage) -> int | None:
        return min(self.limits.engine.program.optimizer.history, octave.steps) or None

    def _on_disk(self, stage: Stage) -> Stage | None:
        while self.disk(stage) > self.limits.disk:
            if not stage.history or stage.history == 1:
                return None
            stage = replace(stage, history=stage.history - 1)
        return stage

    def buffers(self, stage: Stage) -> dict[str, float]:
        """Bytes of every buffer of a tiled octave by name."""
        engine = self.limits.engine
        image = PIXEL * _pixels(stage.size)
        names = ["photo", "coarse", "iterate", "gradient"]
        adam = ["first", "second", "total", "best"]
        sizes = dict.fromkeys([*names, *(["slope", "direction", "trial"] if stage.history else adam)], image)
        sizes |= dict.fromkeys(["moves", "turns"], image * (stage.history or 0))
        return sizes | {"content": engine.content_bytes * _pixels(stage.size)}

    def disk(self, stage: Stage) -> float:
        """Bytes of files that are mapped during a stage."""
        if stage.folder is None:
            return 0.0
        return sum(size for name, size in self.buffers(stage).items() if name not in stage.resident)

    def peak(self, stage: Stage) -> float:
        """Bytes that the process holds at most during a stage."""
        if stage.tile is None:
            return self._whole_peak(stage, self._whole)
        sizes = self.buffers(stage)
        resident = sum(size for name, size in sizes.items() if stage.folder is None or name in stage.resident)
        tile = self._tiles.memory.at(self._seen(stage.size, stage.tile))
        return self.limits.held + tile + resident + max(SWEEP, self._output(stage))

    def _whole_peak(self, octave: Stage, cost: Cost) -> float:
        return self.limits.held + cost.memory.at(_pixels(octave.size)) + self._output(octave)

    def _output(self, octave: Stage) -> float:
        """Writing a result that is large; small ones reuse what the last octave has left."""
        size = OUTPUT * octave.pixels
        return size if size > LARGE else 0.0

    def _kept(self, stages: list[Stage]) -> float:
        """What TensorFlow keeps of octaves in one piece, unfit for tiles of another shape; 0 where there are none."""
        whole = [self._whole.memory.at(_pixels(stage.size)) for stage in stages if stage.tile is None]
        return KEPT * max(whole) if whole and len(whole) < len(stages) else 0.0

    def seconds(self, stage: Stage) -> float:
        """Of a stage, but for compiling."""
        pixels = _pixels(stage.size)
        evaluations = (stage.steps + 1) * TRIALS + PREPARED
        if stage.tile is None:
            return evaluations * self._whole.seconds.at(pixels)
        tiles = self.limits.engine.tiling.view.tiles(padded_size(stage.size), stage.tile)
        evaluation = sum(self._tiles.seconds.at(each.pixels) for each in tiles)
        sweep = self._tiles.sweep[stage.folder is not None] * pixels
        return evaluations * evaluation + stage.steps * sweep

    def _first_calls(self, stages: list[Stage]) -> float:
        """Compiling, once for each kind."""
        tiled = any(stage.tile for stage in stages)
        whole = any(stage.tile is None for stage in stages)
        return tiled * (self._tiles.first if tiled else 0.0) + whole * (self._whole.first if whole else 0.0)

    def _seen(self, size: Size, tile: int) -> int:
        """Pixels of the largest tile with its halo."""
        return max(each.pixels for each in self.limits.engine.tiling.view.tiles(padded_size(size), tile))

    def _notes(self, stages: list[Stage]) -> tuple[str, ...]:
        notes = []
        tiles = {stage.tile for stage in stages if stage.tile}
        if tiles and self.limits.config.tile == "auto":
            notes.append(f"tiles of {max(tiles)} pixels, since one piece would take more memory than there is")
        if any(stage.folder for stage in stages):
            notes.append(f"arrays of the size of the image are mapped from files in {self.limits.folder}")
        asked = self.limits.engine.program.optimizer.history
        fewest = min((stage.history or asked) for stage in stages)
        if any(stage.folder and (stage.history or asked) < min(asked, stage.steps) for stage in stages):
            notes.append(f"{fewest} pairs of L-BFGS history instead of {asked}, as many as the disk holds")
        return tuple(notes)

    def _refuse(self, candidates: list[Schedule], disk_suffices: bool) -> None:
        limits = self.limits
        if not disk_suffices:
            needed = self.disk(Stage(size=limits.final, steps=1, tile=1, history=1, folder=limits.folder))
            message = (
                f"{limits.folder} has {limits.disk / 2**30:.1f}G to spare and a render of {limits.final.width}x"
                f"{limits.final.height} needs {needed / 2**30:.1f}G there; free some or name another folder in TMPDIR"
            )
            raise ResourceError(message)
        least = UNSTEADY * min(plan.peak for plan in candidates) / PLANNED_SHARE
        way = "use --tile auto, " if limits.config.tile != "auto" else ""
        message = (
            f"{limits.final.width}x{limits.final.height} pixels need at least {_memory(least)} of memory, "
            f"allowed are {_memory(limits.budget or 0)}; {way}give --max-memory {_memory(least)} or a smaller --size"
        )
        raise ResourceError(message)

    def _within_time(self, plan: Schedule, seconds: float) -> Schedule:
        """As many steps as fit, by bisection: seconds grow with steps."""
        if plan.seconds <= seconds:
            return plan
        enough, most = 0, self.limits.config.steps
        while most - enough > 1:
            middle = (enough + most) // 2
            fits = self._within_memory(middle).seconds <= seconds
            enough, most = (middle, most) if fits else (enough, middle)
        if not enough:
            least = math.ceil(self._within_memory(1).seconds)
            message = f"even one step takes {least}s, allowed are {seconds:.3g}s; give --time-budget {least}s"
            raise ResourceError(message + " or a smaller --size")
        made = self._within_memory(enough)
        note = f"{enough} steps instead of {self.limits.config.steps}, to stay within {seconds:.0f} s"
        return replace(made, notes=(*made.notes, note))


def _pixels(size: Size) -> int:
    """With the margin."""
    padded = padded_size(size)
    return padded.height * padded.width


def _memory(amount: float) -> str:
    """As `--max-memory` takes it, rounded up."""
    return f"{math.ceil(amount / 2**20)}M"
