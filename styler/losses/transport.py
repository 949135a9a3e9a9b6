"""The map that carries one Gaussian onto another with the least movement (Olkin & Pukelsheim 1982).

`WassersteinLoss` measures the length of this movement. Here, the movement itself is made, as in Lu et al., A
Closed-form Solution to Universal Style Transfer (ICCV 2019).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from styler.gaussians import Matrix, transport_matrix

RIDGE = 1e-3  # share of the mean variance that is added to the diagonals, so that dead channels have a root, too; the
# decoder was trained with the same value


class Gaussian(NamedTuple):
    """Mean and covariance of activations.

    Attributes:
        mean: (C,).
        covariance: (C, C).
    """

    mean: Matrix
    covariance: Matrix

    @classmethod
    def of_moments(cls, first: Matrix, second: Matrix) -> Gaussian:
        """Make a Gaussian from the mean (C,) and the mean outer product (C, C)."""
        return cls(first, second - np.outer(first, first))


class Map(NamedTuple):
    """The affine map `x @ matrix + offset` for activations x, (..., C).

    Attributes:
        matrix: (C, C).
        offset: (C,).
    """

    matrix: Matrix
    offset: Matrix


def transport(source: Gaussian, target: Gaussian, share: float = 1.0) -> Map:
    """Compute the map from one Gaussian to another, or a part of the way.

    Args:
        source: Gaussian of the activations to move.
        target: Gaussian to move them to.
        share: How far to move: 0 for not at all, 1 for the whole way.
    """
    whole = transport_matrix(_with_ridge(source.covariance), _with_ridge(target.covariance))
    matrix = (1.0 - share) * np.eye(len(whole)) + share * whole
    moved_mean = source.mean + share * (target.mean - source.mean)
    return Map(matrix, moved_mean - source.mean @ matrix)


def _with_ridge(covariance: Matrix) -> Matrix:
    channels = len(covariance)
    ridge = RIDGE * np.trace(covariance) / channels + 1e-8
    return covariance + ridge * np.eye(channels)
