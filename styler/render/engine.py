"""A network ready to render: its objective, compiled programs and statistics of paintings."""

from __future__ import annotations

import copy
import threading
from collections.abc import Generator, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import tensorflow as tf

from styler.choices import OPTIMIZERS
from styler.config import RenderConfig, fields_with
from styler.errors import ResourceError
from styler.forks import check_not_forked
from styler.images.mapped import Array, scaled
from styler.images.picture import Picture
from styler.images.regions import RegionMap
from styler.images.resampling import resampled_alpha, resampled_colors, resized
from styler.images.sizes import Enlargement, check_painting, enlargement, is_much_larger
from styler.losses.base import Reading, Stats, per_position
from styler.networks import NetworkSpec
from styler.networks.geometry import Extent, Geometry, geometry_of, untileable
from styler.networks.runtime import building, check_flags, standard_settings
from styler.objective.compiled import Compiled
from styler.objective.composition import make_extractor, make_objective
from styler.objective.objective import Named, Observation, at_positions
from styler.objective.regions import guided
from styler.optimizers.base import AnyOptimizer
from styler.options import ENGINE
from styler.processors import usual_threads
from styler.recipe import Plan, switches
from styler.render.batching import BatchMember, BatchProgram, PictureBatch
from styler.render.cost import bytes_a_pixel
from styler.render.device import MOST_STEPS_A_CALL
from styler.render.one_pass import OnePass
from styler.render.program import Program, image_tensor
from styler.render.recent import Recent
from styler.tiles.layout import geometries_of_terms, position_counts, view_of
from styler.tiles.tiling import Tiling
from styler.types import Size, Tensor

Statistics: TypeAlias = MutableMapping[tuple[str, Size], dict[str, Stats]]
"""(SHA-256 of a painting's visible pixels, size) -> statistics of each term, per position."""

Event = TypeVar("Event")
Result = TypeVar("Result")

FASTER_ON_CPU = "graph"  # with oneDNN, TensorFlow's plain graph is faster than XLA: tests/benchmarks/bench_step.py
DECISIVE = fields_with(ENGINE)
"""Fields of a config that an engine is built from; configs that differ only in other fields can share one."""


