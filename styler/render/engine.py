"""A network made ready to render: objective, compiled programs, statistics of paintings."""

from __future__ import annotations

import copy
import threading
from collections.abc import Generator, Iterator, MutableMapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import tensorflow as tf

from styler.choices import OPTIMIZERS
from styler.config import RenderConfig
from styler.errors import ResourceError
from styler.forks import check_not_forked
from styler.images.picture import Picture, Pixels
from styler.images.resampling import resampled_alpha, resampled_colors
from styler.images.sizes import check_painting, painting_size
from styler.losses.base import Stats, per_position
from styler.networks import NetworkSpec
from styler.networks.geometry import geometry_of, untileable
from styler.networks.runtime import building, check_flags, own_terms
from styler.objective.compiled import Compiled
from styler.objective.composition import make_extractor, make_objective
from styler.objective.objective import Observation
from styler.optimizers.base import AnyOptimizer
from styler.processors import usual_threads
from styler.recipe import Plan, switches
from styler.render.batching import BatchMember, BatchProgram, PictureBatch
from styler.render.cost import bytes_a_pixel
from styler.render.device import MOST_STEPS_A_CALL
from styler.render.program import Program, image_tensor
from styler.render.recent import Recent
from styler.tiles.layout import view_of
from styler.tiles.tiling import Tiling
from styler.types import Size, Tensor

Statistics: TypeAlias = MutableMapping[tuple[str, Size], dict[str, Stats]]
"""SHA-256 of what there is to see of a painting, and its size -> statistics per position of each term."""

Told = TypeVar("Told")
Made = TypeVar("Made")

FASTER_ON_CPU = "graph"  # of XLA and TensorFlow's plain graph, with oneDNN: tests/benchmarks/bench_step.py
DECISIVE = (
    "network",
    "pooling",
    "content_layers",
    "style_layers",
    "views",
    "palette_weight",
    "grain_weight",
    "loss",
    "content_loss",
    "optimizer",
    "learning_rate",
    "device",
    "compile",
    "precision",
)
"""Fields of a config that an engine is built from; configs that differ in others only can share one."""


