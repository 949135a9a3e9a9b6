"""Type aliases, and the names of axes and values.

Axes: B batch, H height (rows), W width (columns), C channels. Rows come before columns: (height, width).
`image` is sRGB-encoded RGB in 0..1. `inputs` are the same pixels in the units of a network.
`features` are activations of shape (B, H', W', C). `stats` are sums over positions.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

Tensor: TypeAlias = Any
"""A TensorFlow tensor. TensorFlow's type stubs are too incomplete to check against."""

Scalar: TypeAlias = Any
"""A tensor of shape ()."""

Features: TypeAlias = dict[str, Tensor]
"""Layer address -> activations, (B, H', W', C)."""

PathLike: TypeAlias = str | os.PathLike[str]


class Size(NamedTuple):
    """Height and width in pixels."""

    height: int
    width: int


class Evaluation(NamedTuple):
    """Value and gradient of an objective for one image."""

    value: Scalar
    gradient: Tensor


ValueAndGradient: TypeAlias = Callable[[Tensor], Evaluation]
"""Function from an image to an `Evaluation`, whose gradient has the shape of the image."""
