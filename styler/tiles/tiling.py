"""Exact value and gradient of the objective, tile by tile: memory grows with the tile and not with the image.

A statistic term is a function of sums over positions. Pass 1 adds the sums of all tiles; the slope of the term in the
sums is worked out once; pass 2 runs every tile again and pulls back the same slope through its own positions, together
with its own share of the terms that are plain sums. Gradients of overlapping halos add up. See `docs/tiling.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from styler.features.extractor import FeatureExtractor
from styler.images.mapped import Array, add, bands, put, taken
from styler.losses.base import Frame, LocalLoss, LocalTarget, Prepared, Stats, added
from styler.losses.term import Term
from styler.memory import trim
from styler.objective.compiled import Compiled
from styler.objective.objective import Named, Objective, Observation, Targets, at_positions
from styler.tiles.layout import Box, View, position_counts
from styler.types import Scalar, Size, Tensor

Allocate: TypeAlias = Callable[[str, tuple[int, ...]], Array]
"""Name and shape -> array of the render's dtype, in memory or mapped."""

Told: TypeAlias = Callable[[int, int], object]
"""Called after every tile with the count of tiles done and to do; what it raises ends the evaluation."""


class TiledEvaluation(NamedTuple):
    """The objective at an image; the gradient was written where the caller asked for it.

    Attributes:
        value: Weighted sum of the terms.
        terms: Term -> its value without weight.
    """

    value: float
    terms: dict[str, float]


class _Part(NamedTuple):
    """A tile as its programs take it.

    Attributes:
        image: Its pixels with halo, (1, H, W, 3).
        boxes: Term -> first and last row, first and last column of own positions, ends one past the last, int32, (4,).
        counts: Term -> rows and columns of positions over the whole image, int32, (2,).
        regions: Term -> how much each own position counts, (1, H', W', R); empty for one region of equal weights.
    """

    image: Tensor
    boxes: Named
    counts: Named
    regions: Named


class _Placed(NamedTuple):
    """A tile and where it lies.

    Attributes:
        number: From 1.
        tiles: How many there are.
        part: What its programs take.
        boxes: Term -> its own positions.
        seen: Rows and columns of its pixels with halo.
    """

    number: int
    tiles: int
    part: _Part
    boxes: dict[str, Box]
    seen: tuple[slice, slice]


