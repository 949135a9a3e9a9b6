"""Renders a picture from a photo, paintings and a config, octave by octave."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

import tensorflow as tf

from styler.config import RECOLORING, RenderConfig
from styler.images.amounts import Amounts, amounts_of, cover
from styler.images.color import CHROMA_OF
from styler.images.mapped import Array, bands, is_mapped, new_array
from styler.images.picture import Picture, Pixels
from styler.images.recoloring import Places, recolored, recolored_pixels
from styler.images.regions import RegionMap
from styler.images.resampling import resampled_colors, resized
from styler.images.sizes import painting_size
from styler.images.tone import TONE_SHARE
from styler.images.writing import as_pil
from styler.inputs import Inputs
from styler.losses.term import CONTENT, Term
from styler.memory import trim
from styler.objective.strength import is_photo
from styler.progress import StepEvent
from styler.recipe import Level, Recipe, changed_until
from styler.render.account import Account
from styler.render.engine import Engine, on_engine
from styler.render.margin import without_margin
from styler.render.memory_watch import MemoryWatch
from styler.render.octave import Octave
from styler.render.octaves import OUT_OF_MEMORY, Octaves
from styler.render.outcome import Outcome, notes_about, warnings_about, with_belongings
from styler.render.palettes import with_palettes
from styler.render.regions import Regions, regions_of
from styler.render.schedule import Schedule
from styler.render.snapshot import Snapshot
from styler.tiles.tiling import OnTile
from styler.types import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The state of one render that all its octaves share.

    Attributes:
        account: Counts steps and time.
        schedule: Size, octaves, tiles and the places of arrays.
        octaves: Starts the octaves.
        event_every: Number of steps between events; None for no limit.
        memory: Watches the memory use.
        content: The photo, in its own colors.
    """

    account: Account
    schedule: Schedule
    octaves: Octaves
    event_every: int | None
    memory: MemoryWatch
    content: Picture


