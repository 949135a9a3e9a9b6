"""Chooses tiles, the storage of arrays, history and steps so that a render stays within its memory and time.

Memory means that of the whole process. It is the sum of the memory that the process holds now, TensorFlow's memory for
the largest octave or tile, the image-sized arrays, and the memory for writing the file. TensorFlow keeps memory
once it has allocated it, so the largest octave or tile determines the peak.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from styler.config import RenderConfig
from styler.errors import ResourceError
from styler.images.mapped import LARGE, bytes_in_memory
from styler.memory import memory_kills
from styler.objective.strength import is_photo
from styler.progress import Phase
from styler.recipe import Level, Plan
from styler.render.buffers import BUSY
from styler.render.cost import Cost, guessed
from styler.render.engine import Engine
from styler.render.limits import PLANNED_SHARE, Limits, memory_text
from styler.render.margin import padded_size
from styler.render.one_pass_plan import COPIES, plan_one_pass
from styler.render.probe import is_kept, probed
from styler.render.pyramid import Stage, octaves_of
from styler.render.schedule import Schedule, named_tile
from styler.render.snapshot import Position
from styler.types import Size

CLEAR = 0.5  # share of the budget; an estimate below it needs no measurement
TILES = (2048, 1536, 1024, 768, 512, 384, 256, 192, 128)  # pixels; the fastest come first
PIXEL = 12  # bytes: three float32
OUTPUT = 4  # bytes per pixel of the copy from which Pillow writes JPEG and WebP; PNG and TIFF need less
SWEEP = 30 * 2**20  # bytes: pieces of two dozen buffers and ring buffers are mapped at the same time
TRIALS = 1.08  # evaluations per step, estimated: a line search seldom needs a second trial; reports have both counts
PREPARED = 0.5  # evaluations per octave: the photo and the painting pass forward through the network once, which takes
# a third of a step in one piece and a quarter of a step in tiles
UNSTEADY = 1.01  # factor on the smallest budget: the memory of a fresh process varies by some MiB between runs
LARGEST_LEFT = 1024  # pixels; the tile that is halved if one piece was too large
KEPT = 0.5  # share of the memory of octaves in one piece, estimated: TensorFlow keeps it, and tiles reuse only a part


def plan_render(
    config: RenderConfig,
    engine: Engine,
    final: Size,
    *,
    measure: bool = False,
    reserve: int = 0,
    regions: int = 0,
    kept: Position | None = None,
    plan: Plan | None = None,
    probe: Callable[..., Cost | None] | None = None,
    phase: Phase | None = None,
) -> Schedule:
    """Plan a render: follow a checkpoint or a recipe if there is one, otherwise make a new plan.

    A new plan stays within the config's `max_memory` and `time_budget`.

    Args:
        config: Options of the render.
        engine: Engine that will carry it out.
        final: Size of the result.
        measure: Whether to measure even if a rough estimate shows that the render fits.
        reserve: Bytes that the render must leave free for other uses in this process.
        regions: Number of regions; 0 without masks.
        kept: Position of the render to continue; None for a new render.
        plan: Plan of a recipe; followed as far as it goes.
        probe: Measures the cost of a config in one piece ("whole") or in "tiles"; None for a short run on this machine.
        phase: Called before measurements.

    Raises:
        ResourceError: No plan fits; the message states the smallest budget that would be enough.
        ConfigError: `tile` is too small for the halo that the layers need.
    """
    if is_photo(config):
        return Schedule(size=final, stages=())

    def measured(config: RenderConfig, kind: str) -> Cost | None:
        if phase is not None and not is_kept(config, kind):
            phase("measuring this machine")
        return probed(config, kind)

    if not config.steps:
        return plan_one_pass(Limits.here(config, engine, final, reserve, regions), plan)
    planner = Planner(
        Limits.here(config, engine, final, reserve, regions),
        probe or measured,
        (lambda *_: False) if probe else is_kept,
    )
    if kept is not None and kept.levels:
        schedule = planner.resumed(kept)
    elif plan is not None and plan.octaves:
        schedule = planner.obeyed(plan.octaves)
    else:
        schedule = planner.plan(measure=measure)
    return replace(schedule, changes=plan.changes) if plan else schedule


class Planner:
    """Searches for a plan.

    Args:
        limits: The render and the memory and disk space that it may use.
        probe: Measures the costs that shapes alone do not show.
        kept: Whether a measurement is already in the cache, so that `probe` takes no time.
    """

    def __init__(
        self,
        limits: Limits,
        probe: Callable[..., Cost | None],
        kept: Callable[..., bool] = lambda config, kind: False,
    ) -> None:
        self.limits = limits
        self._probe = probe
        self._measured = kept
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
        """Whether all measurements that the plan needs are in the cache."""
        kinds = {"whole" if tile is None else "tiles" for tile in plan.tiles}
        return all(self._measured(self.limits.config, kind) for kind in kinds)

    def resumed(self, at: Position) -> Schedule:
        """Follow the plan of a checkpoint; shrink the tiles if the system has since killed processes for memory."""
        schedule = self.obeyed(at.levels)
        if memory_kills() <= at.kills:
            return schedule
        stages = schedule.stages
        smallest = self.limits.engine.tiling.view.smallest_tile
        longest = max(padded_size(stages[at.octave].size))
        tile = max((stages[at.octave].tile or min(longest, LARGEST_LEFT)) // 2, smallest)
        smaller = tuple(self._shrunk(s, tile) if i >= at.octave else s for i, s in enumerate(stages))
        note = f"tiles of {tile} pixels, because the system ran out of memory and killed a process"
        return Schedule(
            size=schedule.size,
            stages=smaller,
            budget=self.limits.budget,
            notes=(note,),
        )

    def obeyed(self, levels: tuple[Level, ...]) -> Schedule:
        """Make the schedule that gives exactly the same bytes again."""
        stages = tuple(Stage.of(level) for level in levels)
        folders = (None if stage.tile is None else self._folder_for(stage) for stage in stages)
        placed = tuple(replace(stage, folder=folder) for stage, folder in zip(stages, folders, strict=True))
        return Schedule(
            size=self.limits.final,
            stages=placed,
            budget=self.limits.budget,
        )

    def _folder_for(self, stage: Stage) -> Path | None:
        """Return the folder for large mapped buffers, or None for small ones; mapping does not change the picture."""
        return self.limits.folder if PIXEL * _pixels(stage.size) >= LARGE else None

    def _shrunk(self, stage: Stage, tile: int) -> Stage:
        return replace(stage, tile=min(stage.tile or tile, tile), folder=self.limits.folder)

    def _check_tile(self) -> None:
        tile = self.limits.config.tile
        if isinstance(tile, int):
            self.limits.engine.tiling.view.check_tile(tile)

    def rough(self) -> Schedule | None:
        """Make the first plan from a high estimate of its cost; return None unless it clearly fits."""
        config = self.limits.config
        budget = self.limits.budget
        octaves = octaves_of(config, self.limits.final, config.steps)
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
        """Bytes per pixel of the optimizer's state on the device, including the temporary arrays of a step."""
        return PIXEL * (2.0 * self.limits.engine.program.optimizer.history + 8)

    def _within_memory(self, steps: int) -> Schedule:
        config = self.limits.config
        final = self.limits.final
        octaves = octaves_of(config, final, steps)
        candidates = []
        disk_suffices = True
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
        """Yield the sides to try; None means that all octaves are in one piece."""
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
        """Make a plan with tiles of one size; return None if the disk cannot hold its buffers."""
        split = [replace(octave, tile=self._tile_of(octave, tile)) for octave in octaves]
        kept = self._kept(split)
        stages = []
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
        """Return the side of an octave's tiles, given that of the largest octave; None for one piece."""
        config = self.limits.config
        if isinstance(config.tile, int):
            return named_tile(config, octave.size)
        return None if tile is None or self._fits_whole(octave, tile) else tile

    def _fits_whole(self, octave: Stage, tile: int) -> bool:
        """Whether an octave in one piece takes no more memory than a tile of the largest octave."""
        return self._whole.memory.at(_pixels(octave.size)) <= self._tiles.memory.at(self._seen(self.limits.final, tile))

    def _tiled_stage(self, stage: Stage, room: float) -> Stage | None:
        """Keep buffers in memory if they fit; otherwise map as few as possible, with as much history as the disk holds.

        Returns None if the disk cannot hold the buffers.
        """
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
        """Return the bytes of every buffer of a tiled octave by name."""
        engine = self.limits.engine
        image = PIXEL * _pixels(stage.size)
        names = ["photo", "coarse", "iterate", "gradient"]
        adam = ["first", "second", "total", "best"]
        sizes = dict.fromkeys([*names, *(["slope", "direction", "trial"] if stage.history else adam)], image)
        sizes |= dict.fromkeys(["moves", "turns"], image * (stage.history or 0))
        of_regions = self.limits.regions * engine.region_bytes
        return sizes | {"content": (engine.content_bytes + of_regions) * _pixels(stage.size)}

    def disk(self, stage: Stage) -> float:
        """Return the bytes of the files that are mapped during a stage."""
        if stage.folder is None:
            return 0.0
        return sum(size for name, size in self.buffers(stage).items() if name not in stage.resident)

    def peak(self, stage: Stage) -> float:
        """Return the most bytes that the process holds during a stage."""
        if stage.tile is None:
            return self._whole_peak(stage, self._whole)
        sizes = self.buffers(stage)
        resident = sum(size for name, size in sizes.items() if stage.folder is None or name in stage.resident)
        tile = self._tiles.memory.at(self._seen(stage.size, stage.tile))
        if stage.folder is not None:  # the weights of positions are mapped with the rest, those of pixels by their size
            resident += COPIES * bytes_in_memory(4.0 * self.limits.regions * _pixels(stage.size))
        return self.limits.held + tile + resident + max(SWEEP, self._output(stage))

    def _whole_peak(self, octave: Stage, cost: Cost) -> float:
        pixels = _pixels(octave.size)
        of_regions = self.limits.regions * self.limits.engine.region_bytes * pixels
        return self.limits.held + cost.memory.at(pixels) + of_regions + self._output(octave)

    def _output(self, octave: Stage) -> float:
        """Return the bytes for writing a large result; small results reuse the memory of the last octave."""
        size = OUTPUT * octave.pixels
        return size if size > LARGE else 0.0

    def _kept(self, stages: list[Stage]) -> float:
        """Return the bytes that TensorFlow keeps from octaves in one piece and cannot reuse for tiles."""
        whole = [self._whole.memory.at(_pixels(stage.size)) for stage in stages if stage.tile is None]
        return KEPT * max(whole) if whole and len(whole) < len(stages) else 0.0

    def seconds(self, stage: Stage) -> float:
        """Return the seconds that a stage takes, without compiling."""
        pixels = _pixels(stage.size)
        evaluations = (stage.steps + 1) * TRIALS + PREPARED
        if stage.tile is None:
            return evaluations * self._whole.seconds.at(pixels)
        tiles = self.limits.engine.tiling.view.tiles(padded_size(stage.size), stage.tile)
        evaluation = sum(self._tiles.seconds.at(each.pixels) for each in tiles)
        sweep = self._tiles.sweep[stage.folder is not None] * pixels
        return evaluations * evaluation + stage.steps * sweep

    def _first_calls(self, stages: list[Stage]) -> float:
        """Return the seconds for compiling: once for octaves in one piece, once for octaves in tiles."""
        tiled = any(stage.tile for stage in stages)
        whole = any(stage.tile is None for stage in stages)
        return tiled * (self._tiles.first if tiled else 0.0) + whole * (self._whole.first if whole else 0.0)

    def _seen(self, size: Size, tile: int) -> int:
        """Return the pixels of the largest tile, including its halo."""
        return max(each.pixels for each in self.limits.engine.tiling.view.tiles(padded_size(size), tile))

    def _notes(self, stages: list[Stage]) -> tuple[str, ...]:
        notes = []
        tiles = {stage.tile for stage in stages if stage.tile}
        if tiles and self.limits.config.tile == "auto":
            notes.append(f"tiles of {max(tiles)} pixels, because one piece would need too much memory")
        if any(stage.folder for stage in stages):
            notes.append(f"image-sized arrays are mapped from files in {self.limits.folder}")
        asked = self.limits.engine.program.optimizer.history
        fewest = min((stage.history or asked) for stage in stages)
        if any(stage.folder and (stage.history or asked) < min(asked, stage.steps) for stage in stages):
            notes.append(f"{fewest} pairs of L-BFGS history instead of {asked}, because the disk holds no more")
        return tuple(notes)

    def _refuse(self, candidates: list[Schedule], disk_suffices: bool) -> None:
        limits = self.limits
        if not disk_suffices:
            needed = self.disk(
                Stage(
                    size=limits.final,
                    steps=1,
                    tile=1,
                    history=1,
                    folder=limits.folder,
                )
            )
            message = (
                f"{limits.folder} has {limits.disk / 2**30:.1f}G free, but a render of {limits.final.width}x"
                f"{limits.final.height} pixels needs {needed / 2**30:.1f}G there; free some space or set TMPDIR to "
                "another folder"
            )
            raise ResourceError(message)
        least = memory_text(UNSTEADY * min(plan.peak for plan in candidates) / PLANNED_SHARE)
        way = "use --tile auto, " if limits.config.tile != "auto" else ""
        message = (
            f"{limits.final.width}x{limits.final.height} pixels need at least {least} of memory, but only "
            f"{memory_text(limits.budget or 0)} is allowed; {way}pass --max-memory {least} or a smaller --size"
        )
        raise ResourceError(message)

    def _within_time(self, plan: Schedule, seconds: float) -> Schedule:
        """Find the largest number of steps that fits, by bisection, because more steps take more time."""
        if plan.seconds <= seconds:
            return plan
        enough = 0
        most = self.limits.config.steps
        while most - enough > 1:
            middle = (enough + most) // 2
            fits = self._within_memory(middle).seconds <= seconds
            enough, most = (middle, most) if fits else (enough, middle)
        if not enough:
            least = math.ceil(self._within_memory(1).seconds)
            message = f"even one step takes {least}s, but only {seconds:.3g}s is allowed; pass --time-budget {least}s"
            raise ResourceError(message + " or a smaller --size")
        made = self._within_memory(enough)
        note = f"{enough} steps instead of {self.limits.config.steps}, to stay within {seconds:.0f} s"
        return replace(made, notes=(*made.notes, note))


def _pixels(size: Size) -> int:
    """Return the number of pixels, including the margin."""
    padded = padded_size(size)
    return padded.height * padded.width