@dataclass
class Tiling:
    """An objective evaluated tile by tile; the counterpart of `Objective` for images that live on the host.

    Targets are those of `Objective` with `kept` and `regions` as arrays without the batch axis. Two programs a step,
    traced once, serve tiles of all shapes and at all borders.

    Attributes:
        objective: What an image should match.
        extractor: The network that `objective.extract` runs, for the sizes of its outputs.
        view: How its terms see an image.
        dtype: Of images on the host and on the device.
    """

    objective: Objective
    extractor: FeatureExtractor
    view: View
    dtype: Any = "float32"
    _sum: Compiled = field(init=False)
    _observe: Compiled = field(init=False)
    _pull: Compiled = field(init=False)
    _slope: Compiled = field(init=False)

    def __post_init__(self) -> None:
        """Programs are traced when first called."""
        self._sum, self._observe = Compiled(self._tile_statistics), Compiled(self._tile_observation)
        self._pull, self._slope = Compiled(self._tile_gradient), Compiled(self._statistic_slopes)

    def regions(self, alpha: Array | None) -> dict[str, Array]:
        """How much each position of what each term reads counts, from weights of pixels (H, W, R); None for all."""
        if alpha is None:
            return {}
        whole = tf.constant(alpha, self.dtype)[None]
        counts = position_counts(self.objective, self.extractor, Size(*alpha.shape[:2]))
        return {
            name: at_positions(whole, tf.zeros([1, *count, 1], self.dtype))[0].numpy() for name, count in counts.items()
        }

    def statistics(
        self, image: Array, tile: int, regions: Named | None = None, told: Told | None = None, passes: int = 1
    ) -> dict[str, Stats]:
        """Sums over positions of the terms that compare them, float64, in one pass over the tiles of an image.

        Args:
            image: (H, W, 3), 0..1.
            tile: Side of what a tile owns, pixels; see `View.tiles`.
            regions: By `regions`.
            told: See `Told`.
            passes: Of how many this one is the first.
        """
        total: dict[str, Stats] = {}
        for each in self._placed(image, tile, regions or {}):
            total = _summed(total, self._sum(each.part))
            _tell(told, each.number, passes * each.tiles)
        trim()
        return total

    def observe(self, image: Array, tile: int, allocate: Allocate, alpha: Array | None = None) -> Observation:
        """A photo: its statistics, float64, and what local terms keep of it.

        Args:
            image: RGB 0..1, (H, W, 3).
            tile: Side of what a tile owns, pixels; see `View.tiles`.
            allocate: Where the activations go.
            alpha: Weights of its pixels, (H, W, R); None where all count alike.
        """
        regions = self.regions(alpha)
        counts = position_counts(self.objective, self.extractor, Size(*image.shape[:2]))
        made: dict[str, Array] = {}
        total: dict[str, Stats] = {}
        for each in self._placed(image, tile, regions):
            stats, own = self._observe(each.part)
            total = _summed(total, stats)
            for name, features in own.items():
                if name not in made:
                    made[name] = allocate(name, (*counts[name], int(features.shape[-1])))
                put(made[name], each.boxes[name].rows, each.boxes[name].columns, features[0].numpy())
        return Observation(total, {term.name: made.get(term.name, ()) for term in self.objective.local}, regions)

    def evaluate(
        self, image: Array, targets: Targets, tile: int, gradient: Array, told: Told | None = None
    ) -> TiledEvaluation:
        """Value and gradient of the objective.

        Args:
            image: (H, W, 3), 0..1.
            targets: What to compare with.
            tile: Side of what a tile owns, pixels; see `View.tiles`.
            gradient: Where the gradient goes, (H, W, 3).
            told: See `Told`.
        """
        stats = self.statistics(image, tile, targets.regions, told, passes=2)
        weights = {name: tf.constant(float(weight), tf.float64) for name, weight in targets.weights.items()}
        distances, slopes = self._slope(stats, self._aims(targets, self.objective.statistic, tf.float64), weights)
        values = {name: float(distance) for name, distance in distances.items()}
        values |= {term.name: 0.0 for term in self.objective.local}
        aims = self._aims(targets, self.objective.local)
        factors = {term.name: tf.cast(weights[term.name], self.dtype) for term in self.objective.local}
        slopes = tf.nest.map_structure(lambda slope: tf.cast(slope, self.dtype), slopes)
        for rows in bands(gradient):
            gradient[rows] = 0.0
        for each in self._placed(image, tile, targets.regions):
            local = {name: LocalTarget(aim, _cut(targets.kept[name], each.boxes[name])) for name, aim in aims.items()}
            shares, pixels = self._pull(each.part, local, factors, slopes)
            add(gradient, *each.seen, pixels[0].numpy())
            for name, share in shares.items():
                values[name] += float(share)
            _tell(told, each.tiles + each.number, 2 * each.tiles)
        trim()
        return TiledEvaluation(sum(float(weights[name]) * value for name, value in values.items()), values)

    def _aims(self, targets: Targets, terms: tuple[Term[Any], ...], dtype: Any = None) -> dict[str, Prepared]:
        aims = {term.name: targets.aims[term.name] for term in terms}
        return aims if dtype is None else tf.nest.map_structure(lambda part: tf.cast(part, dtype), aims)

    def _placed(self, image: Array, tile: int, regions: Named) -> Iterator[_Placed]:
        """Every tile of an image, row by row."""
        size = Size(*image.shape[:2])
        tiles, counts = self.view.tiles(size, tile), position_counts(self.objective, self.extractor, size)
        for number, each in enumerate(tiles, start=1):
            boxes = {name: self.view.box(name, each, count) for name, count in counts.items()}
            part = _Part(
                image=tf.constant(taken(image, *each.seen))[None],
                boxes={name: tf.constant(box.local) for name, box in boxes.items()},
                counts={name: tf.constant(count) for name, count in counts.items()},
                regions={name: _cut(weights, boxes[name]) for name, weights in regions.items()},
            )
            yield _Placed(number, len(tiles), part, boxes, each.seen)

    def _tile_statistics(self, part: _Part) -> dict[str, Stats]:
        seen = self.objective.seen(part.image)
        own = {term.name: _inside(seen[term.name], part.boxes[term.name]) for term in self.objective.statistic}
        return _wide(self.objective.statistics(own, part.regions))

    def _tile_observation(self, part: _Part) -> tuple[dict[str, Stats], Named]:
        seen = self.objective.seen(part.image)
        own = {name: _inside(features, part.boxes[name]) for name, features in seen.items()}
        stats = {
            term.name: term.loss.statistics(own[term.name], part.regions.get(term.name))
            for term in self.objective.terms
        }
        return _wide(stats), {term.name: own[term.name] for term in self.objective.local if term.loss.keeps}

    def _statistic_slopes(
        self, stats: dict[str, Stats], aims: dict[str, Prepared], weights: Named
    ) -> tuple[dict[str, Scalar], dict[str, Stats]]:
        """Values of the statistic terms and the slopes, in the sums, of their weighted sum; float64."""
        with tf.GradientTape() as tape:
            tape.watch(stats)
            values = self.objective.distances(stats, aims)
            weighted = tf.add_n([weights[name] * value for name, value in values.items()])
        return values, tape.gradient(weighted, stats, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def _tile_gradient(
        self, part: _Part, targets: dict[str, LocalTarget], factors: Named, slopes: dict[str, Stats]
    ) -> tuple[dict[str, Scalar], Tensor]:
        """A tile's shares of the local terms, and its pixels' gradient."""
        objective = self.objective
        with tf.GradientTape() as tape:
            tape.watch(part.image)
            seen = objective.seen(part.image)
            own = {term.name: _inside(seen[term.name], part.boxes[term.name]) for term in objective.statistic}
            pulled = [
                tf.reduce_sum(slopes[name][of] * amount)
                for name, stats in objective.statistics(own, part.regions).items()
                for of, amount in stats.items()
            ]
            shares = {term.name: _share(term, seen[term.name], part, targets[term.name]) for term in objective.local}
            total = tf.add_n(pulled + [factors[name] * share for name, share in shares.items()])
        return shares, tape.gradient(total, part.image)


def _share(term: Term[LocalLoss], features: Tensor, part: _Part, target: LocalTarget) -> Scalar:
    """A tile's share of a local term, whose loss sees own positions and neighbors."""
    box, reach = part.boxes[term.name], (term.loss.before, term.loss.after)
    starts, ends = box[::2], box[1::2]
    low, high = tf.maximum(starts - reach[0], 0), tf.minimum(ends + reach[1], tf.shape(features)[1:3])
    around = tf.stack([low[0], high[0], low[1], high[1]])
    frame = Frame(corner=starts - low, owned=ends - starts, whole=part.counts[term.name])
    return term.loss.local(_inside(features, around), target, part.regions.get(term.name), frame)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _inside(values: Tensor, box: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, None]]]:
    """(1, H, W, C) -> the positions of a box: first and last row, first and last column.

    The gradient is a padding, which takes a quarter off the time of a whole pass 2 against TensorFlow's own gradient of
    slices.
    """
    shape = tf.shape(values)

    def gradient(upstream: Tensor) -> tuple[Tensor, None]:
        around = [[0, 0], [box[0], shape[1] - box[1]], [box[2], shape[2] - box[3]], [0, 0]]
        return tf.pad(upstream, around), None

    return values[:, box[0] : box[1], box[2] : box[3]], gradient


def _cut(whole: Any, box: Box) -> Any:
    """A tile's own positions of an array (H', W', C) as a tensor (1, H'', W'', C); nothing of nothing."""
    return tf.constant(taken(whole, box.rows, box.columns))[None] if isinstance(whole, np.ndarray) else ()


def _wide(stats: Any) -> Any:
    """The same structure in float64."""
    return tf.nest.map_structure(lambda part: tf.cast(part, tf.float64), stats)


def _summed(total: dict[str, Stats], part: dict[str, Stats]) -> dict[str, Stats]:
    """Statistics of all terms together; nothing comes before the first."""
    return {name: added(total[name], stats) for name, stats in part.items()} if total else part


def _tell(told: Told | None, done: int, count: int) -> None:
    if told is not None:
        told(done, count)
