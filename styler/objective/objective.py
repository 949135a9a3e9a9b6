"""What an image should match, as one differentiable function of it: a sum of named terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import tensorflow as tf

from styler.losses import functional as F
from styler.losses.base import Frame, LocalLoss, LocalTarget, Prepared, StatisticLoss, Stats, blended
from styler.losses.term import Term
from styler.types import Evaluation, Features, Scalar, Tensor, ValueAndGradient

Named: TypeAlias = dict[str, Any]
"""Name of a term -> something of it."""


class Targets(NamedTuple):
    """All that the objective compares an image with; tensors, so that one compiled program serves many renders.

    Attributes:
        aims: Term -> its target, as its loss has prepared it.
        kept: Local term -> the photo's activations, (1, H', W', C), or () where it needs none.
        weights: Term -> its factor, a scalar.
        regions: Term -> how much each position counts in each region, (1, H', W', R); empty for one region of equal
            weights.
    """

    aims: dict[str, Prepared]
    kept: Named
    weights: Named
    regions: Named = {}  # noqa: RUF012 - a NamedTuple's default, never written to


class Observation(NamedTuple):
    """What one pass through the network tells of an image.

    Attributes:
        stats: Term -> its sums over positions.
        kept: As in `Targets`.
        regions: As in `Targets`.
    """

    stats: dict[str, Stats]
    kept: Named
    regions: Named


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A sum of terms.

    Attributes:
        extract: image (B, H, W, 3), 0..1 -> activations of every layer that a term reads.
        statistic: Terms that are distances between sums over positions.
        local: Terms that are sums over positions.
    """

    extract: Callable[[Tensor], Features]
    statistic: tuple[Term[StatisticLoss], ...]
    local: tuple[Term[LocalLoss], ...]

    @property
    def terms(self) -> tuple[Term[Any], ...]:
        """All of them."""
        return (*self.statistic, *self.local)

    def seen(self, image: Tensor) -> Named:
        """Term -> what it reads of an image (B, H, W, 3)."""
        features = self.extract(image)
        return {term.name: term.seen(image, features) for term in self.terms}

    def observe(self, image: Tensor, alpha: Tensor | None = None) -> Observation:
        """A photo or a painting, (1, H, W, 3), 0..1, seen by the network; what alpha, (1, H, W, R), hides is not."""
        seen = self.seen(image)
        regions = {} if alpha is None else {name: at_positions(alpha, each) for name, each in seen.items()}
        stats = {term.name: term.loss.statistics(seen[term.name], regions.get(term.name)) for term in self.terms}
        kept = {term.name: seen[term.name] if term.loss.keeps else () for term in self.local}
        return Observation(stats, kept, regions)

    def statistics(self, seen: Named, regions: Named) -> dict[str, Stats]:
        """Sums over positions of the terms that compare them."""
        return {term.name: term.loss.statistics(seen[term.name], regions.get(term.name)) for term in self.statistic}

    def aims(self, photo: dict[str, Stats], styles: Sequence[dict[str, Stats]], shares: Sequence[float]) -> Named:
        """Targets as the losses want them.

        Args:
            photo: Statistics of the photo.
            styles: Statistics of every painting.
            shares: Of the paintings; they sum to 1.
        """
        style = {
            term.name: term.loss.prepared(blended([stats[term.name] for stats in styles], shares))
            for term in self.statistic
        }
        return style | {term.name: term.loss.prepared(photo[term.name]) for term in self.local}

    def distances(self, stats: dict[str, Stats], aims: dict[str, Prepared]) -> dict[str, Scalar]:
        """Values of the terms that compare statistics, without weights."""
        return {
            term.name: F.mean_over_regions(
                term.loss.distance(stats[term.name], aims[term.name]), stats[term.name]["count"]
            )
            for term in self.statistic
        }

    def values(self, image: Tensor, targets: Targets) -> dict[str, Scalar]:
        """Every term at an image (1, H, W, 3), without weights; each >= 0."""
        return self._values(self.seen(image), targets)

    def _values(self, seen: Named, targets: Targets) -> dict[str, Scalar]:
        distances = self.distances(self.statistics(seen, targets.regions), targets.aims)
        return distances | {term.name: self._whole(term, seen[term.name], targets) for term in self.local}

    def _whole(self, term: Term[LocalLoss], features: Tensor, targets: Targets) -> Scalar:
        size = tf.shape(features)[1:3]
        target = LocalTarget(targets.aims[term.name], targets.kept[term.name])
        frame = Frame(corner=tf.zeros_like(size), owned=size, whole=size)
        return term.loss.local(features, target, targets.regions.get(term.name), frame)

    def value(self, image: Tensor, targets: Targets) -> Scalar:
        """The weighted sum of the terms."""
        return _weighted(self.values(image, targets), targets)

    def at(self, targets: Targets) -> ValueAndGradient:
        """The objective as a function of the image alone."""

        def evaluate(image: Tensor) -> Evaluation:
            with tf.GradientTape() as tape:
                tape.watch(image)
                value = self.value(image, targets)
            return Evaluation(value, tape.gradient(value, image))

        return evaluate

    def at_all(self, targets: Sequence[Targets]) -> Callable[[Sequence[Tensor]], list[Evaluation]]:
        """The objectives of several images of one size, which pass through the network as one tensor.

        All else is worked out image by image, each against its own targets.
        """

        def evaluate(images: Sequence[Tensor]) -> list[Evaluation]:
            count = len(images)
            with tf.GradientTape() as tape:
                whole = tf.concat(images, 0)
                tape.watch(whole)
                parts = {name: tf.split(features, count) for name, features in self.seen(whole).items()}
                seen = [{name: each[place] for name, each in parts.items()} for place in range(count)]
                values = [_weighted(self._values(*each), each[1]) for each in zip(seen, targets, strict=True)]
                total = tf.add_n(values)
            gradients = tf.split(tape.gradient(total, whole), count)
            return [Evaluation(*each) for each in zip(values, gradients, strict=True)]

        return evaluate


def _weighted(values: dict[str, Scalar], targets: Targets) -> Scalar:
    return tf.add_n([targets.weights[name] * value for name, value in values.items()])


def at_positions(weights: Tensor, features: Tensor) -> Tensor:
    """Weights of pixels, (1, H, W, R), averaged to the grid of a layer's activations, (1, H', W', R)."""
    return tf.cast(tf.image.resize(weights, tf.shape(features)[1:3], "area"), features.dtype)
