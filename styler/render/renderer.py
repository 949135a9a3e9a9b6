"""The composition: two or more pictures and a config to a rendered picture."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from styler.config import ORIGINAL, RenderConfig
from styler.errors import ResourceError
from styler.images.color import with_chroma_of
from styler.images.mapped import bands, roomy
from styler.images.picture import Picture, Pixels
from styler.images.reading import read_image
from styler.images.resampling import resampled_alpha, resampled_colors
from styler.images.sizes import check_shape, with_longer_side
from styler.images.writing import as_pil
from styler.losses import Stats
from styler.memory import trim
from styler.optimizers.base import State
from styler.progress import StepEvent
from styler.recipe import Level, Plan, Recipe
from styler.render.buffers import Buffers
from styler.render.course import Course
from styler.render.detail import refined
from styler.render.engine import Engine, on_engine
from styler.render.guard import Guard
from styler.render.loop import Progress, image_tensor, run_octave
from styler.render.margin import padded_size, unpadded_size, with_margin, without_margin
from styler.render.objective import Targets, Weights
from styler.render.rendered import Rendered, warnings_about, with_belongings
from styler.render.schedule import Schedule, Stage, unplanned
from styler.render.snapshot import Position, Snapshot
from styler.render.stand import Stand, begun, from_arrays, to_arrays
from styler.render.strength import is_photo, term_weights
from styler.render.tiled import TiledOctave, bounded, copied, drawn, padded_photo, refined_on_host, tiled_targets
from styler.render.tiling import TiledTargets
from styler.types import Size, Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One render under way: what all its octaves share."""

    course: Course
    schedule: Schedule
    content: Picture
    styles: list[Picture]
    event_every: int | None
    guard: Guard


