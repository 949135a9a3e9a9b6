"""The objective: a sum of named terms, as one differentiable function of an image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import tensorflow as tf

from styler.losses import functional as F
from styler.losses.base import Frame, LocalLoss, LocalTarget, Prepared, StatisticLoss, Stats, blended
from styler.losses.term import Term
from styler.objective.regions import Casting
from styler.types import Evaluation, Features, Scalar, Tensor, ValueAndGradient

Named: TypeAlias = dict[str, Any]
"""Name of a term -> one of its tensors, arrays or numbers."""


class Targets(NamedTuple):
    """Everything that an image is compared with; tensors, so that one compiled program serves many renders.

    Attributes:
        prepared: Term -> its target, prepared by its loss.
        activations: Local term -> the photo's activations, (1, H', W', C), or () if it needs none.
        weights: Term -> its factor, a scalar.
        regions: Term -> how much each position counts in each region, (1, H', W', R); empty for one region of equal
            weights.
    """

    prepared: dict[str, Prepared]
    activations: Named
    weights: Named
    regions: Named = {}  # noqa: RUF012 - a NamedTuple's default, which is never changed


class Observation(NamedTuple):
    """What targets are made from: the results of one pass of an image through the network.

    Attributes:
        stats: Term -> its sums over positions.
        activations: As in `Targets`.
        regions: As in `Targets`.
    """

    stats: dict[str, Stats]
    activations: Named
    regions: Named


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A weighted sum of terms.

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
        """All terms."""
        return (*self.statistic, *self.local)

    def read(self, image: Tensor) -> Named:
        """Return what each term reads, (B, H', W', C), from an image (B, H, W, 3)."""
        features = self.extract(image)
        return {term.name: term.read(image, features) for term in self.terms}

    def observe(
        self,
        image: Tensor,
        alpha: Tensor | None = None,
        regions: Named | None = None,
    ) -> Observation:
        """Pass a photo or a painting through the network once.

        Args:
            image: (1, H, W, 3), 0..1.
            alpha: Weights of its pixels, (1, H, W, R); None if all pixels count equally.
            regions: As in `Targets`; terms that it does not name take the weights of the pixels.
        """
        features = self.read(image)
        regions = dict(regions or {})
        if alpha is not None:
            for name, part in features.items():
                if name not in regions:
                    regions[name] = at_positions(alpha, part)
        stats = statistics_of(self.terms, features, regions)
        activations = {}
        for term in self.local:
            activations[term.name] = features[term.name] if term.loss.needs_activations else ()
        return Observation(stats, activations, regions)

    def statistics(self, features: Named, regions: Named) -> dict[str, Stats]:
        """Compute the sums over positions of the statistic terms."""
        return statistics_of(self.statistic, features, regions)

    def prepared(
        self,
        photo: dict[str, Stats],
        styles: Sequence[dict[str, Stats]],
        shares: Sequence[float],
        castings: Mapping[str, Casting] | None = None,
    ) -> dict[str, Prepared]:
        """Make the target of every term.

        Args:
            photo: Statistics of the photo.
            styles: Statistics of each painting.
            shares: Share of each painting; they sum to 1.
            castings: Term -> shares by region; None if the shares are the same everywhere.
        """
        prepared = {}
        for term in self.statistic:
            own = [stats[term.name] for stats in styles]
            style = blended(own, shares if castings is None else castings[term.name].shares)
            prepared[term.name] = term.loss.prepared(style)
        for local_term in self.local:
            stats = photo[local_term.name]
            prepared[local_term.name] = local_term.loss.prepared(stats)
        return prepared

    def distances(
        self,
        stats: dict[str, Stats],
        prepared: dict[str, Prepared],
    ) -> dict[str, Scalar]:
        """Compute the values of the statistic terms, without weights."""
        distances = {}
        for term in self.statistic:
            own = stats[term.name]
            target = prepared[term.name]
            by_region = term.loss.distance(own, target)
            distances[term.name] = F.mean_over_regions(by_region, own["count"])
        return distances

    def values(self, image: Tensor, targets: Targets) -> dict[str, Scalar]:
        """Compute the values of all terms for an image (1, H, W, 3), without weights; each >= 0."""
        return self._values(self.read(image), targets)

    def _values(self, features: Named, targets: Targets) -> dict[str, Scalar]:
        stats = self.statistics(features, targets.regions)
        values = self.distances(stats, targets.prepared)
        for term in self.local:
            values[term.name] = _local_value(term, features[term.name], targets)
        return values

    def compared(self, seen: Observation, targets: Targets) -> dict[str, Scalar]:
        """Compute the terms that compare an observed image with the photo or paintings, without weights; each >= 0."""
        values = self.distances(seen.stats, targets.prepared)
        comparing = (term for term in self.local if term.loss.needs_activations)
        for term in comparing:
            features = seen.activations[term.name]
            values[term.name] = _local_value(term, features, targets)
        return values

    def value(self, image: Tensor, targets: Targets) -> Scalar:
        """Compute the weighted sum of the terms."""
        values = self.values(image, targets)
        return _weighted(values, targets)

    def at(self, targets: Targets) -> ValueAndGradient:
        """Return the objective as a function of the image alone."""

        def evaluate(image: Tensor) -> Evaluation:
            with tf.GradientTape() as tape:
                tape.watch(image)
                value = self.value(image, targets)
            gradient = tape.gradient(value, image)
            return Evaluation(value, gradient)

        return evaluate

    def at_all(self, targets: Sequence[Targets]) -> Callable[[Sequence[Tensor]], list[Evaluation]]:
        """Return the objectives of several images of one size, as one function.

        The images pass through the network in one tensor; everything else is computed for each image with its own
        targets.
        """

        def evaluate(images: Sequence[Tensor]) -> list[Evaluation]:
            count = len(images)
            with tf.GradientTape() as tape:
                batch = tf.concat(images, 0)
                tape.watch(batch)
                features = self.read(batch)
                split = {name: tf.split(feature, count) for name, feature in features.items()}
                values = []
                for number, own_targets in enumerate(targets):
                    own_features = {name: parts[number] for name, parts in split.items()}
                    own_values = self._values(own_features, own_targets)
                    values.append(_weighted(own_values, own_targets))
                total = tf.add_n(values)
            gradient = tape.gradient(total, batch)
            gradients = tf.split(gradient, count)
            return list(map(Evaluation, values, gradients))

        return evaluate


def statistics_of(
    terms: Iterable[Term[Any]],
    features: Named,
    regions: Named,
) -> dict[str, Stats]:
    """Compute the sums over positions of terms.

    Args:
        terms: The terms.
        features: What they read.
        regions: As in `Targets`.
    """
    stats = {}
    for term in terms:
        weights = regions.get(term.name)
        stats[term.name] = term.loss.statistics(features[term.name], weights)
    return stats


def _local_value(term: Term[LocalLoss], features: Tensor, targets: Targets) -> Scalar:
    """Compute the value of a local term for a whole image."""
    name = term.name
    target = LocalTarget(targets.prepared[name], targets.activations[name])
    size = tf.shape(features)[1:3]
    whole_image = Frame(
        corner=tf.zeros_like(size),
        owned=size,
        whole=size,
    )
    return term.loss.local(
        features,
        target,
        targets.regions.get(name),
        whole_image,
    )


def _weighted(values: dict[str, Scalar], targets: Targets) -> Scalar:
    """Add the values of the terms, each multiplied by its weight."""
    weighted = []
    for name, value in values.items():
        weighted.append(targets.weights[name] * value)
    return tf.add_n(weighted)


def at_positions(weights: Tensor, features: Tensor) -> Tensor:
    """Average the weights of pixels, (1, H, W, R), to the grid of a layer's activations, (1, H', W', R)."""
    grid = tf.shape(features)[1:3]
    averaged = tf.image.resize(weights, grid, "area")
    return tf.cast(averaged, features.dtype)