class Engine:
    """The network and compiled programs that renders of different sizes and strengths share.

    Args:
        config: Options; only the fields named in `DECISIVE` matter.
        network: Network to render with.
        statistics: Mapping that keeps the style statistics; None for a bounded cache in memory.

    Attributes:
        network: Network to render with.
        objective: Objective of the renders.
        program: Optimizer and objective, compiled.
        device: TensorFlow's name of the device.

    Raises:
        LayerError: `config` names a layer that the network does not have.
        WeightsError: The network's weights are missing or damaged.
        ResourceError: The device that `config` names does not exist, or the process was forked after TensorFlow had
            started.
    """

    def __init__(
        self,
        config: RenderConfig,
        network: NetworkSpec,
        statistics: Statistics | None = None,
    ) -> None:
        self.network = network
        self._decisive = decisive(config)
        self._lock = threading.RLock()
        with building():
            self.device = find_device(config.device)
            with tf.device(self.device):
                self._extractor = make_extractor(config, network)
                self.objective = make_objective(config, network, self._extractor)
        xla = uses_xla(config, self.device)
        if xla:
            check_flags("XLA_FLAGS")
        self.program: Program | BatchMember = Program(self.objective, make_optimizer(config), xla=xla)
        self._batch_programs: dict[int, BatchProgram] = {}
        self._observe = Compiled(self._observed)
        self._statistics: Statistics = Recent() if statistics is None else statistics
        self._made_later: dict[str, Any] = {}  # shared with the engines of `in_batch`

    @contextmanager
    def held(self) -> Iterator[None]:
        """Reserve the engine for one thread, on its device, with TensorFlow and Keras set up for a render.

        Raises:
            ResourceError: The process was forked since the engine was made.
        """
        check_not_forked()
        with self._lock, standard_settings(), tf.device(self.device):
            yield

    @property
    def plan(self) -> Plan:
        """How this process carries out the config; only renders with equal plans give the same bytes."""
        current = switches()
        return Plan(
            device=kind_of(self.device),
            compile="xla" if self.program.xla else "graph",
            threads=threads(),
            onednn=current["onednn"],
            constant_weights=current["constant_weights"],
            steps_per_call=MOST_STEPS_A_CALL,
            batch=self.program.batch_size,
            size=None,
            octaves=(),
        )

    def serves(self, config: RenderConfig) -> bool:
        """Whether this engine can render a config without changes to the engine."""
        return decisive(config) == self._decisive

    def batch(self, size: int) -> PictureBatch:
        """Return a batch of up to `size` pictures that are rendered together; its compiled program is kept."""
        if size not in self._batch_programs:
            self._batch_programs[size] = BatchProgram(self.program.single, size)
        return PictureBatch(self._batch_programs[size])

    def in_batch(self, batch: PictureBatch) -> Engine:
        """Add a picture to a batch and return an engine for it."""
        member = copy.copy(self)
        member.program = batch.add()
        return member

    def observe(
        self,
        image: Tensor,
        alpha: Tensor | None = None,
        regions: Named | None = None,
    ) -> Observation:
        """Pass an image through the network once.

        Args:
            image: (1, H, W, 3), 0..1.
            alpha: Opacity of the pixels, (1, H, W, 1); transparent pixels do not count. None if all are opaque.
            regions: Term -> how much each position counts in each region, as `guides` computes it.
        """
        seen = self._observe(image, () if alpha is None else (alpha,), dict(regions or {}))
        return Observation(*seen)

    def _observed(
        self,
        image: Tensor,
        alpha: tuple[Tensor, ...],
        regions: Named,
    ) -> Observation:
        return self.objective.observe(image, alpha[0] if alpha else None, regions)

    def guides(
        self,
        size: Size,
        shares: Array,
        alpha: Array | None = None,
    ) -> dict[str, Array]:
        """Compute how much each position of each statistic term counts in each region.

        Args:
            size: (height, width) of the image.
            shares: How much each pixel belongs to each region, 0..1, (height, width, R).
            alpha: Opacity of the pixels, (height, width, 1); None if all are opaque.

        Returns:
            Term -> float32, (rows, columns, R). Terms whose positions see the same pixels share an array.
        """
        counting = shares if alpha is None else scaled(shares, alpha)
        counts = position_counts(self.objective, self._extractor, size)
        made: dict[tuple[Size, Extent, Extent], Array] = {}
        guides = {}
        for term in self.objective.statistic:
            geometry = self._geometries[term.name]
            key = (counts[term.name], geometry.vertical, geometry.horizontal)
            if key not in made:
                made[key] = guided(counting, counts[term.name], geometry)
            guides[term.name] = made[key]
        return guides

    def content_weights(self, size: Size, pixels: Array) -> dict[str, Array]:
        """Compute how much each position of each term that compares positions with the photo counts.

        Args:
            size: (height, width) of the image.
            pixels: How much each pixel counts, (height, width, 1).

        Returns:
            Term -> float32, (rows, columns, 1).
        """
        counts = position_counts(self.objective, self._extractor, size)
        weights = image_tensor(pixels)
        averaged = {}
        for term in self.objective.local:
            if term.loss.needs_activations:
                averaged[term.name] = at_positions(weights, tf.zeros([1, *counts[term.name], 1]))[0].numpy()
        return averaged

    @cached_property
    def _geometries(self) -> dict[str, Geometry]:
        return geometries_of_terms(self.objective, self._extractor)

    @property
    def tiling(self) -> Tiling:
        """The objective, evaluated tile by tile.

        Raises:
            NetworkError: A layer depends on the whole image at every position.
        """
        if "tiling" not in self._made_later:
            view = view_of(self.objective, self._extractor)
            self._made_later["tiling"] = Tiling(self.objective, self._extractor, view)
        tiling: Tiling = self._made_later["tiling"]
        return tiling

    @property
    def one_pass(self) -> OnePass:
        """The network with its decoder.

        Raises:
            ConfigError: The network has no decoder.
            WeightsError: The decoder's weights are missing or damaged.
        """
        if "one pass" not in self._made_later:
            self._made_later["one pass"] = OnePass(self.network, self.program.xla)
        one_pass: OnePass = self._made_later["one pass"]
        return one_pass

    @property
    def model(self) -> Any:
        """The network up to the layers that the terms read, a Keras model."""
        return self._extractor.model

    @property
    def untileable(self) -> str:
        """Name of a layer that depends on the whole image at every position; empty if there is none."""
        return untileable(self.model)

    @cached_property
    def activation_bytes(self) -> float:
        """Bytes per pixel of all activations of the network and all readings of the terms, float32."""
        readings = [term.reading for term in self.objective.terms if term.reading is not None]
        of_readings = sum(_bytes_of_reading(reading) for reading in readings)
        return bytes_a_pixel(self.model) + of_readings

    @cached_property
    def content_bytes(self) -> float:
        """Bytes per pixel of the photo's activations that the local terms need, float32."""
        geometries = geometry_of(self.model)
        layers = {}
        for name, output in zip(self._extractor.addresses, self.model.outputs, strict=True):
            stride = float(geometries[id(output)].stride)
            layers[name] = 4.0 * output.shape[-1] / stride**2
        total = 0.0
        for term in self.objective.local:
            if term.loss.needs_activations:
                total += layers[term.layer] if term.reading is None else _bytes_of_reading(term.reading)
        return total

    @cached_property
    def region_bytes(self) -> float:
        """Bytes per pixel that each region takes: weights of positions, and weighted activations of one layer.

        The layer is the one with the most values per pixel. Three regions at 1024 pixels of the built-in network took
        100 bytes per pixel each.
        """
        layers = {}
        for name, output in zip(self._extractor.addresses, self.model.outputs, strict=True):
            layers[name] = output.shape[-1]
        weights = {}
        activations = 0.0
        for term in self.objective.statistic:
            channels = layers[term.layer] if term.reading is None else term.reading.channels
            stride = float(self._geometries[term.name].stride)
            weights[stride] = 4.0 / stride**2
            activations = max(activations, 4.0 * channels / stride**2)
        return 2.0 * sum(weights.values()) + activations

    def statistics(
        self,
        style: Picture,
        size: Size,
        tile: int | None = None,
        mask: RegionMap | None = None,
        scale: float = 1.0,
        match: int | None = None,
    ) -> dict[str, Stats]:
        """Return the statistics of a painting at an octave, and keep them for later.

        In octaves larger than `match`, they are those of the painting as a render of that size sees it, enlarged. An
        enlarged painting has no grain, so terms that read every pixel get those of the painting at the octave itself.

        Args:
            style: The painting.
            size: Size of the octave.
            tile: Side of the tiles in which they are computed, pixels; None for one piece.
            mask: Regions of the painting; None for one region.
            scale: Size of its marks; see `painting_size`.
            match: Longer side of the render whose marks are as large relative to the picture, pixels; None for marks
                that follow the size.

        Returns:
            Statistic term -> statistics per position. With R regions, sums over the positions of each region, and then
            of the whole painting, (1, R + 1, ...).
        """
        minimum = self.network.minimum_size
        check_painting(style.size, minimum, "the style image")
        matching = enlargement(style.size, max(size), minimum, scale, match)
        stats = self._statistics_at(matching, style, size, tile, mask)
        if matching.first == matching.last:
            return stats
        own = self._statistics_at(enlargement(style.size, max(size), minimum, scale), style, size, tile, mask)
        return {name: own[name] if self._geometries[name].stride == 1 else stats[name] for name in stats}

    def _statistics_at(
        self,
        resizing: Enlargement,
        style: Picture,
        size: Size,
        tile: int | None,
        mask: RegionMap | None,
    ) -> dict[str, Stats]:
        """Return the statistics of a painting at a size, and keep them for later.

        Args:
            resizing: Sizes of the painting.
            style: The painting.
            size: Size of the octave.
            tile: Side of the tiles, pixels; None for one piece.
            mask: Regions of the painting; None for one region.
        """
        shape = resizing.last
        if tile is None and is_much_larger(shape, size) and not self.untileable:
            tile = self.tiling.view.tile_like(size)  # no more memory than the picture
        variant = "" if tile is None else f" by tiles of {tile}"  # tiles change the rounding
        variant += "" if mask is None else f" in regions {mask.sha256}"
        variant += resizing.words
        key = (style.sha256 + variant, shape)
        if key not in self._statistics:
            painting = resized(style, resizing.first) if resizing.words else style
            stats = self._computed_statistics(painting, shape, tile, mask)
            self._statistics[key] = {
                term.name: stats[term.name] if mask else per_position(stats[term.name])
                for term in self.objective.statistic
            }
        return self._statistics[key]

    def _computed_statistics(
        self,
        style: Picture,
        shape: Size,
        tile: int | None,
        mask: RegionMap | None,
    ) -> dict[str, Stats]:
        pixels = resampled_colors(style, shape)
        alpha = resampled_alpha(style, shape)
        guides = {}
        if mask is not None:
            guides = self.guides(shape, mask.with_whole(shape), alpha)
        if tile is not None:
            return self.tiling.statistics(pixels, tile, self.tiling.regions(alpha, guides))
        weights = None if alpha is None else image_tensor(alpha)
        return self.observe(image_tensor(pixels), weights, tensors_of(guides)).stats


