"""Exact value and gradient of the objective, tile by tile: memory depends on the tile, not on the image.

A statistic term is a function of sums over positions. Pass 1 adds up the sums of all tiles. The gradient of the term
with respect to the sums is computed once. Pass 2 runs every tile again and propagates this gradient back through the
tile's own positions, together with the tile's share of the local terms. The gradients of overlapping halos are added
up. See `docs/tiling.md`.
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
from styler.objective.objective import Named, Objective, Observation, Targets, at_positions, statistics_of
from styler.tiles.layout import Box, View, position_counts
from styler.types import Scalar, Size, Tensor

Allocate: TypeAlias = Callable[[str, tuple[int, ...]], Array]
"""Name and shape -> array of the render's dtype, in memory or mapped."""

OnTile: TypeAlias = Callable[[int, int], object]
"""Called after each tile with the number of finished tiles and of all tiles; an exception ends the evaluation."""


class TiledEvaluation(NamedTuple):
    """The value of the objective for an image; the gradient is written to the caller's array.

    Attributes:
        value: Weighted sum of the terms.
        terms: Term -> its value without weight.
    """

    value: float
    terms: dict[str, float]


class _TileInputs(NamedTuple):
    """A tile in the form that the compiled programs take.

    Attributes:
        image: Pixels, including the halo, (1, H, W, 3).
        boxes: Term -> first row, end of the rows, first column and end of the columns of own positions, int32, (4,).
        counts: Term -> rows and columns of positions in the whole image, int32, (2,).
        regions: Term -> how much each own position counts, (1, H', W', R); empty for one region of equal weights.
    """

    image: Tensor
    boxes: Named
    counts: Named
    regions: Named


class _LocatedTile(NamedTuple):
    """A tile and its location in the image.

    Attributes:
        number: Its number, from 1.
        total: Number of all tiles.
        pixels: Rows and columns of its pixels, including the halo.
        boxes: Term -> its own positions.
        inputs: Inputs of the compiled programs.
    """

    number: int
    total: int
    pixels: tuple[slice, slice]
    boxes: dict[str, Box]
    inputs: _TileInputs