class Renderer:
    """Renders pictures with one config on an engine that serves it.

    Args:
        config: What to render.
        engine: Made for this config or for one that differs in nothing decisive.
        plan: Size to obey instead of finding it out, where it has one.
        shape: (height, width) of the result where no plan has one; None for the photo's proportions.
        described: From a size and octaves to the recipe of a picture; None where events need none.
    """

    def __init__(
        self,
        config: RenderConfig,
        engine: Engine,
        plan: Plan | None = None,
        shape: Size | None = None,
        described: Callable[[Size, tuple[Level, ...]], Recipe] | None = None,
    ) -> None:
        self.config, self.engine, self.plan, self.shape, self.described = config, engine, plan, shape, described
        self.watch: Callable[[int, int], object] | None = None

    def final_size(self, content: Picture) -> Size:
        """(height, width) of the result.

        Raises:
            ConfigError: The shorter side would be too small for the network.
        """
        asked, planned = self.config.size, self.plan.size if self.plan else None
        photo = content.size if asked == ORIGINAL else with_longer_side(content.size, int(asked))
        size = planned or self.shape or photo
        check_shape(size, self.engine.network.minimum_size, "the result")
        return size

    def render(
        self,
        content: Picture,
        styles: list[Picture],
        event_every: int | None = None,
        snapshot: Snapshot | None = None,
        schedule: Schedule | None = None,
        watch: Callable[[int, int], object] | None = None,
    ) -> Generator[StepEvent, None, Rendered]:
        """Render octave by octave.

        Args:
            content: The photo.
            styles: One or more paintings.
            event_every: An event at every multiple of this step at the latest.
            snapshot: Where to go on from, instead of the beginning; of a render of the same pictures and config.
            schedule: Octaves, tiles and where arrays live; None for tiles only where the config names their size.
            watch: Called after each tile with the count of tiles done and to do in this evaluation. What it raises
                stops the render at once; the last event still has its picture and its snapshot then.

        Yields:
            An event after each call of the compiled program.

        Returns:
            The finished picture.

        Raises:
            ConfigError: Counts of styles and of their weights differ, or the result would be too small.
            CheckpointError: The snapshot is of another render.
            ResourceError: Memory ran out, even with the smallest tiles.
        """
        self.config.style_shares(len(styles))
        self.watch = watch
        final = self.final_size(content)
        if is_photo(self.config):
            return Rendered(
                pixels=resampled_colors(content, final),
                octaves=[],
                style_distances={},
                stop_reason="strength",
                seconds=0.0,
            )
        chosen = schedule or unplanned(self.config, final, self.plan)
        with Guard(chosen.budget) as guard:
            run = Run(
                course=Course(chosen.octaves, stages=chosen.kept()),
                schedule=chosen,
                content=content,
                styles=styles,
                event_every=event_every,
                guard=guard,
            )
            rendered = yield from on_engine(self.engine, self._octaves(run, snapshot))
        return replace(rendered, warnings=tuple(warnings_about(rendered, content, styles)))

    def _octaves(self, run: Run, snapshot: Snapshot | None) -> Generator[StepEvent, None, Rendered]:
        course, state, targets = run.course, None, None
        if snapshot is not None:
            course.resume(snapshot.position)
        while course.index < len(course.octaves):
            stage = run.guard.capped(run.schedule.stages[course.index])
            way = self._in_one_piece if stage.tile is None else self._by_tiles
            state, targets = yield from way(run, stage, state, snapshot)
            snapshot = None
            trim()
        return self._rendered(run, state, targets)

    def _in_one_piece(
        self, run: Run, stage: Stage, state: Any, snapshot: Snapshot | None
    ) -> Generator[StepEvent, None, tuple[Any, Any]]:
        """One octave on the device; what is left of it by tiles where memory runs out."""
        size, course = stage.octave.size, run.course
        progress: Progress | None = None
        targets: Targets | None = None
        calls: Iterator[Progress] = iter(())
        try:
            progress = self._resumed(course, snapshot) if snapshot else self._begun(run, state)
            targets = self.targets(run.content, run.styles, size)
            steps, before = stage.octave.steps, course.done
            calls = run_octave(self.engine.program, progress, targets, steps, before, run.event_every)
            for progress in calls:
                course.note(progress)
                yield self._event(run, progress)
                if not progress.reason and self._must_shrink(run.guard):
                    break
        except tf.errors.ResourceExhaustedError:
            run.guard.note("the device ran out of memory")
            self._check_tileable()
        if progress is None or not progress.reason:
            smaller = run.guard.split(stage, self.engine.tiling.view.smallest_tile)
            octave = self._tiled_octave(run, smaller, state, progress)
            del calls, progress, targets  # with what they hold on the device
            return (yield from self._steps_by_tiles(run, smaller, octave))
        course.finish_octave(progress)
        return progress.stand.state, targets

    def _must_shrink(self, guard: Guard) -> bool:
        return guard.alarmed() and not self.engine.untileable

    def _check_tileable(self) -> None:
        if self.engine.untileable:
            message = (
                f"the device ran out of memory, and layer {self.engine.untileable!r} looks at the whole image, so that "
                "it cannot be computed by tiles; ask for a smaller --size or another --network"
            )
            raise ResourceError(message)

    def _by_tiles(
        self, run: Run, stage: Stage, state: Any, snapshot: Snapshot | None
    ) -> Generator[StepEvent, None, tuple[Any, Any]]:
        """One octave on the host, tile by tile.

        Args:
            run: The render.
            stage: With a tile.
            state: Of the octave before.
            snapshot: Where to go on from within this octave; perhaps made in one piece, and killed.
        """
        whole = snapshot is not None and "state.image" in snapshot.arrays
        octave = self._tiled_octave(
            run, stage, state, self._resumed(run.course, snapshot) if snapshot is not None and whole else None
        )
        if snapshot is not None and not whole:
            octave.restore(snapshot)
        return (yield from self._steps_by_tiles(run, stage, octave))

    def _steps_by_tiles(
        self, run: Run, stage: Stage, octave: TiledOctave
    ) -> Generator[StepEvent, None, tuple[Any, Any]]:
        size, buffers = stage.octave.size, octave.buffers
        self.engine.tiling.watch = self.watch
        octave.prepare(lambda tile, photo: self._tiled_targets(run, size, tile, buffers, photo))
        progress = octave.begin(run.course.diverged)
        for progress in octave.run(stage.octave.steps):
            run.course.retile(octave.tile)
            run.course.note(progress)
            yield self._event(run, progress)
            self.engine.tiling.watch = self.watch  # another render may have set its own meanwhile
        run.course.finish_octave(progress)
        return octave, octave.targets

    def _tiled_octave(self, run: Run, stage: Stage, state: Any, progress: Progress | None) -> TiledOctave:
        """At its start, or where it stands in one piece."""
        size, buffers = stage.octave.size, stage.buffers()
        photo = padded_photo(run.content, size, buffers)
        if progress is not None:
            before = progress.stand.state
            image = copied(getattr(before, "iterate", before.image)[0].numpy(), buffers)
        elif state is None:
            image = self._first_on_host(run, photo, size, buffers)
        else:
            image = refined_on_host(np.asarray(state.image)[0], run.content, photo, buffers)
        optimizer = bounded(self.engine.program.optimizer, stage.octave.steps, stage.history)
        octave = TiledOctave(self.engine.tiling, optimizer, stage, buffers, image, photo, run.guard)
        if progress is None:
            octave.carry(state)
        else:
            octave.follow(progress)
        return octave

    def _first_on_host(self, run: Run, photo: Pixels, size: Size, buffers: Buffers) -> Pixels:
        """`first_image` into a buffer."""
        init = self.config.init
        if init == "noise":
            return drawn(size, self.config.seed, buffers)
        if init == "content":
            return copied(photo, buffers)
        picture = run.styles[0] if init == "style" else read_image(init)
        return padded_photo(picture, size, buffers, "image")

    def _tiled_targets(self, run: Run, size: Size, tile: int, buffers: Buffers, photo: Pixels) -> TiledTargets:
        statistics = [self.engine.statistics(style, size, tile) for style in run.styles]
        style = self.engine.objective.blend(statistics, self.config.style_shares(len(run.styles)))

        def weigh(seen: dict[str, Stats]) -> tuple[dict[str, Any], Weights]:
            return style, Weights(*self._weights(self.engine.objective.style_term(seen, style), size))

        alpha = _alpha(run.content, size)
        return tiled_targets(self.engine.tiling, tile, buffers, photo, alpha, weigh)

    def _resumed(self, course: Course, snapshot: Snapshot) -> Progress:
        """Where a snapshot stands.

        Raises:
            CheckpointError: It does not fit the plan or the optimizer.
        """
        at = snapshot.position
        stand = from_arrays(snapshot.arrays, self.engine.program.optimizer, padded_size(course.octave.size))
        return Progress(stand, at.made, 0.0, at.reason)

    def _begun(self, run: Run, state: State | None) -> Progress:
        """At the start of an octave; it is over at once if an earlier one was given up."""
        size = run.course.octave.size
        started = (
            self._started(run.content, run.styles, size) if state is None else self._refined(state, run.content, size)
        )
        return Progress(begun(started), 0, 0.0, "diverged" if run.course.diverged else "")

    def _started(self, content: Picture, styles: list[Picture], size: Size) -> State:
        return self.engine.program.optimizer.init(self.first_image(content, styles, size))

    def _refined(self, state: State, content: Picture, size: Size) -> State:
        """The state carried over to the next octave."""
        optimizer = self.engine.program.optimizer
        coarse, fine = (resampled_colors(content, each) for each in (unpadded_size(state.image), size))
        image = refined(state.image, coarse, fine)
        resampled_state = optimizer.resample(state, image, padded_size(size))
        return optimizer.init(image) if resampled_state is None else resampled_state

    def _event(self, run: Run, progress: Progress) -> StepEvent:
        course, stand = run.course, progress.stand
        size = course.octave.size
        described = self.described if progress.steps else None

        def picture() -> Picture:
            return with_belongings(run.content, self.finished(run.content, stand.state.image))

        return StepEvent(
            scale=course.index + 1,
            scales=len(course.octaves),
            step=course.done + progress.steps,
            total=course.total,
            height=size.height,
            width=size.width,
            loss=float(stand.watch.best),
            seconds_left=course.seconds_left(progress.steps),
            _image=lambda: as_pil(picture()),
            _snapshot=snapshots(course.position(progress), stand) if self.engine.program.batch == 1 else None,
            _picture=picture,
            _recipe=partial(described, size, course.levels(progress.steps)) if described else None,
        )

    def _rendered(self, run: Run, state: State, targets: Any) -> Rendered:
        course = run.course
        distances = self.engine.objective.style_distances(self._statistics(run.content, state), targets.style)
        return Rendered(
            pixels=self.finished(run.content, state.image),
            octaves=course.rows,
            style_distances={name: round(float(value), 6) for name, value in distances.items()},
            stop_reason=course.stop_reason,
            seconds=course.seconds,
            setbacks=course.setbacks,
            plan=run.schedule.to_dict(),
            stages=course.stages,
            memory={
                "events": list(run.guard.said),
                "buffers": state.buffers.told() if isinstance(state, TiledOctave) else {},
            },
        )

    def _statistics(self, content: Picture, state: State) -> dict[str, Stats]:
        if isinstance(state, TiledOctave):
            return self.engine.tiling.statistics(state.image[0], state.tile, state.targets.opacity)
        alpha = _alpha(content, unpadded_size(state.image))
        return self.engine.observe(state.image, None if alpha is None else image_tensor(alpha)).style

    def targets(self, content: Picture, styles: list[Picture], size: Size) -> Targets:
        """What an image of this size is compared with."""
        objective = self.engine.objective
        image = image_tensor(with_margin(resampled_colors(content, size)))
        alpha = _alpha(content, size)
        photo = self.engine.observe(image, None if alpha is None else image_tensor(alpha))
        statistics = [self.engine.statistics(style, size) for style in styles]
        style = objective.blend(statistics, self.config.style_shares(len(styles)))
        weights = self._weights(objective.style_term(photo.style, style), size)
        factors = Weights(*(tf.constant(weight, tf.float32) for weight in weights))
        return Targets(photo.content, style, factors, photo.opacity)

    def _weights(self, style_of_photo: Tensor, size: Size) -> tuple[float, float, float]:
        return term_weights(self.config, float(style_of_photo), max(size), self.engine.objective.style_loss.gain)

    def first_image(self, content: Picture, styles: list[Picture], size: Size) -> Tensor:
        """Where the coarsest octave starts, with its margin."""
        init = self.config.init
        if init == "noise":
            random = np.random.default_rng(self.config.seed)
            return image_tensor(random.normal(0.5, 0.1, (*padded_size(size), 3)).clip(0, 1))
        if init == "content":
            return image_tensor(with_margin(resampled_colors(content, size)))
        picture = styles[0] if init == "style" else read_image(init)
        return image_tensor(with_margin(resampled_colors(picture, size)))

    def finished(self, content: Picture, image: Tensor) -> Pixels:
        """Tensor with margin -> pixels without, in the colors that `config` asks for."""
        inner: Pixels = without_margin(np.asarray(image))[0]
        pixels = inner if isinstance(image, np.ndarray) else np.clip(inner, 0.0, 1.0)  # tiled ones are in range already
        if self.config.color == "luminance":
            photo = resampled_colors(content, Size(*pixels.shape[:2]))
            made = roomy(pixels.shape)
            for rows in bands(made, pixels, photo):
                made[rows] = with_chroma_of(pixels[rows], photo[rows])
            return made
        return pixels


def _alpha(content: Picture, size: Size) -> Pixels | None:
    """How opaque the photo is at an octave, (H, W, 1) with margin; None where it is everywhere."""
    alpha = resampled_alpha(content, size)
    return None if alpha is None else with_margin(alpha)


def snapshots(position: Position, stand: Stand) -> Callable[[], Snapshot | None]:
    """What an event gives when asked for a snapshot."""
    if isinstance(stand.state, TiledOctave):
        return stand.state.snapshots(position)
    return lambda: Snapshot(position=position, arrays=to_arrays(stand))
