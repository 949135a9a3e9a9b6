"""Optimal transport between Gaussians, in closed form (Dowson & Landau 1982; Olkin & Pukelsheim 1982)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Matrix: TypeAlias = NDArray[np.float64]


def transport_matrix(before: Matrix, after: Matrix) -> Matrix:
    """Return the symmetric matrix that carries one Gaussian to another with the least movement.

    Args:
        before: Covariance of the first, (C, C), positive definite.
        after: Covariance of the second, (C, C).
    """
    root = square_root(before)
    inverse = np.linalg.inv(root)
    middle = square_root(root @ after @ root)
    return inverse @ middle @ inverse


def square_root(matrix: Matrix) -> Matrix:
    """Return the symmetric square root of a symmetric positive matrix; rounding below 0 counts as 0."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2.0)
    roots = np.sqrt(np.maximum(values, 0.0))
    return (vectors * roots) @ vectors.T
