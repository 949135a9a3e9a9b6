"""The composition: two or more pictures and a config to a rendered picture."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import tensorflow as tf
from PIL import Image

from styler.config import ORIGINAL, RenderConfig
from styler.images.color import with_chroma_of
from styler.images.reading import Picture, Pixels, read_image
from styler.images.resampling import resampled_alpha, resampled_colors
from styler.images.sizes import check_shape, with_longer_side
from styler.images.writing import to_pil
from styler.optimizers.base import State
from styler.progress import StepEvent
from styler.recipe import Plan
from styler.render.course import Course
from styler.render.detail import refined
from styler.render.engine import Engine
from styler.render.flaws import flaws
from styler.render.loop import Progress, image_tensor, run_octave
from styler.render.margin import padded_size, unpadded_size, with_margin, without_margin
from styler.render.objective import Targets, Weights
from styler.render.pyramid import octaves_of
from styler.render.snapshot import Position, Snapshot
from styler.render.stand import Stand, begun, from_arrays, to_arrays
from styler.render.strength import detail_share, is_photo, term_weights
from styler.types import Size, Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A finished picture with what is worth telling about it.

    Attributes:
        pixels: float32 (H, W, 3), 0..1.
        octaves: A line for each octave: size, steps, evaluations, seconds, loss at the end.
        style_distances: Style layer -> relative style distance of the result.
        stop_reason: "steps"; "converged" or "line search" where the optimizer ended before; "diverged" where nothing
            kept it from going astray; "strength" when the photo itself was asked for.
        setbacks: How often the optimizer went astray and was set back.
        warnings: What is wrong with the picture to the eye of `styler.render.flaws`, and that it diverged.
        seconds: Wall time of the render.
    """

    pixels: Pixels
    octaves: list[dict[str, object]]
    style_distances: dict[str, float]
    stop_reason: str
    seconds: float
    setbacks: int = 0
    warnings: tuple[str, ...] = ()


