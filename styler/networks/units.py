"""What a network's units are, found by asking its preprocessing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from styler.errors import NetworkError

if TYPE_CHECKING:
    from styler.types import Tensor

PROBES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.2, 0.7, 0.4]], np.float32)
"""Offset, the three columns of the matrix, and one color more to check."""


def affine(preprocess: Callable[[Tensor], Tensor]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrix (3, 3) and offset (3,) of a preprocessing: color @ matrix + offset, color in RGB 0..1.

    Raises:
        NetworkError: `preprocess` is no affine map of three channels.
    """
    import tensorflow as tf

    mapped = np.asarray(preprocess(tf.constant(PROBES[None, None]))[0, 0], np.float64)
    offset, matrix = mapped[0], mapped[1:4] - mapped[0]
    scale = np.abs(mapped).max()
    if mapped.shape != (5, 3) or not np.allclose(PROBES[4] @ matrix + offset, mapped[4], atol=1e-4 * scale):
        message = (
            "expected a network whose units are an affine map of RGB to see palette and grain; use --palette-weight 0 "
            "and --grain-weight 0"
        )
        raise NetworkError(message)
    return matrix, offset
