"""The composition: two or more pictures and a config to a rendered picture, octave by octave."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import tensorflow as tf

from styler.config import RenderConfig
from styler.images.color import with_chroma_of
from styler.images.mapped import Array, bands, is_mapped, new_array
from styler.images.picture import Picture, Pixels
from styler.images.resampling import resampled_colors
from styler.images.writing import as_pil
from styler.inputs import Inputs
from styler.losses.term import CONTENT, Term
from styler.memory import trim
from styler.progress import StepEvent
from styler.recipe import Level, Recipe, changed_until
from styler.render.account import Account
from styler.render.engine import Engine, on_engine
from styler.render.margin import without_margin
from styler.render.memory_watch import MemoryWatch
from styler.render.octave import Octave
from styler.render.octaves import OUT_OF_MEMORY, Octaves
from styler.render.outcome import Outcome, warnings_about, with_belongings
from styler.render.schedule import Schedule
from styler.render.snapshot import Snapshot
from styler.tiles.tiling import OnTile
from styler.types import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One render under way: what all its octaves share."""

    account: Account
    schedule: Schedule
    octaves: Octaves
    event_every: int | None
    memory: MemoryWatch

    @property
    def content(self) -> Picture:
        """The photo."""
        return self.octaves.inputs.photo


class Renderer:
    """Renders pictures with one config on an engine that serves it.

    Args:
        config: What to render.
        engine: Made for this config or for one that differs in nothing decisive.
        described: From a size and octaves to the recipe of a picture; None where events need none.
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
        told: OnTile | None = None,
    ) -> Generator[StepEvent, None, Outcome]:
        """Render octave by octave.

        Args:
            inputs: The photo, the paintings, an image to start from.
            schedule: Size, octaves, tiles and where arrays live.
            event_every: An event at every multiple of this step at the latest.
            snapshot: Where to go on from, instead of the beginning; of a render of the same pictures and config.
            told: Called after each tile with the count of tiles done and to do in this evaluation. What it raises
                stops the render at once; the last event still has its picture and its snapshot then.

        Yields:
            An event after each call of the compiled program.

        Returns:
            The finished picture.

        Raises:
            ConfigError: Counts of styles and of their weights differ.
            CheckpointError: The snapshot is of another render.
            ResourceError: Memory ran out, even with the smallest tiles.
        """
        self.config.style_shares(len(inputs.styles))
        if not schedule.stages:
            return Outcome(
                pixels=resampled_colors(inputs.photo, schedule.size),
                octaves=[],
                style_distances={},
                content_distances={},
                stop_reason="strength",
                seconds=0.0,
            )
        with MemoryWatch(schedule.budget) as memory:
            run = Run(
                account=Account(schedule.stages),
                schedule=schedule,
                octaves=Octaves(
                    config=self.config,
                    engine=self.engine,
                    inputs=inputs,
                    memory=memory,
                    told=told,
                ),
                event_every=event_every,
                memory=memory,
            )
            outcome = yield from on_engine(self.engine, self._octaves(run, snapshot))
        return replace(outcome, warnings=tuple(warnings_about(outcome, inputs)))

    def _octaves(self, run: Run, snapshot: Snapshot | None) -> Generator[StepEvent, None, Outcome]:
        account = run.account
        if snapshot is not None:
            account.resume(snapshot.position)
        first, *rest = run.schedule.stages[account.index :]
        octave = self._octaves_at(run, _before(snapshot)).started(run.memory.capped(first), snapshot=snapshot)
        octave = yield from self._to_its_end(run, octave)
        for stage in rest:
            octave = self._octaves_at(run, account.done).started(run.memory.capped(stage), octave)
            octave = yield from self._to_its_end(run, octave)
        return self._outcome(run, octave)

    def _octaves_at(self, run: Run, step: int) -> Octaves:
        """The octaves with the options that hold once so many steps are made."""
        return replace(run.octaves, config=changed_until(self.config, run.schedule.changes, step))

    def _to_its_end(self, run: Run, octave: Octave) -> Generator[StepEvent, None, Octave]:
        """An octave's steps, with less memory where that runs out; none once an octave was given up."""
        account, memory = run.account, run.memory
        octave.reason = octave.reason or ("diverged" if account.diverged else "")
        taken_up = account.done + max(octave.made - 1, 0)  # a change at the very step of a snapshot is still to come
        while not octave.reason:
            step = account.done + octave.made
            if any(taken_up < change.step <= step for change in run.schedule.changes):
                octave.change(self._octaves_at(run, step).targets)
            taken_up = step
            try:
                pace = octave.advance(self._most_steps(run, octave))
            except tf.errors.ResourceExhaustedError:
                octave = run.octaves.smaller(octave, OUT_OF_MEMORY, needed=True)
                continue
            account.note(octave, pace)
            if pace is None or pace.steps or octave.reason:
                yield self._event(run, octave)
            if not octave.reason and memory.alarmed():
                octave = run.octaves.smaller(octave, "memory use came near the budget", needed=False)
        account.finish_octave(octave)
        trim()
        return octave

    def _most_steps(self, run: Run, octave: Octave) -> int:
        """Steps until an event or a change is due."""
        step = run.account.done + octave.made
        to_change = [change.step - step for change in run.schedule.changes if change.step > step]
        return min([run.account.most_steps(octave.made, run.event_every), *to_change])

    def _event(self, run: Run, octave: Octave) -> StepEvent:
        account, size = run.account, octave.stage.size
        described = self.described if octave.made else None
        position, arrays = account.position(octave), octave.arrays()

        def picture() -> Picture:
            with self.engine.held():
                return with_belongings(run.content, self.finished(run.content, octave.image()))

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
        account, objective = run.account, self.engine.objective
        distances = octave.distances()
        return Outcome(
            pixels=self.finished(run.content, octave.image()),
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

    def finished(self, content: Picture, image: Array) -> Pixels:
        """An image with margin, (H, W, 3), -> pixels without, in the colors that `config` asks for; a copy."""
        pixels = without_margin(image[None])[0]
        if self.config.color != "luminance":
            return pixels if is_mapped(pixels) else pixels.copy()
        photo = resampled_colors(content, Size(*pixels.shape[:2]))
        made = new_array(pixels.shape)
        for rows in bands(made, pixels, photo):
            made[rows] = with_chroma_of(pixels[rows], photo[rows])
        return made


def _distances(terms: Iterable[Term[Any]], distances: Mapping[str, float]) -> dict[str, float]:
    return {term.subject: round(distances[term.name], 6) for term in terms}


def _before(snapshot: Snapshot | None) -> int:
    """Steps whose changes the octave of a snapshot has taken up: at the snapshot's own step they are still to come."""
    if snapshot is None:
        return 0
    return snapshot.position.done + max(snapshot.position.made - 1, 0)
