import numpy as np
from scipy.linalg import sqrtm

from styler.gaussians import square_root, transport_matrix


def covariance(rng, channels=5):
    values = rng.normal(size=(40, channels))
    return np.cov(values.T)


def test_the_root_is_that_of_scipy(rng):
    matrix = covariance(rng)
    np.testing.assert_allclose(square_root(matrix), sqrtm(matrix), atol=1e-12)


def test_transport_gives_the_other_covariance_and_is_symmetric(rng):
    before, after = covariance(rng), covariance(rng)
    matrix = transport_matrix(before, after)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)
    np.testing.assert_allclose(matrix @ before @ matrix.T, after, atol=1e-10)


def test_no_way_is_the_identity(rng):
    matrix = covariance(rng)
    np.testing.assert_allclose(transport_matrix(matrix, matrix), np.eye(5), atol=1e-10)
