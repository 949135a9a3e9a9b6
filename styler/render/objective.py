"""What an image should match, as one differentiable function of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from styler.config import LayerWeights
from styler.losses import functional as F
from styler.losses.base import LocalLoss, Prepared, StatisticLoss, Stats, blended
from styler.types import Evaluation, Features, Scalar, Tensor, ValueAndGradient


class Weights(NamedTuple):
    """Factors of the three terms, float32 scalars."""

    content: Scalar
    style: Scalar
    tv: Scalar


class Targets(NamedTuple):
    """All that the objective compares an image with; tensors, so that one compiled program serves many renders.

    Attributes:
        content: Content layer -> activations of the content image, (1, H', W', C).
        style: Style layer -> the style images' statistics as its loss wants them.
        weights: Factors of the terms.
    """

    content: dict[str, Tensor]
    style: dict[str, Prepared]
    weights: Weights


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

    def photo_targets(self, image: Tensor, style: dict[str, Prepared]) -> tuple[dict[str, Tensor], Scalar]:
        """Activations of a content image, (1, H, W, 3), 0..1, and its style term."""
        features = self.extract(image)
        return {name: features[name] for name, _ in self.content_layers}, self._style_term(features, style)

    def style_statistics(self, image: Tensor) -> dict[str, Stats]:
        """Statistics per position of one style image, (1, H, W, 3), 0..1."""
        features = self.extract(image)
        return {name: self.style_loss.statistics(features[name]).per_position() for name, _ in self.style_layers}

    def blend(self, styles: list[dict[str, Stats]], shares: list[float]) -> dict[str, Prepared]:
        """Statistics of several style images as one target; shares sum to 1."""
        loss = self.style_loss
        return {name: loss.prepared(blended([s[name] for s in styles], shares)) for name, _ in self.style_layers}

    def terms(self, image: Tensor, targets: Targets) -> Terms:
        """The three terms at an image (1, H, W, 3)."""
        features = self.extract(image)
        content = [
            share * self.content_loss.distance(features[name], targets.content[name])
            for name, share in self.content_layers
        ]
        return Terms(tf.add_n(content), self._style_term(features, targets.style), F.nine_point_variation(image))

    def style_distances(self, image: Tensor, style: dict[str, Prepared]) -> dict[str, Scalar]:
        """The style term layer by layer, without shares."""
        return self._style_distances(self.extract(image), style)

    def _style_distances(self, features: Features, style: dict[str, Prepared]) -> dict[str, Scalar]:
        distance, statistics = self.style_loss.distance, self.style_loss.statistics
        return {name: distance(statistics(features[name]), style[name]) for name, _ in self.style_layers}

    def _style_term(self, features: Features, style: dict[str, Prepared]) -> Scalar:
        distances = self._style_distances(features, style)
        return tf.add_n([share * distances[name] for name, share in self.style_layers])

    def value(self, image: Tensor, targets: Targets) -> Scalar:
        """The weighted sum of the terms."""
        terms, weights = self.terms(image, targets), targets.weights
        return sum(term * weight for term, weight in zip(terms, weights, strict=True))

    def at(self, targets: Targets) -> ValueAndGradient:
        """The objective as a function of the image alone."""

        def evaluate(image: Tensor) -> Evaluation:
            with tf.GradientTape() as tape:
                tape.watch(image)
                value = self.value(image, targets)
            return Evaluation(value, tape.gradient(value, image))

        return evaluate


def shares(layers: LayerWeights) -> LayerWeights:
    """The same layers with weights that sum to 1."""
    total = sum(weight for _, weight in layers)
    return tuple((name, weight / total) for name, weight in layers)
