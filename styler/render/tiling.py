"""Exact value and gradient of the objective, tile by tile: memory grows with the tile and not with the image.

The style term is a function of sums over positions. Pass 1 adds the sums of all tiles; the slope of the term in the
sums is worked out once; pass 2 runs every tile again and pulls back the same slope through its own positions, together
with its own share of the terms that are plain sums, content and smoothness. Gradients of overlapping halos add up. See
`docs/tiling.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

from styler.images.mapped import Array, add, bands, put, taken
from styler.losses import functional as F
from styler.losses.base import Prepared, Stats, Sums
from styler.memory import trim
from styler.render.compiled import Compiled
from styler.render.objective import Objective, Opacity, Terms, Weights, at_positions
from styler.render.tiles import Box, Tile, View, position_counts
from styler.types import Features, Scalar, Size, Tensor

Allocate: TypeAlias = Callable[[tuple[int, ...]], Array]
"""Shape -> array of the render's dtype, in memory or mapped."""


HostOpacity: TypeAlias = dict[str, Array]
"""Layer -> how much each of its positions counts, (H', W', 1), 0..1; empty where all count alike."""


class TiledTargets(NamedTuple):
    """What an image is compared with; activations stay on the host.

    Attributes:
        content: Content layer -> activations of the content image, (H', W', C).
        variances: Content layer -> what the mean squared difference is divided by.
        style: Style layer -> the style images' statistics as the loss wants them.
        weights: Factors of the terms.
        opacity: Layer -> what of the content image is opaque there, (H', W', 1); empty where all is.
    """

    content: dict[str, Array]
    variances: dict[str, float]
    style: dict[str, Prepared]
    weights: Weights
    opacity: HostOpacity = {}  # noqa: RUF012 - a NamedTuple's default, never written to


class TiledEvaluation(NamedTuple):
    """The objective at an image; the gradient was written where the caller asked for it."""

    value: float
    terms: Terms


class _Cut(NamedTuple):
    """What is a tile's own in the tensors that its program handles, int32.

    Attributes:
        boxes: Layer -> first and last row, first and last column of own positions, ends one past the last, (4,).
        corner: Row and column of the first own pixel, (2,).
        owned: Rows and columns of own pixels, (2,).
        whole: (height, width) of the image.
    """

    boxes: dict[str, Tensor]
    corner: Tensor
    owned: Tensor
    whole: Tensor


class _Slopes(NamedTuple):
    """How the value changes with what pass 2 sums up.

    Attributes:
        style: Style layer -> slopes in the sums of activations and of outer products.
        content: Content layer -> factor of the sum of squared differences.
        tv: Factor of the share of total variation.
    """

    style: dict[str, tuple[Tensor, Tensor]]
    content: dict[str, Scalar]
    tv: Scalar


