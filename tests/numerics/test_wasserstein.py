"""The Gaussian Wasserstein-2 distance against SciPy and finite differences, hard cases included."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from styler.losses.base import Stats
from styler.losses.matrix_root import matrix_root, trace_of_root
from styler.losses.wasserstein import WassersteinLoss

CHANNELS = 6
LOSS = WassersteinLoss()


def covariance(random: np.random.Generator, kind: str) -> np.ndarray:
    axes, _ = np.linalg.qr(random.normal(size=(CHANNELS, CHANNELS)))
    values = {
        "plain": random.uniform(0.5, 2, CHANNELS),
        "dead": np.array([2.0, 1.0, 0.5, 0.0, 0.0, 0.0]),
        "near-singular": np.array([1.0, 1e-2, 1e-4, 1e-6, 1e-8, 1e-10]),
        "repeated": np.full(CHANNELS, 0.7),
    }[kind]
    if kind == "dead":
        axes = np.eye(CHANNELS)
    return axes * values @ axes.T


def stats(mean: np.ndarray, cov: np.ndarray) -> Stats:
    """Of one image with one region and one position."""
    parts = {"count": np.array(1.0), "first": mean, "second": cov + np.outer(mean, mean)}
    return {name: tf.constant(part[None, None], tf.float64) for name, part in parts.items()}


def by_scipy(mean: np.ndarray, cov: np.ndarray, target_mean: np.ndarray, target_cov: np.ndarray) -> float:
    variance = np.trace(target_cov) + 1e-12
    ridge = LOSS.ridge * variance / CHANNELS * np.eye(CHANNELS)
    one, two = cov + ridge, target_cov + ridge
    root = scipy.linalg.sqrtm(two)
    cross = np.trace(scipy.linalg.sqrtm(root @ one @ root)).real
    return (np.square(mean - target_mean).sum() + np.trace(one) + np.trace(two) - 2 * cross) / variance


KINDS = ["plain", "dead", "near-singular", "repeated"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target_kind", KINDS)
def test_value_is_scipys(rng, kind, target_kind):
    mean, target_mean = rng.normal(size=(2, CHANNELS))
    cov, target_cov = covariance(rng, kind), covariance(rng, target_kind)
    got = LOSS.distance(stats(mean, cov), LOSS.prepared(stats(target_mean, target_cov)))
    assert float(got[0, 0]) == pytest.approx(by_scipy(mean, cov, target_mean, target_cov), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gaussian_is_at_no_distance_from_itself(rng, kind):
    same = stats(rng.normal(size=CHANNELS), covariance(rng, kind))
    assert abs(float(LOSS.distance(same, LOSS.prepared(same))[0, 0])) < 1e-7


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target_kind", ["plain", "dead", "near-singular"])
def test_gradient_is_that_of_finite_differences(rng, kind, target_kind):
    """In float64, through the value by SciPy: an independent function and an independent slope."""
    mean, target_mean = rng.normal(size=(2, CHANNELS))
    cov, target_cov = covariance(rng, kind), covariance(rng, target_kind)
    target = LOSS.prepared(stats(target_mean, target_cov))
    direction = rng.normal(size=(CHANNELS, CHANNELS))
    direction = direction @ direction.T  # moves that keep the covariance positive
    shift = rng.normal(size=CHANNELS)

    sums = stats(mean, cov)
    with tf.GradientTape() as tape:
        tape.watch(sums)
        value = LOSS.distance(sums, target)
    slopes = tape.gradient(value, sums)
    moved = np.outer(shift, mean) + np.outer(mean, shift)
    analytic = float(tf.reduce_sum(slopes["first"] * shift) + tf.reduce_sum(slopes["second"] * (direction + moved)))

    step = 1e-6 if kind in ("plain", "repeated") else 1e-9
    ahead = by_scipy(
        mean + step * shift, cov + step * direction - step**2 * np.outer(shift, shift), target_mean, target_cov
    )
    if kind in ("plain", "repeated"):
        behind = by_scipy(
            mean - step * shift, cov - step * direction - step**2 * np.outer(shift, shift), target_mean, target_cov
        )
        numeric = (ahead - behind) / (2 * step)
    else:  # no covariance lies behind a singular one
        numeric = (ahead - by_scipy(mean, cov, target_mean, target_cov)) / step
    assert analytic == pytest.approx(numeric, rel=3e-2 if step < 1e-8 else 1e-4, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_root_squares_to_the_matrix(rng, kind):
    matrix = covariance(rng, kind)
    root = matrix_root(tf.constant(matrix[None]))[0].numpy()
    np.testing.assert_allclose(root @ root, matrix, atol=1e-12)
    np.testing.assert_allclose(root, root.T, atol=1e-12)


def test_trace_of_root_has_a_finite_gradient_for_a_matrix_of_zeros():
    matrix = tf.zeros((1, 4, 4), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(matrix)
        value = trace_of_root(matrix)
    assert np.isfinite(tape.gradient(value, matrix)).all()