class Renderer:
    """Renders pictures with one config on an engine that serves it.

    Args:
        config: Options of the render.
        engine: Engine that serves this config.
        described: Returns the recipe of a picture for a size and octaves; None if events need no recipe.
    """

    def __init__(
        self,
        config: RenderConfig,
        engine: Engine,
        described: Callable[[Size, tuple[Level, ...]], Recipe] | None = None,
    ) -> None:
        self.config = config
        self.engine = engine
        self.described = described

    def render(
        self,
        inputs: Inputs[Picture],
        schedule: Schedule,
        *,
        event_every: int | None = None,
        snapshot: Snapshot | None = None,
        on_tile: OnTile | None = None,
    ) -> Generator[StepEvent, None, Outcome]:
        """Render octave by octave.

        Args:
            inputs: The photo, the paintings and, optionally, an image to start from.
            schedule: Size, octaves, tiles and the places of arrays.
            event_every: Maximum number of steps between two events; every multiple of it gets one. None for no limit.
            snapshot: State of a render of the same pictures and config to continue from; None to start a new render.
            on_tile: Called after each tile with the number of tiles done and the number of all tiles in this
                evaluation. An exception from it stops the render at once; the last event then still has its picture
                and snapshot.

        Yields:
            An event after each call of the compiled program.

        Returns:
            The finished picture.

        Raises:
            ConfigError: The number of style weights is not the number of styles.
            CheckpointError: The snapshot belongs to another render.
            ResourceError: Memory ran out, even with the smallest tiles.
        """
        self.config.check_styles(len(inputs.styles))
        longer = max(schedule.size)
        regions = regions_of(inputs, longer)
        amounts = amounts_of(inputs.keep, inputs.strength_map, longer)
        if not schedule.stages:
            return self._without_steps(inputs, schedule, on_tile, regions, amounts)
        with MemoryWatch(schedule.budget) as memory:
            run = Run(
                account=Account(schedule.stages),
                schedule=schedule,
                octaves=Octaves(
                    config=self.config,
                    engine=self.engine,
                    inputs=self._toned(self._recolored(inputs, schedule.size, regions), schedule.size, regions),
                    memory=memory,
                    on_tile=on_tile,
                    regions=regions,
                    amounts=amounts,
                ),
                event_every=event_every,
                memory=memory,
                content=inputs.photo,
            )
            outcome = yield from on_engine(self.engine, self._octaves(run, snapshot))
        return replace(
            outcome,
            warnings=tuple(warnings_about(outcome, inputs)),
            notes=tuple(notes_about(inputs, run.octaves.left_out)),
        )

    def _recolored(
        self,
        inputs: Inputs[Picture],
        size: Size,
        regions: Regions | None,
    ) -> Inputs[Picture]:
        """Return the inputs with the paintings in the photo's colors, if the render should match those."""
        config = self.config
        if config.color not in RECOLORING or config.color_when == "after":
            return inputs
        minimum = self.engine.network.minimum_size
        paintings = inputs.paintings
        in_photo = self._color_regions(regions)
        masks = (None,) * len(paintings) if regions is None else regions.paintings

        def colored(painting: Picture, scale: float, mask: RegionMap | None) -> Picture:
            longer = round(max(size) * max(scale, 1.0))
            seen = resized(painting, painting_size(painting.size, longer, minimum))
            places = None if in_photo is None or mask is None else Places(mask, in_photo)
            return recolored(seen, inputs.photo, config.color, places)

        scales = inputs.for_paintings(config.style_scales(len(inputs.styles)))
        made = iter([colored(*each) for each in zip(paintings, scales, masks, strict=True)])
        return replace(inputs, styles=tuple(tuple(islice(made, len(group))) for group in inputs.styles))

    def _color_regions(self, regions: Regions | None) -> RegionMap | None:
        """Return the regions of the photo whose colors are matched one by one; None for the whole photo."""
        return None if regions is None or self.config.color_area == "whole" else regions.photo

    def _without_steps(
        self,
        inputs: Inputs[Picture],
        schedule: Schedule,
        on_tile: OnTile | None,
        regions: Regions | None,
        amounts: Amounts | None,
    ) -> Outcome:
        """Draw the picture in one pass, or resize the photo if the strength asks for the photo itself."""
        began = time.perf_counter()
        if is_photo(self.config):
            return _outcome_without_steps(resampled_colors(inputs.photo, schedule.size), "strength", began)
        with self.engine.held():
            pixels, tile = self.engine.one_pass.fitting_picture(
                self.config,
                self._toned(self._recolored(inputs, schedule.size, regions), schedule.size, regions),
                schedule.size,
                tile=schedule.tile,
                on_tile=on_tile,
                regions=regions,
            )
            pixels = self._colored(inputs.photo, pixels, regions)
            if amounts is not None:
                pixels = _over(inputs.photo, pixels, amounts.at(schedule.size))
        if tile != schedule.tile:
            note = f"tiles of {tile} pixels, because the device ran out of memory"
            schedule = replace(schedule, tile=tile, notes=(*schedule.notes, note))
        outcome = _outcome_without_steps(pixels, "one pass", began)
        outcome = replace(outcome, plan=schedule.to_dict(), tile=tile)
        return replace(outcome, warnings=tuple(warnings_about(outcome, inputs)), notes=tuple(notes_about(inputs, {})))

    def _toned(
        self,
        inputs: Inputs[Picture],
        size: Size,
        regions: Regions | None,
    ) -> Inputs[Picture]:
        """Return the inputs with the photo in the colors that the render should keep; recolored, it has `size`."""
        if self.config.content_tone == "keep":
            return inputs
        shares = inputs.painting_shares(self.config.style_shares(len(inputs.styles)))
        photo = resized(inputs.photo, size)
        return replace(inputs, content=with_palettes(photo, inputs.paintings, shares, TONE_SHARE, regions))

    def _octaves(self, run: Run, snapshot: Snapshot | None) -> Generator[StepEvent, None, Outcome]:
        account = run.account
        if snapshot is not None:
            account.resume(snapshot.position)
        first, *rest = run.schedule.stages[account.index :]
        applied = _last_applied_step(account.done, snapshot.position.made if snapshot else 0)
        octave = self._octaves_at(run, applied).started(run.memory.capped(first), snapshot=snapshot)
        octave = yield from self._finished_octave(run, octave)
        for stage in rest:
            octave = self._octaves_at(run, account.done).started(run.memory.capped(stage), octave)
            octave = yield from self._finished_octave(run, octave)
        return self._outcome(run, octave)

    def _octaves_at(self, run: Run, step: int) -> Octaves:
        """Return the octaves with the options that are valid after `step` steps."""
        return replace(run.octaves, config=changed_until(self.config, run.schedule.changes, step))

    def _finished_octave(self, run: Run, octave: Octave) -> Generator[StepEvent, None, Octave]:
        """Make all steps of an octave. Use less memory if it runs out. Make no steps if the render has diverged."""
        account = run.account
        memory = run.memory
        octave.reason = octave.reason or ("diverged" if account.diverged else "")
        applied = _last_applied_step(account.done, octave.made)
        while not octave.reason:
            step = account.done + octave.made
            octaves = self._octaves_at(run, step)
            if any(applied < change.step <= step for change in run.schedule.changes):
                octave.change(octaves.targets)
            applied = step
            try:
                pace = octave.advance(self._most_steps(run, octave))
            except tf.errors.ResourceExhaustedError:
                octave = octaves.smaller(octave, OUT_OF_MEMORY, needed=True)
                continue
            account.note(octave, pace)
            if pace is None or pace.steps or octave.reason:
                yield self._event(run, octave)
            if not octave.reason and memory.alarmed():
                octave = octaves.smaller(octave, "memory use came near the budget", needed=False)
        account.finish_octave(octave)
        trim()
        return octave

    def _most_steps(self, run: Run, octave: Octave) -> int:
        """Return the number of steps until an event or a change is due."""
        step = run.account.done + octave.made
        to_change = [change.step - step for change in run.schedule.changes if change.step > step]
        return min([run.account.most_steps(octave.made, run.event_every), *to_change])

    def _event(self, run: Run, octave: Octave) -> StepEvent:
        account = run.account
        size = octave.stage.size
        described = self.described if octave.made else None
        position = account.position(octave)
        arrays = octave.arrays()

        def picture() -> Picture:
            with self.engine.held():
                return with_belongings(run.content, self._finished(run, octave.image()))

        def snapshot() -> Snapshot | None:
            taken = arrays()
            return None if taken is None else Snapshot(position=position, arrays=taken)

        return StepEvent(
            scale=account.index + 1,
            scales=len(run.schedule.stages),
            step=account.done + octave.made,
            total=account.total,
            height=size.height,
            width=size.width,
            loss=float(octave.descent.watch.best),
            seconds_left=account.seconds_left(octave.made),
            _image=lambda: as_pil(picture()),
            _snapshot=snapshot if self.engine.program.batch_size == 1 else None,
            _picture=picture,
            _recipe=partial(described, size, account.levels_after(octave)) if described else None,
        )

    def _outcome(self, run: Run, octave: Octave) -> Outcome:
        account = run.account
        objective = self.engine.objective
        distances = octave.distances()
        return Outcome(
            pixels=self._finished(run, octave.image()),
            octaves=account.rows,
            style_distances=_distances(objective.statistic, distances),
            content_distances=_distances([term for term in objective.local if term.group == CONTENT], distances),
            stop_reason=account.stop_reason,
            seconds=account.seconds,
            history=tuple(account.history),
            setbacks=account.setbacks,
            plan=run.schedule.to_dict(),
            levels=tuple(account.levels),
            memory={"events": list(run.memory.said), "buffers": octave.buffers()},
        )

    def _finished(self, run: Run, image: Array) -> Pixels:
        """Return the picture of an image with its margin, (H, W, 3), with the photo where it stays."""
        pixels = self.finished(run.content, image, run.octaves.regions)
        amounts = run.octaves.amounts
        if amounts is None:
            return pixels
        return _over(run.content, pixels, cover(amounts.at(Size(*pixels.shape[:2]))))

    def finished(
        self,
        content: Picture,
        image: Array,
        regions: Regions | None = None,
    ) -> Pixels:
        """Remove the margin of an image (H, W, 3) and apply the color option; returns a copy."""
        pixels = without_margin(image[None])[0]
        colored = self._colored(content, pixels, regions)
        return pixels.copy() if colored is pixels and not is_mapped(pixels) else colored

    def _colored(
        self,
        content: Picture,
        pixels: Array,
        regions: Regions | None,
    ) -> Pixels:
        """Apply the color option to a picture (H, W, 3) without margin."""
        if self.config.color_when == "after":
            return recolored_pixels(pixels, content, self.config.color, self._color_regions(regions))
        if self.config.color != "luminance":
            return pixels
        combine = CHROMA_OF[self.config.lightness]
        photo = resampled_colors(content, Size(*pixels.shape[:2]))
        made = new_array(pixels.shape)
        for rows in bands(made, pixels, photo):
            made[rows] = combine(pixels[rows], photo[rows])
        return made


def _over(photo: Picture, pixels: Pixels, shown: Pixels) -> Pixels:
    """Lay a picture (H, W, 3) over the photo; `shown` is its opacity, (H, W, 1)."""
    below = resampled_colors(photo, Size(*pixels.shape[:2]))
    made = new_array(pixels.shape)
    for rows in bands(made, pixels, below):
        made[rows] = below[rows] + shown[rows] * (pixels[rows] - below[rows])
    return made


def _outcome_without_steps(pixels: Pixels, stop_reason: str, began: float) -> Outcome:
    return Outcome(
        pixels=pixels,
        octaves=[],
        style_distances={},
        content_distances={},
        stop_reason=stop_reason,
        seconds=time.perf_counter() - began,
    )


def _distances(terms: Iterable[Term[Any]], distances: Mapping[str, float]) -> dict[str, float]:
    return {term.subject: round(distances[term.name], 6) for term in terms}


def _last_applied_step(done: int, made: int) -> int:
    """Return the last step whose changes an octave at its start, or at a snapshot, has applied.

    An octave starts with the changes up to its first step. A snapshot is taken before the changes at its own step.

    Args:
        done: Steps of the octaves before.
        made: Steps of the octave itself.
    """
    return done + max(made - 1, 0)
