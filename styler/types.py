"""Aliases and the axis glossary.

Axes: B batch, H height (rows), W width (columns), C channels. Always row before column, (height, width).
`image` is RGB in 0..1, sRGB-encoded; `inputs` are the same pixels in a network's own units;
`features` are activations (B, H', W', C); `stats` are sums over positions.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

Tensor: TypeAlias = Any
"""A TensorFlow tensor; TensorFlow's own stubs are too partial to check against."""

Scalar: TypeAlias = Any
"""A tensor of shape ()."""

Features: TypeAlias = dict[str, Tensor]
"""Layer address -> activations, (B, H', W', C)."""

PathLike: TypeAlias = str | os.PathLike[str]


class Size(NamedTuple):
    """Pixels, row before column."""

    height: int
    width: int


class Evaluation(NamedTuple):
    """An objective at one image."""

    value: Scalar
    gradient: Tensor


ValueAndGradient: TypeAlias = Callable[[Tensor], Evaluation]
"""image -> Evaluation, the gradient of the image's shape."""
