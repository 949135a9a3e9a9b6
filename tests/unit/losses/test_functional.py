import numpy as np
import pytest
import tensorflow as tf

from styler.losses import functional as F


def test_positions_counts_height_times_width():
    assert F.positions(tf.zeros((2, 3, 5, 7))).numpy().tolist() == [15.0, 15.0]


def test_covariance_is_numpys(rng):
    points = rng.normal(size=(1, 40, 3))
    first, second = points.mean(1), np.einsum("bni,bnj->bij", points, points) / 40
    got = F.covariance(tf.constant(first), tf.constant(second))[0]
    np.testing.assert_allclose(got, np.cov(points[0].T, bias=True), rtol=1e-10)


def test_slopes_of_color_weigh_more_than_those_of_lightness():
    ramp = np.broadcast_to(0.1 * np.arange(7.0)[None, None, :, None], (1, 5, 7, 3))
    lightness, color = ramp * np.ones(3), ramp * np.array([1.0, 0.0, -1.0])
    plain, heavy = (
        [float(F.nine_point_variation(change(tf.constant(image)))) for image in (lightness, color)]
        for change in (tf.identity, F.with_heavy_color)
    )
    np.testing.assert_allclose(F.with_heavy_color(tf.constant(lightness)), lightness, rtol=1e-12)
    np.testing.assert_allclose(np.divide(heavy, plain), [1.0, F.CHROMA], rtol=1e-9)


def test_variation_of_a_constant_image_is_zero():
    assert float(F.nine_point_variation(tf.fill((1, 6, 5, 3), 0.4))) == 0.0


@pytest.mark.parametrize("slope", [(0.01, 0.0), (0.0, 0.02), (0.01, 0.02)])
def test_variation_of_a_ramp_is_its_squared_slope(slope):
    rows, columns = np.mgrid[0:9, 0:11]
    ramp = np.repeat((slope[0] * rows + slope[1] * columns)[None, ..., None], 3, -1)
    # axes: 2/3 |slope|^2; both diagonals: 2/12 * 2 |slope|^2; together |slope|^2
    assert float(F.nine_point_variation(tf.constant(ramp))) == pytest.approx(slope[0] ** 2 + slope[1] ** 2, rel=1e-9)


def test_relative_square_is_one_for_zeros_against_anything(rng):
    reference = tf.constant(rng.normal(size=(3, 4)))
    assert float(F.relative_square(tf.zeros_like(reference), reference)) == pytest.approx(1.0, rel=1e-9)
