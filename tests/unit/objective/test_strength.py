import numpy as np
import pytest

from styler.config import RenderConfig
from styler.losses.term import CONTENT, SMOOTHNESS, STYLE
from styler.objective.strength import CONTENT_AT_HALF, TONED, factors_of, is_photo


@pytest.mark.parametrize(("strength", "photo"), [(0.0, True), (1e-4, True), (0.01, False), (1.0, False)])
def test_only_strength_zero_is_the_photo_itself(strength, photo):
    assert is_photo(RenderConfig(strength=strength)) is photo


def test_content_falls_as_strength_rises_to_a_sixth_at_one():
    weights = [factors_of(RenderConfig(strength=s), 1.0, 512)[CONTENT] for s in (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)]
    assert weights == sorted(weights, reverse=True)
    assert weights[2] == CONTENT_AT_HALF
    assert weights[-1] == pytest.approx(CONTENT_AT_HALF * (3 / 7) ** 2)


def test_a_photo_in_the_paintings_palette_has_more_weight():
    weight = factors_of(RenderConfig(content_tone="match"), 1.0, 512)[CONTENT]
    assert weight == pytest.approx(CONTENT_AT_HALF * TONED)


def test_the_style_term_is_one_at_the_photo():
    for style_of_photo in (0.01, 1.0, 300.0):
        style = factors_of(RenderConfig(), style_of_photo, 512)[STYLE]
        assert style * style_of_photo == pytest.approx(1.0)


def test_a_loss_brings_its_gain():
    assert factors_of(RenderConfig(), 2.0, 512, 3.0)[STYLE] == pytest.approx(1.5)


def test_smaller_pictures_are_smoothed_less_and_tied_less_to_the_photo():
    weights = {side: tuple(factors_of(RenderConfig(), 1.0, side).values()) for side in (64, 128, 256, 512, 1024, 8192)}
    assert weights[64] == weights[128]
    assert weights[512] == weights[1024] == weights[8192]
    content, _, tv = zip(*(weights[side] for side in (128, 256, 512)), strict=True)
    assert list(content) == sorted(content)
    np.testing.assert_allclose(np.divide(tv[1:], tv[:-1]), 2.0)


def test_raw_weights_win():
    config = RenderConfig(content_weight=0.0, style_weight=7.0, tv_weight=0.25)
    assert factors_of(config, 5.0, 256, 3.0) == {CONTENT: 0.0, STYLE: 7.0, SMOOTHNESS: 0.25}


def test_a_photo_that_matches_already_does_not_divide_by_zero():
    assert factors_of(RenderConfig(), 0.0, 512)[STYLE] < 1e7
