"""One named part of the objective: what it reads, how it compares, and its share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from styler.losses.base import LocalLoss, Reading, StatisticLoss
from styler.types import Features, Tensor

LossT = TypeVar("LossT", StatisticLoss, LocalLoss, covariant=True)

CONTENT, STYLE, SMOOTHNESS = GROUPS = ("content", "style", "smoothness")
"""What a term serves: terms of a group share a factor that strength and raw weights set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term(Generic[LossT]):
    """One named part of the objective.

    Attributes:
        name: Under which its weight, target and value go; an objective has no two of one name.
        group: One of `GROUPS`; says also whose target it takes, the photo's or the paintings'.
        loss: Compares what the term reads.
        layer: Address of the layer that it reads; empty if it reads the image itself.
        reading: The map of the image that it reads in that case.
        share: Of its group.
    """

    name: str
    group: str
    loss: LossT
    layer: str = ""
    reading: Reading | None = None
    share: float = 1.0

    def seen(self, image: Tensor, features: Features) -> Tensor:
        """What the term reads of an image (B, H, W, 3) and its layers' activations, (B, H', W', C)."""
        return features[self.layer] if self.reading is None else self.reading(image)

    @property
    def subject(self) -> str:
        """What it reads, in words."""
        return self.layer or self.name
