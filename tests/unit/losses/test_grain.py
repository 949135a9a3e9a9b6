import numpy as np
import scipy.fft

from styler.losses.grain import LUMA, SIDE, Grain, patterns

NOISE = np.random.default_rng(5).random((1, 12, 18, 3), np.float32)
FREQUENCIES = np.argwhere(np.ones((SIDE, SIDE)))[1:]


def seen(image):
    return np.asarray(Grain()(np.float32(image)))


def test_patterns_are_those_of_the_cosine_transform_times_their_frequency():
    made = patterns()
    assert made.shape == (SIDE, SIDE, SIDE**2 - 1)
    for index, (down, right) in enumerate(FREQUENCIES):
        unit = np.zeros((SIDE, SIDE))
        unit[down, right] = 1
        wanted = scipy.fft.idctn(unit, norm="ortho") * np.hypot(down, right)
        np.testing.assert_allclose(made[..., index], wanted, atol=1e-12)


def test_luma_is_seen_in_every_pattern_and_mirrored_at_the_borders():
    luma = np.pad(NOISE[0] @ LUMA, 1, mode="reflect")
    around = np.lib.stride_tricks.sliding_window_view(luma, (SIDE, SIDE))
    wanted = np.einsum("hwab,abk->hwk", around, patterns())
    np.testing.assert_allclose(seen(NOISE)[0], wanted, atol=1e-5)


def test_no_image_goes_beyond_the_range():
    """The largest value of a pattern is that of white where it is positive and black where it is negative."""
    most = np.clip(patterns(), 0, None).sum((0, 1)).max()
    assert 3.7 < most < 3.8


def test_flat_areas_and_plain_color_have_none():
    np.testing.assert_allclose(seen(np.full((1, 8, 8, 3), 0.3)), 0, atol=1e-6)
    gray = np.zeros((1, 8, 8, 3))
    gray[..., ::2, 0], gray[..., 1::2, 1] = 0.587, 0.299  # red and green of one lightness
    np.testing.assert_allclose(seen(gray), 0, atol=1e-6)


def test_lines_and_grain_of_one_energy_differ():
    random = np.random.default_rng(0)
    woven = random.standard_normal((1, 96, 1, 1)) * np.ones((1, 1, 96, 3)) * 0.1
    woven = (woven + woven.swapaxes(1, 2)) / np.sqrt(2)
    even = random.standard_normal((1, 96, 96, 1)) * np.ones(3) * 0.1
    energy = [np.square(seen(0.5 + each)).mean((0, 1, 2)) for each in (woven, even)]
    assert abs(woven.std() / even.std() - 1) < 0.2
    slanted = [pair for pair, (down, right) in enumerate(FREQUENCIES) if down and right]
    assert energy[0][slanted].max() < 0.02 * energy[1][slanted].min()
