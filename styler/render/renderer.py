"""The composition: two or more pictures and a config to a rendered picture."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from styler.config import ORIGINAL, RenderConfig
from styler.images.color import with_chroma_of
from styler.images.reading import Picture, Pixels, read_image
from styler.images.resampling import resampled
from styler.images.sizes import check_shape, with_longer_side
from styler.images.writing import to_pil
from styler.losses import Stats
from styler.optimizers.base import State
from styler.progress import StepEvent
from styler.render.buffers import Buffers
from styler.render.course import Course
from styler.render.detail import refined
from styler.render.engine import Engine
from styler.render.loop import Progress, image_tensor, run_octave
from styler.render.margin import padded_size, unpadded_size, with_margin, without_margin
from styler.render.objective import Targets, Weights
from styler.render.pyramid import Octave, plan_octaves
from styler.render.strength import detail_share, is_photo, term_weights
from styler.render.tiled import TiledOctave, bounded, refined_on_host, tiled_targets
from styler.render.tiling import TiledTargets
from styler.types import Size, Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A finished picture with what is worth telling about it.

    Attributes:
        pixels: float32 (H, W, 3), 0..1.
        octaves: A line for each octave: size, steps, evaluations, seconds, loss at the end.
        style_distances: Style layer -> relative style distance of the result.
        stop_reason: "steps", "converged", or "strength" when the photo itself was asked for.
        seconds: Wall time of the render.
    """

    pixels: Pixels
    octaves: list[dict[str, object]]
    style_distances: dict[str, float]
    stop_reason: str
    seconds: float