class Engine:
    """What several renders, also of different sizes and strengths, have in common.

    Args:
        config: The fields named in `DECISIVE` count.
        network: The network to do it with.
        statistics: Where style statistics are kept; None for this engine's own memory, within bounds.

    Attributes:
        objective: What an image should match.
        program: AnyOptimizer and objective, compiled.
        device: TensorFlow's name of the device.

    Raises:
        LayerError: `config` names a layer that the network does not have.
        WeightsError: The network's weights are absent or damaged.
        ResourceError: The device that `config` names is not there, or the process was forked from a busy one.
    """

    def __init__(self, config: RenderConfig, network: NetworkSpec, statistics: Statistics | None = None) -> None:
        self.network, self._key = network, decisive(config)
        self._lock = threading.RLock()
        with building():
            self.device = find_device(config.device)
            with tf.device(self.device):
                self._extract = make_extractor(config, network)
                self.objective = make_objective(config, network, self._extract)
        xla = uses_xla(config, self.device)
        if xla:
            check_flags("XLA_FLAGS")
        program = Program(self.objective, make_optimizer(config), xla=xla)
        self.program: Program | BatchMember = program
        self._batch_programs: dict[int, BatchProgram] = {}
        self._observe = Compiled(self.objective.observe)
        self._statistics: Statistics = Recent() if statistics is None else statistics

    @contextmanager
    def held(self) -> Iterator[None]:
        """For one thread at a time, with TensorFlow and Keras as a render needs them, on the engine's device.

        Raises:
            ResourceError: The process was forked since the engine was made.
        """
        check_not_forked()
        with self._lock, own_terms(), tf.device(self.device):
            yield

    @property
    def plan(self) -> Plan:
        """What the config came to in this process; pictures have the same bytes only where it is the same."""
        found = switches()
        return Plan(
            device=kind_of(self.device),
            compile="xla" if self.program.xla else "graph",
            threads=threads(),
            onednn=found["onednn"],
            constant_weights=found["constant_weights"],
            steps_per_call=MOST_STEPS_A_CALL,
            batch=self.program.batch_size,
            size=None,
            octaves=(),
        )

    def serves(self, config: RenderConfig) -> bool:
        """Whether a config could be rendered with this engine as it is."""
        return decisive(config) == self._key

    def batch(self, size: int) -> PictureBatch:
        """A batch of up to `size` pictures that are rendered together; its compiled program is kept."""
        if size not in self._batch_programs:
            self._batch_programs[size] = BatchProgram(self.program.single, size)
        return PictureBatch(self._batch_programs[size])

    def in_batch(self, batch: PictureBatch) -> Engine:
        """The same engine for one more picture of a batch."""
        member = copy.copy(self)
        member.program = batch.add()
        return member

    def observe(self, image: Tensor, alpha: Tensor | None = None) -> Observation:
        """One pass through the network, (1, H, W, 3), 0..1; what alpha, (1, H, W, 1), hides does not count."""
        return Observation(*(self._observe(image) if alpha is None else self._observe(image, alpha)))

    @cached_property
    def tiling(self) -> Tiling:
        """The objective tile by tile.

        Raises:
            NetworkError: A layer looks at the whole image.
        """
        return Tiling(self.objective, self._extract, view_of(self.objective, self._extract))

    @property
    def model(self) -> Any:
        """The network up to the layers that are looked at, a Keras model."""
        return self._extract.model

    @property
    def untileable(self) -> str:
        """The layer that looks at the whole image; empty if there is none."""
        return untileable(self.model)

    @cached_property
    def activation_bytes(self) -> float:
        """Bytes a pixel of all that the network and the terms work out of an image together."""
        readings = [term.reading for term in self.objective.terms if term.reading is not None]
        return bytes_a_pixel(self.model) + sum(4.0 * each.channels / each.stride**2 for each in readings)

    @cached_property
    def content_bytes(self) -> float:
        """Bytes a pixel of what the content terms keep of the photo, float32."""
        found = geometry_of(self.model)
        layers = {
            name: 4.0 * each.shape[-1] / float(found[id(each)].stride) ** 2
            for name, each in zip(self._extract.addresses, self.model.outputs, strict=True)
        }
        return sum(
            layers[term.layer] if term.reading is None else 4.0 * term.reading.channels / term.reading.stride**2
            for term in self.objective.local
            if term.loss.keeps
        )

    def statistics(self, style: Picture, size: Size, tile: int | None = None) -> dict[str, Stats]:
        """Style statistics at an octave, kept for the next render; a painting is never enlarged.

        Args:
            style: The painting.
            size: Of the octave.
            tile: Side of the tiles to compute them by, pixels; None for one piece.
        """
        check_painting(style.size, self.network.minimum_size, "the style image")
        shape = painting_size(style.size, max(size), self.network.minimum_size)
        alpha = resampled_alpha(style, shape)
        way = "" if tile is None else f" by tiles of {tile}"  # rounded otherwise
        key = style.sha256 + way, shape
        if key not in self._statistics:
            self._statistics[key] = self._seen(resampled_colors(style, shape), alpha, tile)
        return self._statistics[key]

    def _seen(self, pixels: Pixels, alpha: Pixels | None, tile: int | None) -> dict[str, Stats]:
        if tile is None:
            seen = self.observe(image_tensor(pixels), None if alpha is None else image_tensor(alpha)).stats
        else:
            seen = self.tiling.statistics(pixels, tile, self.tiling.regions(alpha))
        return {term.name: per_position(seen[term.name]) for term in self.objective.statistic}


def decisive(config: RenderConfig) -> tuple[Any, ...]:
    """Values of the fields that an engine is built from."""
    return tuple(getattr(config, name) for name in DECISIVE)


def make_optimizer(config: RenderConfig) -> AnyOptimizer:
    """The optimizer that `config` names, with its learning rate if one is given."""
    kind = OPTIMIZERS[config.optimizer]
    made: AnyOptimizer = kind() if config.learning_rate is None else kind(learning_rate=config.learning_rate)
    return made


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


def kind_of(device: str) -> str:
    """TensorFlow's name for a device -> "cpu" or "gpu"."""
    return device.strip("/").lower().partition(":")[0]


def on_engine(engine: Engine, render: Generator[Told, None, Made]) -> Generator[Told, None, Made]:
    """A render that holds its engine while it computes, and leaves it to others between two events."""
    try:
        while True:
            with engine.held():
                try:
                    event = next(render)
                except StopIteration as end:
                    made: Made = end.value
                    return made
            yield event
    finally:
        render.close()


def use_threads(count: int) -> bool:
    """Have TensorFlow spread one operation over so many threads; whether it does, since it starts only once."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
    except RuntimeError:  # it has started with another number
        return threads() == count
    return True


def threads() -> int:
    """Threads that TensorFlow spreads one operation over; the order of its sums may depend on it."""
    chosen: int = tf.config.threading.get_intra_op_parallelism_threads()
    return chosen or usual_threads()


def uses_xla(config: RenderConfig, device: str) -> bool:
    """Whether to compile with XLA: as asked, else always on a GPU and where measured as faster on a CPU."""
    if config.compile == "auto":
        return "GPU" in device or FASTER_ON_CPU == "xla"
    return config.compile == "xla"