@dataclass
class Tiling:
    """An objective that is evaluated tile by tile; the counterpart of `Objective` for images on the host.

    Targets are those of `Objective`, except that `activations` and `regions` are arrays without the batch axis. Each
    step runs two programs per tile. They are traced once and serve tiles of all shapes, at all borders.

    Attributes:
        objective: Objective to evaluate.
        extractor: The network that `objective.extract` runs; it determines the sizes of the outputs.
        view: What the terms depend on in an image.
        dtype: Dtype of images on the host and on the device.
    """

    objective: Objective
    extractor: FeatureExtractor
    view: View
    dtype: Any = "float32"
    _statistics_program: Compiled = field(init=False)
    _observation_program: Compiled = field(init=False)
    _slopes_program: Compiled = field(init=False)
    _gradient_program: Compiled = field(init=False)

    def __post_init__(self) -> None:
        """Create the programs; each is traced at its first call."""
        self._statistics_program = Compiled(self._tile_statistics)
        self._observation_program = Compiled(self._tile_observation)
        self._slopes_program = Compiled(self._statistic_slopes)
        self._gradient_program = Compiled(self._tile_gradient)

    def regions(self, alpha: Array | None, known: Named | None = None) -> dict[str, Array]:
        """Compute the weight of each position of each term.

        Args:
            alpha: Weights of pixels, (H, W, R); None if all pixels count equally.
            known: Weights of the positions of terms that do not take those of the pixels.

        Returns:
            Term -> weights, (H', W', R); empty if all positions count equally.
        """
        regions = dict(known or {})
        if alpha is None:
            return regions
        pixels = tf.constant(alpha, self.dtype)[None]
        missing = {name: size for name, size in self._counts(alpha).items() if name not in regions}
        for name, size in missing.items():
            grid = tf.zeros([1, *size, 1], self.dtype)
            regions[name] = at_positions(pixels, grid)[0].numpy()
        return regions

    def statistics(
        self,
        image: Array,
        tile: int,
        regions: Named | None = None,
        on_tile: OnTile | None = None,
        passes: int = 1,
    ) -> dict[str, Stats]:
        """Compute the sums over positions of the statistic terms, in one pass over the tiles of an image.

        Args:
            image: (H, W, 3), 0..1.
            tile: Side of the square that a tile owns, in pixels; see `View.tiles`.
            regions: Weights of positions, made by `regions`.
            on_tile: See `OnTile`.
            passes: Number of passes in the total that `on_tile` gets; this pass is the first.

        Returns:
            Term -> sums, float64.
        """
        total: dict[str, Stats] = {}
        for located in self._located_tiles(image, tile, regions or {}):
            stats = self._statistics_program(located.inputs)
            total = _summed(total, stats)
            if on_tile is not None:
                on_tile(located.number, passes * located.total)
        trim()
        return total

    def observe(
        self,
        image: Array,
        tile: int,
        allocate: Allocate,
        alpha: Array | None = None,
        regions: Named | None = None,
    ) -> Observation:
        """Compute the statistics of a photo, float64, and the activations that local terms need.

        Args:
            image: RGB 0..1, (H, W, 3).
            tile: Side of the square that a tile owns, in pixels; see `View.tiles`.
            allocate: Makes the arrays for the activations.
            alpha: Weights of pixels, (H, W, R); None if all pixels count equally.
            regions: Weights of the positions of terms that do not take those of the pixels.
        """
        regions = self.regions(alpha, regions)
        counts = self._counts(image)
        arrays: dict[str, Array] = {}
        total: dict[str, Stats] = {}
        for located in self._located_tiles(image, tile, regions):
            stats, activations = self._observation_program(located.inputs)
            total = _summed(total, stats)
            for name, part in activations.items():
                if name not in arrays:
                    arrays[name] = allocate(name, (*counts[name], int(part.shape[-1])))
                box = located.boxes[name]
                put(arrays[name], box.rows, box.columns, part[0].numpy())
        return Observation(
            stats=total,
            activations={term.name: arrays.get(term.name, ()) for term in self.objective.local},
            regions=regions,
        )

    def evaluate(
        self,
        image: Array,
        targets: Targets,
        tile: int,
        gradient: Array,
        on_tile: OnTile | None = None,
    ) -> TiledEvaluation:
        """Compute the value and the gradient of the objective.

        Args:
            image: (H, W, 3), 0..1.
            targets: Targets to compare with.
            tile: Side of the square that a tile owns, in pixels; see `View.tiles`.
            gradient: Array that the gradient is written to, (H, W, 3).
            on_tile: See `OnTile`.
        """
        local_terms = self.objective.local
        stats = self.statistics(
            image,
            tile,
            targets.regions,
            on_tile,
            passes=2,
        )
        statistic_targets = {term.name: targets.prepared[term.name] for term in self.objective.statistic}
        weights = {name: tf.constant(float(weight), tf.float64) for name, weight in targets.weights.items()}
        local_weights = {term.name: weights[term.name] for term in local_terms}
        distances, slopes = self._slopes_program(
            stats,
            _cast(statistic_targets, tf.float64),
            weights,
        )
        slopes = _cast(slopes, self.dtype)
        local_weights = _cast(local_weights, self.dtype)
        values = {name: float(distance) for name, distance in distances.items()}
        values |= {term.name: 0.0 for term in local_terms}
        for rows in bands(gradient):
            gradient[rows] = 0.0
        for located in self._located_tiles(image, tile, targets.regions):
            local_targets = {
                term.name: LocalTarget(
                    prepared=targets.prepared[term.name],
                    activations=_cut(targets.activations[term.name], located.boxes[term.name]),
                )
                for term in local_terms
            }
            shares, pixels = self._gradient_program(
                located.inputs,
                local_targets,
                local_weights,
                slopes,
            )
            add(gradient, *located.pixels, pixels[0].numpy())
            for name, share in shares.items():
                values[name] += float(share)
            if on_tile is not None:
                on_tile(located.total + located.number, 2 * located.total)
        trim()
        weighted = sum(float(weights[name]) * value for name, value in values.items())
        return TiledEvaluation(weighted, values)

    def _counts(self, image: Array) -> dict[str, Size]:
        size = Size(*image.shape[:2])
        return position_counts(self.objective, self.extractor, size)

    def _located_tiles(
        self,
        image: Array,
        tile: int,
        regions: Named,
    ) -> Iterator[_LocatedTile]:
        """Yield every tile of an image, row by row."""
        tiles = self.view.tiles(Size(*image.shape[:2]), tile)
        counts = self._counts(image)
        for number, each in enumerate(tiles, start=1):
            boxes = {name: self.view.box(name, each, count) for name, count in counts.items()}
            inputs = _TileInputs(
                image=tf.constant(taken(image, *each.seen))[None],
                boxes={name: tf.constant(box.local) for name, box in boxes.items()},
                counts={name: tf.constant(count) for name, count in counts.items()},
                regions={name: _cut(weights, boxes[name]) for name, weights in regions.items()},
            )
            yield _LocatedTile(
                number=number,
                total=len(tiles),
                pixels=each.seen,
                boxes=boxes,
                inputs=inputs,
            )

    def _tile_statistics(self, tile: _TileInputs) -> dict[str, Stats]:
        features = self.objective.read(tile.image)
        return _cast(self._own_statistics(features, tile), tf.float64)

    def _own_statistics(self, features: Named, tile: _TileInputs) -> dict[str, Stats]:
        """Compute the sums over a tile's own positions for the statistic terms."""
        own = {term.name: _inside(features[term.name], tile.boxes[term.name]) for term in self.objective.statistic}
        return self.objective.statistics(own, tile.regions)

    def _tile_observation(self, tile: _TileInputs) -> tuple[dict[str, Stats], Named]:
        features = self.objective.read(tile.image)
        own = {name: _inside(part, tile.boxes[name]) for name, part in features.items()}
        stats = statistics_of(self.objective.terms, own, tile.regions)
        activations = {}
        for term in self.objective.local:
            if term.loss.needs_activations:
                activations[term.name] = own[term.name]
        return _cast(stats, tf.float64), activations

    def _statistic_slopes(
        self,
        stats: dict[str, Stats],
        prepared: dict[str, Prepared],
        weights: Named,
    ) -> tuple[dict[str, Scalar], dict[str, Stats]]:
        """Compute the statistic terms, and the gradient of their weighted sum with respect to the statistics.

        All results are float64.
        """
        with tf.GradientTape() as tape:
            tape.watch(stats)
            values = self.objective.distances(stats, prepared)
            weighted = tf.add_n([weights[name] * value for name, value in values.items()])
        slopes = tape.gradient(
            weighted,
            stats,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        return values, slopes

    def _tile_gradient(
        self,
        tile: _TileInputs,
        targets: dict[str, LocalTarget],
        weights: Named,
        slopes: dict[str, Stats],
    ) -> tuple[dict[str, Scalar], Tensor]:
        """Compute a tile's shares of the local terms, and the gradient for its pixels.

        The product of the statistics and their slopes has the same gradient as the statistic terms.
        """
        with tf.GradientTape() as tape:
            tape.watch(tile.image)
            features = self.objective.read(tile.image)
            summands = []
            for name, stats in self._own_statistics(features, tile).items():
                for key, amount in stats.items():
                    summands.append(tf.reduce_sum(slopes[name][key] * amount))
            shares = {}
            for term in self.objective.local:
                share = _share(term, features[term.name], tile, targets[term.name])
                summands.append(weights[term.name] * share)
                shares[term.name] = share
            total = tf.add_n(summands)
        return shares, tape.gradient(total, tile.image)


def _share(
    term: Term[LocalLoss],
    features: Tensor,
    tile: _TileInputs,
    target: LocalTarget,
) -> Scalar:
    """Compute a tile's share of a local term, whose loss reads the tile's own positions and their neighbors."""
    box = tile.boxes[term.name]
    starts = box[::2]
    ends = box[1::2]
    low = tf.maximum(starts - term.loss.before, 0)
    high = tf.minimum(ends + term.loss.after, tf.shape(features)[1:3])
    with_neighbors = tf.stack([low[0], high[0], low[1], high[1]])
    frame = Frame(
        corner=starts - low,
        owned=ends - starts,
        whole=tile.counts[term.name],
    )
    return term.loss.local(
        _inside(features, with_neighbors),
        target,
        tile.regions.get(term.name),
        frame,
    )


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _inside(values: Tensor, box: Tensor) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, None]]]:
    """Return the positions inside a box: (1, H, W, C) -> (1, H', W', C).

    The gradient is computed by padding. Compared with TensorFlow's own gradient of slices, this makes pass 2 a quarter
    shorter.

    Args:
        values: (1, H, W, C).
        box: First row, end of the rows, first column and end of the columns, int32, (4,).
    """
    top = box[0]
    bottom = box[1]
    left = box[2]
    right = box[3]
    shape = tf.shape(values)

    def gradient(upstream: Tensor) -> tuple[Tensor, None]:
        rows = [top, shape[1] - bottom]
        columns = [left, shape[2] - right]
        return tf.pad(upstream, [[0, 0], rows, columns, [0, 0]]), None

    return values[:, top:bottom, left:right], gradient


def _cut(whole: Any, box: Box) -> Any:
    """Return a tile's own positions of an array (H', W', C) as a tensor (1, H'', W'', C); () if it is not an array."""
    if not isinstance(whole, np.ndarray):
        return ()
    return tf.constant(taken(whole, box.rows, box.columns))[None]


def _cast(structure: Any, dtype: Any) -> Any:
    """Cast all tensors of a structure to another dtype."""
    return tf.nest.map_structure(lambda tensor: tf.cast(tensor, dtype), structure)


def _summed(total: dict[str, Stats], part: dict[str, Stats]) -> dict[str, Stats]:
    """Add up the statistics of all terms; `total` is empty before the first part."""
    if not total:
        return part
    return {name: added(total[name], stats) for name, stats in part.items()}
