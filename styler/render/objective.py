"""What an image should match, as one differentiable function of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import tensorflow as tf

from styler.config import LayerWeights
from styler.losses import functional as F
from styler.losses.base import LocalLoss, Prepared, StatisticLoss, Stats, blended
from styler.types import Evaluation, Features, Scalar, Tensor, ValueAndGradient

Opacity: TypeAlias = dict[str, Tensor]
"""Layer -> how much each position counts, (1, H', W', 1); empty where all count alike."""


class Weights(NamedTuple):
    """Factors of the three terms, float32 scalars."""

    content: Scalar
    style: Scalar
    tv: Scalar


class Targets(NamedTuple):
    """All that the objective compares an image with; tensors, so that one compiled program serves many renders.

    Attributes:
        content: Content layer -> the content image's activations as its loss wants them.
        style: Style layer -> the style images' statistics as its loss wants them.
        weights: Factors of the terms.
        opacity: Layer -> how much each position of the photo counts, (1, H', W', 1); empty where all count alike.
    """

    content: dict[str, Prepared]
    style: dict[str, Prepared]
    weights: Weights
    opacity: Opacity = {}  # noqa: RUF012 - a NamedTuple's default, never written to


class Observation(NamedTuple):
    """What one pass through the network tells of an image.

    Attributes:
        content: Content layer -> the image as a target of the content loss.
        style: Style layer -> statistics per position.
        opacity: Layer -> how much each position counted, as in `Targets`.
    """

    content: dict[str, Prepared]
    style: dict[str, Stats]
    opacity: Opacity


class Terms(NamedTuple):
    """The objective's terms before their factors; each >= 0."""

    content: Scalar
    style: Scalar
    tv: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """Content, style and smoothness of an image.

    Attributes:
        extract: image (1, H, W, 3), 0..1 -> activations of every layer named below.
        content_layers: Layers of the content term with their shares, which sum to 1.
        style_layers: Layers of the style term with their shares, which sum to 1.
        content_loss: Compares activations.
        style_loss: Compares statistics.
    """

    extract: Callable[[Tensor], Features]
    content_layers: LayerWeights
    style_layers: LayerWeights
    content_loss: LocalLoss
    style_loss: StatisticLoss

    def observe(self, image: Tensor, alpha: Tensor | None = None) -> Observation:
        """A photo or a painting, (1, H, W, 3), 0..1, seen by the network; what alpha, (1, H, W, 1), hides is not."""
        features = self.extract(image)
        opacity = {} if alpha is None else {name: at_positions(alpha, each) for name, each in features.items()}
        content = {
            name: self.content_loss.prepared(features[name], opacity.get(name)) for name, _ in self.content_layers
        }
        stats = self.statistics(features, opacity)
        return Observation(content, {name: each.per_position() for name, each in stats.items()}, opacity)

    def statistics(self, features: Features, opacity: Opacity) -> dict[str, Stats]:
        """Sums over the positions of every style layer."""
        statistics = self.style_loss.statistics
        return {name: statistics(features[name], opacity.get(name)) for name, _ in self.style_layers}

    def blend(self, styles: list[dict[str, Stats]], shares: list[float]) -> dict[str, Prepared]:
        """Statistics of several style images as one target; shares sum to 1."""
        loss = self.style_loss
        return {name: loss.prepared(blended([s[name] for s in styles], shares)) for name, _ in self.style_layers}

    def terms(self, image: Tensor, targets: Targets) -> Terms:
        """The three terms at an image (1, H, W, 3)."""
        return self._terms(self.extract(image), image, targets)

    def _terms(self, features: Features, image: Tensor, targets: Targets) -> Terms:
        content = [
            share * self.content_loss.distance(features[name], targets.content[name], targets.opacity.get(name))
            for name, share in self.content_layers
        ]
        stats = self.statistics(features, targets.opacity)
        smoothness = F.nine_point_variation(F.with_heavy_color(image))
        return Terms(tf.add_n(content), self.style_term(stats, targets.style), smoothness)

    def style_distances(self, stats: dict[str, Stats], style: dict[str, Prepared]) -> dict[str, Scalar]:
        """The style term layer by layer, without shares."""
        return {name: self.style_loss.distance(stats[name], style[name]) for name, _ in self.style_layers}

    def style_term(self, stats: dict[str, Stats], style: dict[str, Prepared]) -> Scalar:
        """The distances with their shares."""
        distances = self.style_distances(stats, style)
        return tf.add_n([share * distances[name] for name, share in self.style_layers])

    def value(self, image: Tensor, targets: Targets) -> Scalar:
        """The weighted sum of the terms."""
        return _weighted(self.terms(image, targets), targets.weights)

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
                layers = {name: tf.split(features, count) for name, features in self.extract(whole).items()}
                seen = [{name: parts[place] for name, parts in layers.items()} for place in range(count)]
                each = zip(seen, tf.split(whole, count), targets, strict=True)
                values = [_weighted(self._terms(*those), those[-1].weights) for those in each]
                total = tf.add_n(values)
            gradients = tf.split(tape.gradient(total, whole), count)
            return [Evaluation(*each) for each in zip(values, gradients, strict=True)]

        return evaluate


def _weighted(terms: Terms, weights: Weights) -> Scalar:
    return sum(term * weight for term, weight in zip(terms, weights, strict=True))


def shares(layers: LayerWeights) -> LayerWeights:
    """The same layers with weights that sum to 1."""
    total = sum(weight for _, weight in layers)
    return tuple((name, weight / total) for name, weight in layers)


def at_positions(alpha: Tensor, features: Tensor) -> Tensor:
    """Alpha (1, H, W, 1) averaged to the grid of a layer's activations, (1, H', W', 1)."""
    return tf.cast(tf.image.resize(alpha, tf.shape(features)[1:3], "area"), features.dtype)
