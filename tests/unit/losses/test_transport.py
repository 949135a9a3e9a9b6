"""The map between Gaussians: what it does to means and covariances, and that it moves as little as possible."""

import numpy as np
import pytest

from styler.losses.transport import Gaussian, transport


def points(rng, offset, mixing):
    return rng.normal(size=(4000, 4)) @ mixing + offset


def gaussian(x):
    return Gaussian.of_moments(x.mean(0), x.T @ x / len(x))


@pytest.fixture
def pair(rng):
    return points(rng, 2.0, rng.normal(size=(4, 4))), points(rng, -1.0, rng.normal(size=(4, 4)))


def test_means_and_covariances_arrive(pair):
    source, target = map(gaussian, pair)
    found = transport(source, target)
    moved = gaussian(pair[0] @ found.matrix + found.offset)
    np.testing.assert_allclose(moved.mean, target.mean, atol=1e-9)
    np.testing.assert_allclose(moved.covariance, target.covariance, rtol=0.02, atol=0.02)


def test_the_matrix_is_symmetric_and_positive_so_nothing_is_turned(pair):
    matrix = transport(*map(gaussian, pair)).matrix
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-9)
    assert np.linalg.eigvalsh(matrix).min() > 0


def test_equal_gaussians_stay(pair):
    source = gaussian(pair[0])
    found = transport(source, source)
    np.testing.assert_allclose(found.matrix, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(found.offset, 0, atol=1e-9)


def test_a_share_goes_a_part_of_the_way(pair):
    source, target = map(gaussian, pair)
    whole, half, none = (transport(source, target, share) for share in (1.0, 0.5, 0.0))
    x = pair[0]
    np.testing.assert_allclose(x @ half.matrix + half.offset, (x + x @ whole.matrix + whole.offset) / 2, atol=1e-9)
    np.testing.assert_allclose(x @ none.matrix + none.offset, x, atol=1e-9)


def test_dead_channels_stay_finite(pair):
    source, target = map(gaussian, pair)
    dead = Gaussian(source.mean * [1, 1, 1, 0], source.covariance * np.outer([1, 1, 1, 0], [1, 1, 1, 0]))
    for one, other in ((dead, target), (source, dead), (dead, dead)):
        assert np.isfinite(transport(one, other).matrix).all()