def tensors_of(guides: Mapping[str, Array]) -> dict[str, Tensor]:
    """Convert the arrays (H, W, R) of terms to tensors (1, H, W, R); equal arrays become one tensor."""
    made: dict[int, Tensor] = {}
    for array in guides.values():
        if id(array) not in made:
            made[id(array)] = image_tensor(array)
    return {name: made[id(array)] for name, array in guides.items()}


def _bytes_of_reading(reading: Reading) -> float:
    """Bytes per pixel of a reading, float32."""
    return 4.0 * reading.channels / reading.stride**2


def decisive(config: RenderConfig) -> tuple[Any, ...]:
    """Return the values of the fields that an engine is built from."""
    return tuple(getattr(config, name) for name in DECISIVE)


def make_optimizer(config: RenderConfig) -> AnyOptimizer:
    """Make the optimizer that `config` names, with the learning rate from `config` if it has one."""
    kind = OPTIMIZERS[config.optimizer]
    options = {} if config.learning_rate is None else {"learning_rate": config.learning_rate}
    optimizer: AnyOptimizer = kind(**options)
    return optimizer


def find_device(name: str) -> str:
    """Return TensorFlow's name for the device "auto", "cpu", "gpu" or "gpu:1".

    Raises:
        ResourceError: There is no such device.
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
    """Return "cpu" or "gpu" for TensorFlow's name of a device."""
    return device.strip("/").lower().partition(":")[0]


def on_engine(
    engine: Engine,
    render: Generator[Event, None, Result],
) -> Generator[Event, None, Result]:
    """Run a render that holds its engine while it computes, and releases it between two events."""
    try:
        while True:
            with engine.held():
                try:
                    event = next(render)
                except StopIteration as end:
                    result: Result = end.value
                    return result
            yield event
    finally:
        render.close()


def use_threads(count: int) -> bool:
    """Set the number of threads that TensorFlow uses for one operation.

    Returns:
        Whether TensorFlow uses that number; the number cannot change once TensorFlow has started.
    """
    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
    except RuntimeError:  # TensorFlow has started
        return threads() == count
    return True


def threads() -> int:
    """Return the number of threads that TensorFlow uses for one operation; the order of its sums may depend on it."""
    chosen: int = tf.config.threading.get_intra_op_parallelism_threads()
    return chosen or usual_threads()


def uses_xla(config: RenderConfig, device: str) -> bool:
    """Whether to compile with XLA. If `config` leaves it open, use XLA on a GPU, and on a CPU if it is faster there."""
    if config.compile == "auto":
        return "GPU" in device or FASTER_ON_CPU == "xla"
    return config.compile == "xla"
