"""One named part of the objective: what it reads, how it compares, and its share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from styler.losses.base import LocalLoss, Reading, StatisticLoss
from styler.types import Features, Tensor

LossT = TypeVar("LossT", StatisticLoss, LocalLoss, covariant=True)

CONTENT = "content"
STYLE = "style"
SMOOTHNESS = "smoothness"
GROUPS = (CONTENT, STYLE, SMOOTHNESS)
"""Groups of terms. The terms of a group share a factor, which strength and raw weights determine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term(Generic[LossT]):
    """One named part of the objective.

    Attributes:
        name: Key of its weight, target and value; unique within an objective.
        group: One of `GROUPS`.
        loss: Loss that compares what the term reads.
        layer: Address of the layer that it reads; empty if it reads the image itself.
        reading: Map of the image that it reads in that case.
        share: Share of its group.
    """

    name: str
    group: str
    loss: LossT
    layer: str = ""
    reading: Reading | None = None
    share: float = 1.0

    def read(self, image: Tensor, features: Features) -> Tensor:
        """Return what the term reads, (B, H', W', C), from an image (B, H, W, 3) or the activations of its layers."""
        return features[self.layer] if self.reading is None else self.reading(image)

    @property
    def subject(self) -> str:
        """Name of what it reads, for the report."""
        return self.layer or self.name
