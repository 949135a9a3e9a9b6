import numpy as np
import pytest

from styler.images.reading import read_image
from styler.render.flaws import flaws, has_border_frame, has_checkerboard, has_gray_haze
from support.pictures import blobs, stripes

CASES = range(18)
DETECTORS = {"hazy": has_gray_haze, "checkerboard": has_checkerboard, "frame": has_border_frame}


def picture(case):
    """A picture without flaws: colors, texture that repeats with no period, and noise."""
    random = np.random.default_rng(case)
    height, width = (int(side) for side in random.integers(120, 400, 2))
    rows, columns = np.mgrid[0:height, 0:width]
    waves = np.sin(rows / random.uniform(2, 9) + 3 * np.sin(columns / random.uniform(5, 30)))[..., None]
    grain = random.normal(0, 0.03, (height, width, 3))
    return np.float32(np.clip(blobs(height, width, case, cells=9) + 0.15 * waves + grain, 0, 1))


def hazy(case):
    """Drawn to a middle gray, as by an optimizer that stopped early or by smoothing that weighs too much."""
    random = np.random.default_rng(case)
    share, gray = random.uniform(0.65, 0.95), random.uniform(0.4, 0.6)
    return np.float32(picture(case) * (1 - share) + gray * share)


def boarded(case):
    """With the pattern of a layer of stride 2, 4 or 8: a board, rows or columns."""
    random, image = np.random.default_rng(case), picture(case)
    rows, columns = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    half = (1, 2, 4)[case % 3]
    place = (rows // half + columns // half, rows // half, columns // half)[case // 3 % 3]
    return np.float32(np.clip(image + random.uniform(0.015, 0.1) * (-1.0) ** place[..., None], 0, 1))


def framed(case):
    """With a frame of one to three pixels of another color."""
    random, image = np.random.default_rng(case), picture(case)
    width = int(random.integers(1, 4))
    shift = random.uniform(0.12, 0.4, 3) * random.choice([-1, 1])
    inside = image[width:-width, width:-width].copy()
    image = image + np.float32(np.where(image.mean((0, 1)) + shift > 1, -abs(shift), shift))
    image[width:-width, width:-width] = inside
    return np.clip(image, 0, 1)


FLAWED = {"hazy": hazy, "checkerboard": boarded, "frame": framed}


@pytest.mark.parametrize("name", FLAWED)
def test_each_flaw_is_seen(name):
    pictures = [FLAWED[name](case) for case in CASES]
    assert [case for case in CASES if not DETECTORS[name](pictures[case])] == []
    said = [flaws(picture) for picture in pictures]
    assert [case for case in CASES if len(said[case]) != 1 or name not in said[case][0]] == []


def test_a_picture_without_flaws_has_none():
    assert [case for case in CASES if flaws(picture(case))] == []


@pytest.mark.parametrize("name", FLAWED)
def test_what_the_photo_or_a_painting_has_itself_is_left_out(name):
    assert flaws(FLAWED[name](0), [picture(1), FLAWED[name](2)]) == ()
    assert len(flaws(FLAWED[name](0), [picture(1), picture(2)])) == 1


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((64, 64, 3)), np.ones((1, 1, 3)), np.full((7, 300, 3), 0.1), stripes(64, 48), stripes(200, 300, 8)],
    ids=["black", "dot", "strip", "stripes", "stripes of 8"],
)
def test_odd_pictures_are_no_errors(pixels):
    assert isinstance(flaws(np.float32(pixels)), tuple)


@pytest.mark.slow
def test_real_pictures_have_no_flaws(shared_images):
    paths = sorted(path for path in shared_images.glob("*/*") if path.suffix == ".jpg")
    assert len(paths) >= 30
    for path in paths:
        assert flaws(read_image(path).pixels) == (), path.name
