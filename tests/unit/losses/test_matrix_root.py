from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from styler.losses.matrix_root import matrix_root, trace_of_root


def symmetric(rng, count=3, channels=5):
    half = rng.normal(size=(count, channels, channels))
    return half @ half.swapaxes(1, 2)


def slope_of_trace(matrix):
    variable = tf.constant(matrix)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        value = trace_of_root(variable)
    return tape.gradient(value, variable).numpy()


def test_each_matrix_of_a_batch_has_its_own_root(rng):
    matrices = symmetric(rng)
    roots = matrix_root(tf.constant(matrices)).numpy()
    np.testing.assert_allclose(roots @ roots, matrices, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.trace(roots, axis1=1, axis2=2), trace_of_root(tf.constant(matrices)), rtol=1e-10)


def test_diagonals_have_the_roots_of_their_entries():
    np.testing.assert_allclose(matrix_root(tf.constant([[[4.0, 0.0], [0.0, 9.0]]]))[0], [[2, 0], [0, 3]], atol=1e-6)
    assert trace_of_root(tf.constant([[[4.0, 0.0], [0.0, 9.0]]])).numpy() == pytest.approx([5.0])


def test_negative_eigenvalues_of_rounding_count_as_zero():
    matrix = tf.constant([[[1.0, 0.0], [0.0, -1e-9]]], tf.float64)
    np.testing.assert_allclose(matrix_root(matrix)[0], [[1, 0], [0, 0]], atol=1e-12)
    assert np.isfinite(trace_of_root(matrix)).all()


def test_the_slope_of_the_trace_is_half_the_inverse_root(rng):
    matrices = symmetric(rng) + np.eye(5)
    expected = np.linalg.inv(matrix_root(tf.constant(matrices)).numpy()) / 2
    np.testing.assert_allclose(slope_of_trace(matrices), expected, rtol=1e-8, atol=1e-10)


def test_repeated_eigenvalues_have_a_slope():
    np.testing.assert_allclose(slope_of_trace(4 * np.eye(4)[None]), np.eye(4)[None] / 4, atol=1e-12)


def test_upstream_slopes_go_to_their_own_matrix(rng):
    matrices = tf.constant(symmetric(rng) + np.eye(5))
    with tf.GradientTape() as tape:
        tape.watch(matrices)
        value = tf.reduce_sum(trace_of_root(matrices) * tf.constant([0.0, 1.0, 2.0], tf.float64))
    slope, plain = tape.gradient(value, matrices).numpy(), slope_of_trace(matrices.numpy())
    np.testing.assert_allclose(slope, plain * np.array([0, 1, 2])[:, None, None], atol=1e-12)
