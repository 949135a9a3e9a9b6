import numpy as np

from styler.losses.palette import AXES, BINS, Palette

COLORS = np.random.default_rng(5).random((1, 6, 8, 3), np.float32)


def counted(image):
    return np.asarray(Palette()(np.float32(image)))


def uniform(color):
    return np.broadcast_to(np.float32(color), (1, 4, 6, 3))


def test_a_color_falls_into_the_bins_around_it_and_the_nearer_the_more():
    color = np.array([0.3, 0.55, 0.9])
    bins = counted(uniform(color))[0, 0, 0].reshape(AXES.shape[1], BINS)
    centers = np.linspace(0, 1, BINS)
    wanted = np.maximum(0, 1 - np.abs((color @ AXES)[:, None] - centers) * (BINS - 1))
    np.testing.assert_allclose(bins, wanted, atol=1e-5)


def test_every_color_counts_once_along_each_axis():
    image = np.kron(COLORS, np.ones((1, 2, 2, 1), np.float32))
    bins = counted(image).reshape(-1, AXES.shape[1], BINS)
    np.testing.assert_allclose(bins.sum(-1), 1, atol=1e-5)


def test_black_and_white_fill_the_outermost_bins():
    for value, place in ((0.0, 0), (1.0, BINS - 1)):
        bins = counted(uniform(value)).reshape(-1, AXES.shape[1], BINS)
        np.testing.assert_allclose(bins[..., place], 1, atol=1e-5)


def test_two_by_two_pixels_are_averaged_first():
    image = np.zeros((1, 32, 32, 3), np.float32)
    image[:, ::2, ::2] = 1.0
    np.testing.assert_allclose(counted(image), counted(np.full((1, 32, 32, 3), 0.25)), atol=1e-6)


def test_distributions_of_equal_mean_and_variance_differ():
    skewed = np.where(np.random.default_rng(0).random((1, 64, 64, 1)) < 0.2, 0.9, 0.4) * np.ones(3)
    mirrored = 2 * skewed.mean() - skewed
    first, second = (counted(each.repeat(2, 1).repeat(2, 2)).mean((0, 1, 2)) for each in (skewed, mirrored))
    assert abs(skewed.std() - mirrored.std()) < 1e-9
    assert np.abs(first - second).max() > 0.1