class Renderer:
    """Renders pictures with one config on an engine that serves it.

    Args:
        config: What to render.
        engine: Made for this config or for one that differs in nothing decisive.
    """

    def __init__(self, config: RenderConfig, engine: Engine) -> None:
        self.config, self.engine = config, engine

    def final_size(self, content: Picture) -> Size:
        """(height, width) of the result.

        Raises:
            ConfigError: The shorter side would be too small for the network.
        """
        asked = self.config.size
        size = content.size if asked == ORIGINAL else with_longer_side(content.size, int(asked))
        check_shape(size, self.engine.network.minimum_size, "the result")
        return size

    def render(
        self, content: Picture, styles: list[Picture], event_every: int | None = None
    ) -> Generator[StepEvent, None, Rendered]:
        """Render octave by octave.

        Args:
            content: The photo.
            styles: One or more paintings.
            event_every: An event at every multiple of this step at the latest.

        Yields:
            An event after each call of the compiled program.

        Returns:
            The finished picture.

        Raises:
            ConfigError: Counts of styles and of their weights differ, or the result would be too small.
        """
        self.config.style_shares(len(styles))
        final = self.final_size(content)
        if is_photo(self.config):
            return Rendered(
                pixels=resampled(content.pixels, final),
                octaves=[],
                style_distances={},
                stop_reason="strength",
                seconds=0.0,
            )
        with tf.device(self.engine.device):
            return (yield from self._octaves(content, styles, final, event_every))

    def _octaves(
        self, content: Picture, styles: list[Picture], final: Size, event_every: int | None
    ) -> Generator[StepEvent, None, Rendered]:
        course = Course(plan_octaves(final, self.config.steps, self.config.scales))
        state: State | None = None
        while course.index < len(course.octaves):
            size = course.octave.size
            tile = self._tile(size)
            if tile is None:
                targets: Any = self.targets(content, styles, size)
                state = self._started(content, styles, size) if state is None else self._refined(state, content, size)
                advance = run_octave(self.engine.program, state, targets, course.octave.steps, course.done, event_every)
            else:
                buffers = self._buffers(size)
                targets = self._tiled_targets(content, styles, size, tile, buffers)
                state = self._tiled_octave(content, styles, state, course.octave, tile, buffers)
                advance = state.run(targets, course.octave.steps)
            state = yield from self._octave(course, advance, state, content)
        return self._rendered(course, state, targets, content)

    def _tile(self, size: Size) -> int | None:
        """Side of the tiles of an octave, pixels; None for one piece."""
        tile = self.config.tile
        return int(tile) if tile not in ("auto", "off") and max(padded_size(size)) > int(tile) else None

    def _buffers(self, size: Size) -> Buffers:
        return Buffers()

    def _tiled_targets(
        self, content: Picture, styles: list[Picture], size: Size, tile: int, buffers: Buffers
    ) -> TiledTargets:
        statistics = [self.engine.statistics(style, size, tile) for style in styles]
        style = self.engine.objective.blend(statistics, self.config.style_shares(len(styles)))

        def weigh(photo: dict[str, Stats]) -> tuple[dict[str, Any], Weights]:
            return style, Weights(*term_weights(self.config, float(self.engine.objective.style_term(photo, style))))

        return tiled_targets(self.engine.tiling, tile, buffers, resampled(content.pixels, size), weigh)

    def _tiled_octave(
        self, content: Picture, styles: list[Picture], state: Any, octave: Octave, tile: int, buffers: Buffers
    ) -> TiledOctave:
        optimizer = bounded(self.engine.program.optimizer, octave.steps)
        if state is None:
            image = np.array(self.first_image(content, styles, octave.size)[0])
            return TiledOctave(self.engine.tiling, optimizer, tile, buffers, image)
        coarse, fine = (resampled(content.pixels, each) for each in (unpadded_size(state.image), octave.size))
        image = refined_on_host(state.image, coarse, fine, detail_share(self.config), buffers)
        made = TiledOctave(self.engine.tiling, optimizer, tile, buffers, image)
        made.carry(state)
        return made

    def _started(self, content: Picture, styles: list[Picture], size: Size) -> State:
        return self.engine.program.optimizer.init(self.first_image(content, styles, size))

    def _refined(self, state: State, content: Picture, size: Size) -> State:
        """The state carried over to the next octave."""
        optimizer = self.engine.program.optimizer
        coarse, fine = (resampled(content.pixels, each) for each in (unpadded_size(state.image), size))
        image = refined(state.image, coarse, fine, detail_share(self.config))
        resampled_state = optimizer.resample(state, image, padded_size(size))
        return optimizer.init(image) if resampled_state is None else resampled_state

    def _octave(
        self, course: Course, advance: Iterator[Progress], state: State, content: Picture
    ) -> Generator[StepEvent, None, State]:
        made = 0
        for progress in advance:
            course.note(progress)
            state, made = progress.state, progress.steps
            yield self._event(course, progress, partial(self._picture, content, state))
        course.finish_octave(made, int(state.evaluations), float(state.value))
        return state

    def _picture(self, content: Picture, state: State) -> Image.Image:
        return to_pil(self.finished(content, state.image))

    def _event(self, course: Course, progress: Progress, image: Callable[[], object]) -> StepEvent:
        size = course.octave.size
        return StepEvent(
            scale=course.index + 1,
            scales=len(course.octaves),
            step=course.done + progress.steps,
            total=course.total,
            height=size.height,
            width=size.width,
            loss=float(progress.state.value),
            seconds_left=course.seconds_left(progress.steps),
            _image=image,
        )

    def _rendered(self, course: Course, state: State, targets: Targets, content: Picture) -> Rendered:
        distances = self.engine.objective.style_distances(self._statistics(state), targets.style)
        return Rendered(
            pixels=self.finished(content, state.image),
            octaves=course.rows,
            style_distances={name: round(float(value), 6) for name, value in distances.items()},
            stop_reason=course.stop_reason,
            seconds=course.seconds,
        )

    def _statistics(self, state: State) -> dict[str, Stats]:
        if isinstance(state, TiledOctave):
            return self.engine.tiling.statistics(state.image[0], state.tile)
        return self.engine.observe(state.image).style

    def targets(self, content: Picture, styles: list[Picture], size: Size) -> Targets:
        """What an image of this size is compared with."""
        objective = self.engine.objective
        photo = self.engine.observe(image_tensor(with_margin(resampled(content.pixels, size))))
        statistics = [self.engine.statistics(style, size) for style in styles]
        style = objective.blend(statistics, self.config.style_shares(len(styles)))
        weights = term_weights(self.config, float(objective.style_term(photo.style, style)))
        return Targets(photo.content, style, Weights(*(tf.constant(weight, tf.float32) for weight in weights)))

    def first_image(self, content: Picture, styles: list[Picture], size: Size) -> Tensor:
        """Where the coarsest octave starts, with its margin."""
        init = self.config.init
        if init == "noise":
            random = np.random.default_rng(self.config.seed)
            return image_tensor(random.normal(0.5, 0.1, (*padded_size(size), 3)).clip(0, 1))
        if init == "content":
            return image_tensor(with_margin(resampled(content.pixels, size)))
        picture = styles[0] if init == "style" else read_image(init)
        return image_tensor(with_margin(resampled(picture.pixels, size)))

    def finished(self, content: Picture, image: Tensor) -> Pixels:
        """Tensor with margin -> pixels without, in the colors that `config` asks for."""
        pixels: Pixels = np.clip(np.asarray(without_margin(image)[0]), 0.0, 1.0)
        if self.config.color == "luminance":
            return with_chroma_of(pixels, resampled(content.pixels, Size(*pixels.shape[:2])))
        return pixels