class Renderer:
    """Renders pictures with one config on an engine that serves it.

    Args:
        config: What to render.
        engine: Made for this config or for one that differs in nothing decisive.
        plan: Size and octaves to obey instead of finding them out, where it has any.
    """

    def __init__(self, config: RenderConfig, engine: Engine, plan: Plan | None = None) -> None:
        self.config, self.engine, self.plan = config, engine, plan

    def final_size(self, content: Picture) -> Size:
        """(height, width) of the result.

        Raises:
            ConfigError: The shorter side would be too small for the network.
        """
        asked, planned = self.config.size, self.plan.size if self.plan else None
        size = planned or (content.size if asked == ORIGINAL else with_longer_side(content.size, int(asked)))
        check_shape(size, self.engine.network.minimum_size, "the result")
        return size

    def render(
        self,
        content: Picture,
        styles: list[Picture],
        event_every: int | None = None,
        snapshot: Snapshot | None = None,
    ) -> Generator[StepEvent, None, Rendered]:
        """Render octave by octave.

        Args:
            content: The photo.
            styles: One or more paintings.
            event_every: An event at every multiple of this step at the latest.
            snapshot: Where to go on from, instead of the beginning; of a render of the same pictures and config.

        Yields:
            An event after each call of the compiled program.

        Returns:
            The finished picture.

        Raises:
            ConfigError: Counts of styles and of their weights differ, or the result would be too small.
            CheckpointError: The snapshot is of another render.
        """
        self.config.style_shares(len(styles))
        final = self.final_size(content)
        if is_photo(self.config):
            return Rendered(
                pixels=resampled_colors(content, final),
                octaves=[],
                style_distances={},
                stop_reason="strength",
                seconds=0.0,
            )
        with tf.device(self.engine.device):
            rendered = yield from self._octaves(content, styles, final, event_every, snapshot)
        return replace(rendered, warnings=tuple(warnings_about(rendered, content, styles)))

    def _octaves(
        self,
        content: Picture,
        styles: list[Picture],
        final: Size,
        event_every: int | None,
        snapshot: Snapshot | None,
    ) -> Generator[StepEvent, None, Rendered]:
        course = Course(octaves_of(self.config, final, self.plan))
        resumed = None if snapshot is None else self._resumed(course, snapshot)
        state: State | None = None
        while course.index < len(course.octaves):
            size = course.octave.size
            targets = self.targets(content, styles, size)
            progress = resumed or self._begun(course, state, content, styles)
            resumed = None
            calls = run_octave(self.engine.program, progress, targets, course.octave.steps, course.done, event_every)
            state = yield from self._octave(course, progress, calls, content)
        return self._rendered(course, state, targets, content)

    def _resumed(self, course: Course, snapshot: Snapshot) -> Progress:
        """Where a snapshot stands.

        Raises:
            CheckpointError: It does not fit the plan or the optimizer.
        """
        at = snapshot.position
        course.resume(at)
        stand = from_arrays(snapshot.arrays, self.engine.program.optimizer, padded_size(course.octave.size))
        return Progress(stand, at.made, 0.0, at.reason)

    def _begun(self, course: Course, state: State | None, content: Picture, styles: list[Picture]) -> Progress:
        """At the start of an octave; it is over at once if an earlier one was given up."""
        size = course.octave.size
        first = self._started(content, styles, size) if state is None else self._refined(state, content, size)
        return Progress(begun(first), 0, 0.0, "diverged" if course.diverged else "")

    def _started(self, content: Picture, styles: list[Picture], size: Size) -> State:
        return self.engine.program.optimizer.init(self.first_image(content, styles, size))

    def _refined(self, state: State, content: Picture, size: Size) -> State:
        """The state carried over to the next octave."""
        optimizer = self.engine.program.optimizer
        coarse, fine = (resampled_colors(content, each) for each in (unpadded_size(state.image), size))
        image = refined(state.image, coarse, fine, detail_share(self.config))
        resampled_state = optimizer.resample(state, image, padded_size(size))
        return optimizer.init(image) if resampled_state is None else resampled_state

    def _octave(
        self, course: Course, progress: Progress, calls: Iterator[Progress], content: Picture
    ) -> Generator[StepEvent, None, State]:
        """Run the octave under way from where it stands."""
        for progress in calls:
            course.note(progress)
            yield self._event(course, progress, content)
        course.finish_octave(progress)
        return progress.stand.state

    def _picture(self, content: Picture, image: Tensor) -> Image.Image:
        return to_pil(self.finished(content, image))

    def _event(self, course: Course, progress: Progress, content: Picture) -> StepEvent:
        size, stand = course.octave.size, progress.stand
        return StepEvent(
            scale=course.index + 1,
            scales=len(course.octaves),
            step=course.done + progress.steps,
            total=course.total,
            height=size.height,
            width=size.width,
            loss=float(stand.watch.best),
            seconds_left=course.seconds_left(progress.steps),
            _image=partial(self._picture, content, stand.state.image),
            _snapshot=partial(_snapshot, course.position(progress), stand),
        )

    def _rendered(self, course: Course, state: State, targets: Targets, content: Picture) -> Rendered:
        stats = self.engine.observe(state.image, _alpha(content, unpadded_size(state.image))).style
        distances = self.engine.objective.style_distances(stats, targets.style)
        return Rendered(
            pixels=self.finished(content, state.image),
            octaves=course.rows,
            style_distances={name: round(float(value), 6) for name, value in distances.items()},
            stop_reason=course.stop_reason,
            seconds=course.seconds,
            setbacks=course.setbacks,
        )

    def targets(self, content: Picture, styles: list[Picture], size: Size) -> Targets:
        """What an image of this size is compared with."""
        objective = self.engine.objective
        image = image_tensor(with_margin(resampled_colors(content, size)))
        photo = self.engine.observe(image, _alpha(content, size))
        statistics = [self.engine.statistics(style, size) for style in styles]
        style = objective.blend(statistics, self.config.style_shares(len(styles)))
        style_of_photo = float(objective.style_term(photo.style, style))
        weights = term_weights(self.config, style_of_photo, max(size), objective.style_loss.gain)
        factors = Weights(*(tf.constant(weight, tf.float32) for weight in weights))
        return Targets(photo.content, style, factors, photo.opacity)

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
        pixels: Pixels = np.clip(without_margin(image)[0].numpy(), 0.0, 1.0)
        if self.config.color == "luminance":
            return with_chroma_of(pixels, resampled_colors(content, Size(*pixels.shape[:2])))
        return pixels


def _alpha(content: Picture, size: Size) -> Tensor | None:
    """How opaque the photo is at an octave, (1, H, W, 1) with margin; None where it is everywhere."""
    alpha = resampled_alpha(content, size)
    return None if alpha is None else image_tensor(with_margin(alpha))


def warnings_about(rendered: Rendered, content: Picture, styles: list[Picture]) -> Iterator[str]:
    """What the owner of a picture should know before using it."""
    if rendered.stop_reason == "diverged":
        yield "the optimizer went astray again and again; this is its best image. Try a smaller --learning-rate"
    elif rendered.setbacks:
        yield f"the optimizer went astray {rendered.setbacks} times and went on from its best image with smaller steps"
    size = Size(*rendered.pixels.shape[:2])
    inputs = (resampled_colors(content, size), *(style.pixels for style in styles))
    yield from flaws(rendered.pixels, inputs)


def _snapshot(position: Position, stand: Stand) -> Snapshot:
    return Snapshot(position=position, arrays=to_arrays(stand))
