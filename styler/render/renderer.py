"""The composition: two or more pictures and a config to a rendered picture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial

import numpy as np
import tensorflow as tf
from PIL import Image

from styler.config import ORIGINAL, RenderConfig
from styler.errors import ResourceError
from styler.features.extractor import FeatureExtractor
from styler.images.color import with_chroma_of
from styler.images.reading import Picture, Pixels, read_image
from styler.images.resampling import resampled
from styler.images.sizes import check_shape, no_larger, with_longer_side
from styler.images.writing import to_pil
from styler.losses import STYLE_LOSSES, Stats
from styler.losses.content import ContentLoss
from styler.networks import NetworkSpec
from styler.optimizers import Adam, Lbfgs, Optimizer
from styler.optimizers.base import State
from styler.progress import StepEvent
from styler.render.compiled import Compiled
from styler.render.course import Course
from styler.render.loop import Program, Progress, image_tensor, run_octave
from styler.render.margin import padded_size, resized, with_margin, without_margin
from styler.render.objective import Objective, Targets, Weights, shares
from styler.render.pyramid import plan_octaves
from styler.render.strength import is_photo, term_weights
from styler.types import Size, Tensor

FASTER_ON_CPU = "graph"  # of XLA and TensorFlow's plain graph, with oneDNN: tests/benchmarks/bench_step.py


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
    """Holds a network, its compiled programs and style statistics between renders of one config.

    Args:
        config: What to render.
        network: The network to do it with.

    Raises:
        LayerError: `config` names a layer that the network does not have.
        WeightsError: The network's weights are absent or damaged.
        ResourceError: The device that `config` names is not there.
    """

    def __init__(self, config: RenderConfig, network: NetworkSpec) -> None:
        self.config, self.network = config, network
        self.device = find_device(config.device)
        with tf.device(self.device):
            self.objective = make_objective(config, network)
        self.program = Program(self.objective, make_optimizer(config), xla=uses_xla(config, self.device))
        self._photo_targets = Compiled(self.objective.photo_targets)
        self._statistics = Compiled(self.objective.style_statistics)
        self._distances = Compiled(self.objective.style_distances)
        self._cache: dict[tuple[str, Size], dict[str, Stats]] = {}

    def final_size(self, content: Picture) -> Size:
        """(height, width) of the result.

        Raises:
            ConfigError: The shorter side would be too small for the network.
        """
        asked = self.config.size
        size = content.size if asked == ORIGINAL else with_longer_side(content.size, int(asked))
        check_shape(size, self.network.minimum_size, "the result")
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
        with tf.device(self.device):
            return (yield from self._octaves(content, styles, final, event_every))

    def _octaves(
        self, content: Picture, styles: list[Picture], final: Size, event_every: int | None
    ) -> Generator[StepEvent, None, Rendered]:
        course = Course(plan_octaves(final, self.config.steps, self.config.scales))
        state: State | None = None
        while course.index < len(course.octaves):
            size = course.octave.size
            targets = self.targets(content, styles, size)
            if state is None:
                state = self.program.start(self.first_image(content, styles, size), targets)
            else:
                state = self._refined(state, targets, size)
            state = yield from self._octave(course, state, targets, content, event_every)
        return self._rendered(course, state, targets, content)

    def _refined(self, state: State, targets: Targets, size: Size) -> State:
        """The state carried over to the next octave."""
        image = resized(state.image, size)
        resampled_state = self.program.optimizer.resample(state, image, padded_size(size))
        return self.program.start(image, targets) if resampled_state is None else resampled_state

    def _octave(
        self, course: Course, state: State, targets: Targets, content: Picture, event_every: int | None
    ) -> Generator[StepEvent, None, State]:
        made = 0
        for progress in run_octave(self.program, state, targets, course.octave.steps, course.done, event_every):
            course.note(progress)
            state, made = progress.state, progress.steps
            yield self._event(course, progress, partial(self._picture, content, state.image))
        course.finish_octave(made, int(state.evaluations), float(state.value))
        return state

    def _picture(self, content: Picture, image: Tensor) -> Image.Image:
        return to_pil(self.finished(content, image))

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
        distances = self._distances(state.image, targets.style)
        return Rendered(
            pixels=self.finished(content, state.image),
            octaves=course.rows,
            style_distances={name: round(float(value), 6) for name, value in distances.items()},
            stop_reason=course.stop_reason,
            seconds=course.seconds,
        )

    def targets(self, content: Picture, styles: list[Picture], size: Size) -> Targets:
        """What an image of this size is compared with."""
        photo = image_tensor(with_margin(resampled(content.pixels, size)))
        statistics = [self.statistics(style, size) for style in styles]
        style = self.objective.blend(statistics, self.config.style_shares(len(styles)))
        activations, style_of_photo = self._photo_targets(photo, style)
        weights = term_weights(self.config, float(style_of_photo))
        return Targets(activations, style, Weights(*(tf.constant(weight, tf.float32) for weight in weights)))

    def statistics(self, style: Picture, size: Size) -> dict[str, Stats]:
        """Style statistics at an octave, kept for the next render; a painting is never enlarged."""
        shape = no_larger(style.size, max(size))
        check_shape(shape, self.network.minimum_size, "the style image")
        key = hashlib.sha256(style.pixels.tobytes()).hexdigest(), shape
        if key not in self._cache:
            self._cache[key] = self._statistics(image_tensor(resampled(style.pixels, shape)))
        return self._cache[key]

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
        pixels: Pixels = np.clip(without_margin(image)[0].numpy(), 0.0, 1.0)
        if self.config.color == "luminance":
            return with_chroma_of(pixels, resampled(content.pixels, Size(*pixels.shape[:2])))
        return pixels


def make_objective(config: RenderConfig, network: NetworkSpec) -> Objective:
    """The objective over the layers that `config` or else the network names."""
    style_layers = shares(config.style_layers or network.style_layers)
    content_layers = shares(config.content_layers or network.content_layers)
    names = dict.fromkeys(name for name, _ in (*style_layers, *content_layers))
    model = network.build(config.pooling)
    return Objective(
        extract=FeatureExtractor(model, names, preprocess=network.preprocess),
        content_layers=content_layers,
        style_layers=style_layers,
        content_loss=ContentLoss(),
        style_loss=STYLE_LOSSES[config.loss](),
    )


def make_optimizer(config: RenderConfig) -> Optimizer:
    """The optimizer that `config` names, with its learning rate if one is given."""
    kind = {"lbfgs": Lbfgs, "adam": Adam}[config.optimizer]
    return kind() if config.learning_rate is None else kind(learning_rate=config.learning_rate)


def find_device(name: str) -> str:
    """TensorFlow's name for "auto", "cpu", "gpu" or "gpu:1".

    Raises:
        ResourceError: No such device.
    """
    gpus = tf.config.list_logical_devices("GPU")
    kind, _, index = name.partition(":")
    if kind == "cpu" or (kind == "auto" and not gpus):
        return "/CPU:0"
    if int(index or 0) >= len(gpus):
        message = f"no device {name}: TensorFlow sees {len(gpus)} GPUs. Use --device auto or cpu"
        raise ResourceError(message)
    return f"/GPU:{index or 0}"


def uses_xla(config: RenderConfig, device: str) -> bool:
    """Whether to compile with XLA: as asked, else always on a GPU and where measured as faster on a CPU."""
    if config.compile == "auto":
        return "GPU" in device or FASTER_ON_CPU == "xla"
    return config.compile == "xla"
