"""Square roots of symmetric positive semi-definite matrices, with gradients that stay finite."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from styler.types import Tensor

FLOOR = 1e-12  # eigenvalues below this share of the largest one are rounding errors in float64


def matrix_root(matrix: Tensor) -> Tensor:
    """Compute the symmetric root of each matrix, (..., C, C); negative eigenvalues count as 0."""
    values, vectors = tf.linalg.eigh(matrix)
    roots = tf.sqrt(tf.nn.relu(values))
    return tf.matmul(vectors * roots[..., None, :], vectors, transpose_b=True)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def trace_of_root(matrix: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Compute the trace of the symmetric root of each matrix.

    The gradient of tr(M^1/2) is M^-1/2 / 2. Differentiating the eigenvectors instead would divide by differences of
    eigenvalues, which are 0 for dead channels.

    Args:
        matrix: Symmetric, positive semi-definite up to rounding, (..., C, C); float64, so that small
            eigenvalues are precise.

    Returns:
        Shape (...).
    """
    values, vectors = tf.linalg.eigh(matrix)
    largest = tf.reduce_max(values, -1, keepdims=True)
    tiny = tf.constant(1e-300 if matrix.dtype == tf.float64 else 1e-30, matrix.dtype)
    floor = FLOOR * largest + tiny
    roots = tf.sqrt(tf.maximum(values, floor))

    def gradient(upstream: Tensor) -> Tensor:
        inverse_root = tf.matmul(vectors / roots[..., None, :], vectors, transpose_b=True)
        return 0.5 * upstream[..., None, None] * inverse_root

    return tf.reduce_sum(roots, -1), gradient