@dataclass
class Tiling:
    """An objective evaluated tile by tile; the counterpart of `Objective` for images that live on the host.

    Two programs, traced once, serve tiles of all shapes and at all borders.

    Attributes:
        objective: What an image should match.
        model: The network that `objective.extract` runs, for the sizes of its outputs.
        view: How its layers see an image.
        dtype: Of images on the host and on the device.
        watch: Called after every tile with the count of tiles done and to do; what it raises ends the evaluation.
    """

    objective: Objective
    model: Any
    view: View
    dtype: Any = "float32"
    watch: Callable[[int, int], object] | None = None
    _sum: Compiled = field(init=False)
    _observe: Compiled = field(init=False)
    _pull: Compiled = field(init=False)
    _slope: Compiled = field(init=False)

    def __post_init__(self) -> None:
        """Programs are traced when first called."""
        self._sum, self._observe = Compiled(self._tile_statistics), Compiled(self._tile_observation)
        self._pull, self._slope = Compiled(self._tile_gradient), Compiled(self._style_slopes)

    def opacity(self, alpha: Array | None) -> HostOpacity:
        """What of an image is opaque at every layer, from its alpha (H, W, 1); None where all is."""
        if alpha is None:
            return {}
        counts = position_counts(self.model, Size(*alpha.shape[:2]))
        whole = tf.constant(alpha, self.dtype)[None]
        grids = zip(self.view.vertical.extents, counts, strict=True)
        return {name: at_positions(whole, tf.zeros([1, *count, 1], self.dtype))[0].numpy() for name, count in grids}

    def statistics(
        self, image: Array, tile: int, opacity: HostOpacity | None = None, passes: int = 1
    ) -> dict[str, Stats]:
        """Sums over positions of an image (H, W, 3), float64, in one pass over its tiles, the first of so many."""
        tiles, counts = self._tiles(image, tile)
        total: Any = None
        for done, each in enumerate(tiles, start=1):
            weights = self._weights_of(each, counts, opacity or {})
            part = _wide(self._sum(self._crop(image, each), self._cut(each, counts, image), weights))
            total = _added(total, part)
            self._told(done, passes * len(tiles))
        trim()
        return total

    def observe(
        self, image: Array, tile: int, allocate: Allocate, alpha: Array | None = None
    ) -> tuple[dict[str, Stats], TiledTargets]:
        """A photo (H, W, 3): statistics per position and content targets, `style` and `weights` still empty.

        Args:
            image: RGB 0..1.
            tile: Side of what a tile owns, pixels; see `View.tiles`.
            allocate: Where the activations go.
            alpha: How opaque it is, (H, W, 1); None where it is everywhere.
        """
        opacity = self.opacity(alpha)
        tiles, counts = self._tiles(image, tile)
        content: dict[str, Array] = {}
        totals: Any = None
        for done, each in enumerate(tiles, start=1):
            boxes = {name: self.view.box(name, each, counts[name]) for name in counts}
            weights = self._weights_of(each, counts, opacity)
            own, seen, part = self._observe(self._crop(image, each), self._cut(each, counts, image), weights)
            sums = _wide((own, part))
            totals = _added(totals, sums)
            for name, features in seen.items():
                if name not in content:
                    content[name] = allocate((*counts[name], int(features.shape[-1])))
                put(content[name], boxes[name].rows, boxes[name].columns, features[0].numpy())
            self._told(done, len(tiles))
        variances = {name: float(self.objective.content_loss.variance(part)) for name, part in totals[1].items()}
        means = {name: part.per_position() for name, part in totals[0].items()}
        return means, TiledTargets(content, variances, {}, Weights(0.0, 0.0, 0.0), opacity)

    def evaluate(self, image: Array, targets: TiledTargets, tile: int, gradient: Array) -> TiledEvaluation:
        """Value and gradient of the objective.

        Args:
            image: (H, W, 3), 0..1.
            targets: What to compare with.
            tile: Side of what a tile owns, pixels; see `View.tiles`.
            gradient: Where the gradient goes, (H, W, 3).
        """
        tiles, counts = self._tiles(image, tile)
        stats = self.statistics(image, tile, targets.opacity, passes=2)
        style, pulls = self._slope(stats, targets.style, _wide_scalar(targets.weights.style))
        factors = self._content_factors(targets)
        slopes = self._slopes(pulls, factors, targets.weights)
        for rows in bands(gradient):
            gradient[rows] = 0.0
        content, tv = 0.0, 0.0
        for done, each in enumerate(tiles, start=len(tiles) + 1):
            distances, variation, pixels = self._pull(*self._arguments(image, each, counts, targets), slopes)
            add(gradient, *each.seen, pixels[0].numpy())
            content += sum(factors[name] * float(distance) for name, distance in distances.items())
            tv += float(variation)
            self._told(done, 2 * len(tiles))
        trim()
        terms = Terms(content, float(style), tv)
        value = sum(float(weight) * term for weight, term in zip(targets.weights, terms, strict=True))
        return TiledEvaluation(value, terms)

    def _told(self, done: int, count: int) -> None:
        if self.watch is not None:
            self.watch(done, count)

    def _tiles(self, image: Array, tile: int) -> tuple[tuple[Tile, ...], dict[str, Size]]:
        size = Size(*image.shape[:2])
        names = self.view.vertical.extents
        return self.view.tiles(size, tile), dict(zip(names, position_counts(self.model, size), strict=True))

    def _crop(self, image: Array, tile: Tile) -> Tensor:
        return tf.constant(taken(image, *tile.seen))[None]

    def _cut(self, tile: Tile, counts: dict[str, Size], image: Array) -> _Cut:
        rows, columns = tile
        return _Cut(
            boxes={name: tf.constant(self.view.box(name, tile, counts[name]).local) for name in counts},
            corner=tf.constant([rows.start - rows.low, columns.start - columns.low]),
            owned=tf.constant([rows.stop - rows.start, columns.stop - columns.start]),
            whole=tf.constant(image.shape[:2]),
        )

    def _weights_of(self, tile: Tile, counts: dict[str, Size], opacity: HostOpacity) -> dict[str, Tensor]:
        """How much a tile's own positions count."""
        boxes = {name: self.view.box(name, tile, counts[name]) for name in opacity}
        return {name: tf.constant(taken(opacity[name], box.rows, box.columns))[None] for name, box in boxes.items()}

    def _arguments(
        self, image: Array, tile: Tile, counts: dict[str, Size], targets: TiledTargets
    ) -> tuple[Tensor, _Cut, dict[str, Tensor], dict[str, Tensor]]:
        content = {}
        for name, activations in targets.content.items():
            box: Box = self.view.box(name, tile, counts[name])
            content[name] = tf.constant(taken(activations, box.rows, box.columns))[None]
        weights = self._weights_of(tile, counts, targets.opacity)
        return self._crop(image, tile), self._cut(tile, counts, image), content, weights

    def _content_factors(self, targets: TiledTargets) -> dict[str, float]:
        """What the sums of squared differences are multiplied by to give the content term."""
        sizes = {name: float(np.prod(activations.shape)) for name, activations in targets.content.items()}
        for name in sizes.keys() & targets.opacity.keys():
            sizes[name] = targets.content[name].shape[-1] * float(targets.opacity[name].sum(dtype=np.float64))
        layers = self.objective.content_layers
        return {name: share / (sizes[name] * targets.variances[name]) for name, share in layers}

    def _slopes(self, style: dict[str, Any], content: dict[str, float], weights: Weights) -> _Slopes:
        return _Slopes(
            style=tf.nest.map_structure(lambda slope: tf.cast(slope, self.dtype), style),
            content={name: tf.constant(each * float(weights.content), self.dtype) for name, each in content.items()},
            tv=tf.constant(float(weights.tv), self.dtype),
        )

    def _own(self, image: Tensor, cut: _Cut) -> Features:
        """A tile's own positions of every layer."""
        features = self.objective.extract(image)
        return {name: _inside(features[name], box) for name, box in cut.boxes.items()}

    def _tile_statistics(self, image: Tensor, cut: _Cut, weights: Opacity) -> dict[str, Stats]:
        return self.objective.statistics(self._own(image, cut), weights)

    def _tile_observation(
        self, image: Tensor, cut: _Cut, weights: Opacity
    ) -> tuple[dict[str, Stats], Features, dict[str, Sums]]:
        own, objective = self._own(image, cut), self.objective
        seen = {name: own[name] for name, _ in objective.content_layers}
        sums = {name: objective.content_loss.sums(each, weights.get(name)) for name, each in seen.items()}
        return objective.statistics(own, weights), seen, sums

    def _style_slopes(
        self, stats: dict[str, Stats], style: dict[str, Prepared], weight: Scalar
    ) -> tuple[Scalar, dict[str, tuple[Tensor, Tensor]]]:
        """The style term and its slopes times its weight, worked out in float64."""
        targets = tf.nest.map_structure(lambda part: tf.cast(part, tf.float64), style)
        sums = {name: (part.first, part.second) for name, part in stats.items()}
        with tf.GradientTape() as tape:
            tape.watch(sums)
            value = self.objective.style_term(
                {name: Stats(stats[name].count, *pair) for name, pair in sums.items()}, targets
            )
            weighted = value * weight
        slopes = tape.gradient(weighted, sums, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return value, slopes

    def _tile_gradient(
        self, image: Tensor, cut: _Cut, content: dict[str, Tensor], weights: Opacity, slopes: _Slopes
    ) -> tuple[dict[str, Scalar], Scalar, Tensor]:
        """Sums of squared differences by content layer, the share of total variation, and the pixel gradient."""
        objective = self.objective
        with tf.GradientTape() as tape:
            tape.watch(image)
            own = self._own(image, cut)
            total = objective.content_loss.total
            distances = {name: total(own[name], content[name], weights.get(name)) for name in content}
            variation = F.nine_point_share(F.with_heavy_color(_with_neighbors(image, cut)), cut.owned, cut.whole)
            pulled = [slopes.tv * variation, *(slopes.content[name] * each for name, each in distances.items())]
            for name, (first, second) in slopes.style.items():
                stats = objective.style_loss.statistics(own[name], weights.get(name))
                pulled += [tf.reduce_sum(first * stats.first), tf.reduce_sum(second * stats.second)]
            value = tf.add_n(pulled)
        return distances, variation, tape.gradient(value, image)


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


def _with_neighbors(image: Tensor, cut: _Cut) -> Tensor:
    """A tile's own pixels and one more row and column where there are any."""
    ends = tf.minimum(cut.corner + cut.owned + 1, tf.shape(image)[1:3])
    return _inside(image, tf.stack([cut.corner[0], ends[0], cut.corner[1], ends[1]]))


def _wide(sums: Any) -> Any:
    """The same structure in float64."""
    return tf.nest.map_structure(lambda part: tf.cast(part, tf.float64), sums)


def _wide_scalar(value: Any) -> Tensor:
    return tf.constant(float(value), tf.float64)


def _added(total: Any, part: Any) -> Any:
    """Sums of equal structures, leaf by leaf; nothing comes before the first."""
    return part if total is None else tf.nest.map_structure(tf.add, total, part)
