"""One pass: tiles, transparency, blends and strength, with the network and decoder that ship."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from styler.api import Stylizer
from styler.config import RenderConfig
from styler.errors import ConfigError, ResourceError
from styler.images.reading import read_image
from styler.images.resampling import resampled_colors
from styler.inputs import Inputs
from styler.networks import find_network
from styler.networks.runtime import standard_settings
from styler.networks.weights import expected_sha256
from styler.recipe import Recipe
from styler.render.one_pass import OnePass
from styler.render.one_pass_plan import _arrays
from styler.render.pyramid import octaves_of
from styler.types import Size
from support.pictures import blobs, stripes

PHOTO = read_image(blobs(50, 195, seed=1))
WARM, COLD = read_image(stripes(120, 130)), read_image(blobs(128, 120, seed=2))
SIZE = Size(101, 390)  # no multiples of the stride


@pytest.fixture(scope="module")
def one_pass():
    return OnePass(find_network("compact"))


@pytest.fixture
def drawn(one_pass):
    def draw(photo=PHOTO, paintings=(WARM,), tile=None, on_tile=None, **options):
        config = RenderConfig.preset("instant", **options)
        with standard_settings():
            return one_pass.picture(config, Inputs.of(photo, paintings), SIZE, tile=tile, on_tile=on_tile)

    return draw


def difference(one, other):
    return float(np.abs(one - other).mean())


def assert_same(one, other):
    """Up to rounding, which the quantiles of the palette enlarge where many pixels have one color."""
    assert difference(one, other) < 5e-4
    np.testing.assert_allclose(one, other, atol=0.01)


def test_the_picture_has_the_size_and_moves_to_the_painting(drawn):
    made = drawn()
    assert made.shape == (*SIZE, 3)
    assert made.dtype == np.float32
    assert made.min() >= 0
    assert made.max() <= 1
    dark = replace(COLD, pixels=0.3 * COLD.pixels)
    assert drawn(paintings=(dark,)).mean() < (dark.pixels.mean() + PHOTO.pixels.mean()) / 2


def test_tiles_give_the_same_picture_and_are_counted(one_pass, drawn):
    calls = []
    tiled = drawn(tile=one_pass.view.smallest_tile, on_tile=lambda *counts: calls.append(counts))
    assert_same(tiled, drawn())
    count = len(one_pass.tiles(one_pass.padded_size(SIZE), one_pass.view.smallest_tile))
    assert count > 2
    assert calls == [(number, 2 * count) for number in range(1, 2 * count + 1)]


def test_transparent_pixels_do_not_count(drawn):
    alpha = np.ones(PHOTO.size, np.float32)
    alpha[:, 120:] = 0
    spoilt = PHOTO.pixels.copy()
    spoilt[:, 120:] = (1, 0, 1)
    kept = np.s_[:, :160]
    one = drawn(replace(PHOTO, alpha=alpha))[kept]
    other = drawn(replace(PHOTO, pixels=spoilt, alpha=alpha))[kept]
    assert difference(one, other) < difference(one, drawn(replace(PHOTO, pixels=spoilt))[kept]) / 3


def test_tiles_with_transparency_give_the_same_picture(one_pass, drawn):
    alpha = np.ones(PHOTO.size, np.float32)
    alpha[20:, 90:] = 0
    photo = replace(PHOTO, alpha=alpha)
    assert_same(drawn(photo, tile=one_pass.view.smallest_tile), drawn(photo))


def test_paintings_blend_by_their_shares(drawn):
    alone = [drawn(paintings=(each,)) for each in (WARM, COLD)]
    mostly = drawn(paintings=(WARM, COLD), style_weights=(0.9, 0.1))
    assert difference(mostly, alone[0]) < difference(mostly, alone[1])
    assert difference(drawn(paintings=(WARM, COLD), style_weights=(1.0, 1e-9)), alone[0]) < 0.002


def test_more_strength_is_further_from_the_photo(drawn):
    photo = resampled_colors(PHOTO, SIZE)
    away = [difference(drawn(strength=strength), photo) for strength in (0.002, 0.15, 0.3, 0.5, 0.8)]
    assert away == sorted(away)
    assert away[0] < 0.01


@pytest.fixture(scope="module")
def instant():
    return Stylizer(RenderConfig.preset("instant", size=160))


def test_a_render_without_steps_has_no_octaves_and_is_replayed_by_its_plan(instant):
    result = instant.changed(tile=88, size=300).render(PHOTO, WARM)
    assert (result.report.stop_reason, result.report.octaves, result.report.plan["tiles"]) == ("one pass", [], [88])
    assert (result.recipe.config.steps, result.recipe.plan.octaves, result.recipe.plan.tile) == (0, (), 88)
    recipe = Recipe.from_text(result.recipe.to_text())
    assert recipe.inputs.decoder.sha256 == expected_sha256("decoder.npz")
    again = Stylizer(recipe.config, plan=recipe.plan).render(PHOTO, WARM)
    assert again.picture.pixels_sha256 == result.picture.pixels_sha256


def test_strength_none_is_the_photo_and_the_color_option_counts(instant):
    result = instant.changed(strength=0.0).render(PHOTO, WARM)
    assert result.report.stop_reason == "strength"
    gray = instant.changed(color="luminance").render(replace(PHOTO, pixels=PHOTO.pixels[..., :1].repeat(3, 2)), WARM)
    assert np.ptp(gray.picture.pixels, axis=2).max() < 0.02


LEFT_RED = np.zeros((50, 195, 3), np.float32)
LEFT_RED[:, :97, 0] = 1
LEFT_RED[:, 97:, 2] = 1
RED, BLUE = (np.zeros((60, 60, 3), np.float32) + np.float32(color) for color in ((1, 0, 0), (0, 0, 1)))


def test_each_region_takes_its_own_painting(instant):
    dark, light = (replace(COLD, pixels=factor * COLD.pixels + offset) for factor, offset in ((0.2, 0.0), (0.2, 0.8)))
    masks = {"content_mask": LEFT_RED, "style_masks": [_mask_of(dark, RED), _mask_of(light, BLUE)]}
    made = instant.changed(size=max(SIZE)).render(PHOTO, [dark, light], **masks)
    middle = made.picture.pixels.shape[1] // 2
    assert made.picture.pixels[:, : middle - 16].mean() < 0.35
    assert made.picture.pixels[:, middle + 16 :].mean() > 0.65
    tiled = instant.changed(size=max(SIZE), tile=160).render(PHOTO, [dark, light], **masks)
    np.testing.assert_allclose(tiled.picture.pixels, made.picture.pixels, atol=1e-3)
    half = instant.changed(size=max(SIZE), strength=0.2).render(PHOTO, [dark, light], **masks)
    assert made.picture.pixels[:, : middle - 16].mean() < half.picture.pixels[:, : middle - 16].mean()


def test_one_region_is_no_region(instant):
    made = instant.render(PHOTO, WARM, content_mask=LEFT_RED[:, :97].repeat(2, 1), style_masks=[None])
    plain = instant.render(PHOTO, WARM)
    assert difference(made.picture.pixels, plain.picture.pixels) < 0.02


def _mask_of(painting, color):
    return np.broadcast_to(color[:1, :1], (*painting.size, 3)).copy()


def test_what_needs_steps_is_refused(instant, tmp_path):
    for given in ({"init": PHOTO}, {"checkpoint": tmp_path / "state"}):
        with pytest.raises(ConfigError, match="--steps 0"):
            instant.render(PHOTO, WARM, **given)


def test_a_budget_chooses_tiles_or_is_refused(instant):
    size = Size(4000, 4000)
    held = instant.plan(SIZE).held
    plan = instant.changed(max_memory=int(1.5 * held + 2**30)).plan(size)
    assert plan.tile is not None
    assert plan.peak < plan.budget
    with pytest.raises(ResourceError, match="pass --max-memory"):
        instant.changed(max_memory=held).plan(size)
    with pytest.raises(ResourceError, match="--time-budget"):
        instant.changed(time_budget=0.001).plan(SIZE)


def test_a_render_that_starts_from_one_pass_has_no_small_octaves(instant):
    warm = instant.changed(steps=1, init="pass", start_noise=0.0, size=max(SIZE))
    assert [(stage.size, stage.steps) for stage in warm.plan(SIZE).stages] == [(SIZE, 1)]
    large = warm.config.changed(steps=8)
    assert [max(stage.size) for stage in octaves_of(large, Size(700, 1024), 8)] == [512, 724, 1024]
    assert [max(stage.size) for stage in octaves_of(large.changed(scales=4), Size(70, 256), 8)] == [128, 181, 256]


def test_both_drawings_of_a_strong_picture_are_counted_together(one_pass, monkeypatch):
    def drawing(config, inputs, size, tile, watch, regions):
        watch()
        return np.zeros((*size, 3), np.float32)

    monkeypatch.setattr(one_pass, "_in_palette", drawing)
    calls = []
    config = RenderConfig.preset("instant", strength=0.8)
    one_pass.picture(config, Inputs.of(PHOTO, [WARM]), SIZE, on_tile=lambda *counts: calls.append(counts))
    assert calls == [(1, 2), (2, 2)]


def fitting(most):
    """A drawing that runs out of memory with larger tiles."""

    def picture(self, config, inputs, size, *, tile, **rest):
        if tile is None or tile > most:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return np.full((*size, 3), 0.5, np.float32)

    return picture


def test_tiles_get_smaller_until_they_fit_and_the_recipe_has_them(instant, monkeypatch):
    monkeypatch.setattr(OnePass, "picture", fitting(100))
    result = instant.render(PHOTO, WARM)
    assert result.recipe.plan.tile == result.report.plan["tiles"][0] == 88
    assert result.report.plan["notes"] == ["tiles of 88 pixels, because the device ran out of memory"]
    monkeypatch.setattr(OnePass, "picture", fitting(10))
    with pytest.raises(ResourceError, match="ran out of memory with tiles of 88 pixels, the smallest"):
        instant.render(PHOTO, WARM)


def test_the_plan_counts_the_arrays_that_are_not_mapped(instant):
    def arrays(pixels, regions=0, **options):
        engine = SimpleNamespace(one_pass=SimpleNamespace(position_bytes=5.0))
        limits = SimpleNamespace(config=instant.config.changed(**options), regions=regions, engine=engine)
        return _arrays(limits, pixels)

    assert arrays(3_000_000) == 36 * 3_000_000
    assert arrays(3_000_000, strength=0.8) == arrays(3_000_000, content_tone="match") == 48 * 3_000_000
    assert arrays(3_000_000, color="match") == 60 * 3_000_000
    assert arrays(6_000_000) == 0
    assert arrays(1_000_000, regions=2) == (36 + 3 * 12 + 25 + 8) * 1_000_000
    assert 0 < arrays(20_000_000, regions=8) < 10 * 20_000_000
    masked, plain = instant.plan(SIZE, regions=3), instant.plan(SIZE)
    assert masked.peak - masked.held > plain.peak - plain.held
