"""Renders with regions: who gets which style, in one piece and in tiles, alone and again."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf

from styler.api import Stylizer, resume, stylize
from styler.choices import STYLE_LOSSES
from styler.config import RenderConfig
from styler.errors import ConfigError
from styler.images.reading import read_image
from styler.inputs import Inputs
from styler.losses.functional import mean_over_regions
from styler.networks import NETWORKS
from styler.objective.composition import make_objective
from styler.recipe import Recipe
from styler.render.regions import region_colors, regions_of
from styler.types import Size
from support.networks import tiny_network
from support.pictures import blobs, saved, stripes
from support.programs import TERSE, shared_stylizer
from support.registries import registered
from support.sources import ROOT

EXAMPLES = ROOT / "examples/images"
RED, BLUE = (255, 0, 0), (0, 0, 255)
PHOTO, ONE, TWO = blobs(96, 128, 1), stripes(96, 128), blobs(96, 128, 5, cells=30)
CONFIG = RenderConfig(size=128, steps=8, scales=1, strength=0.9, **TERSE)
pytestmark = pytest.mark.usefixtures("shared_programs")


def halves(left, right, height=96, width=128):
    pixels = np.zeros((height, width, 3), np.float32)
    pixels[:, : width // 2] = np.float32(left) / 255
    pixels[:, width // 2 :] = np.float32(right) / 255
    return pixels


def whole(color):
    return halves(color, color)


MASKS = {"content_mask": halves(RED, BLUE), "style_masks": [whole(RED), whole(BLUE)]}


@pytest.fixture(scope="module")
def studio():
    return shared_stylizer(CONFIG, tiny_network())


@pytest.fixture(scope="module")
def both(studio):
    return studio.render(PHOTO, [ONE, TWO], **MASKS)


def distance(studio, result, painting, columns):
    """Distance of some columns of a picture to a painting."""
    engine = studio._engine
    stats = engine.observe(tf.constant(result.picture.pixels[None, :, columns])).stats
    style = engine.statistics(read_image(painting), result.picture.size)
    distances = engine.objective.distances(stats, engine.objective.prepared(stats, [style], [1.0]))
    return sum(term.share * float(distances[term.name]) for term in engine.objective.statistic)


@pytest.mark.parametrize(("columns", "own", "other"), [(slice(0, 48), ONE, TWO), (slice(80, 128), TWO, ONE)])
def test_a_region_is_closer_to_its_own_painting(studio, both, columns, own, other):
    swapped = studio.render(PHOTO, [TWO, ONE], **MASKS)
    assert distance(studio, both, own, columns) < distance(studio, swapped, own, columns)
    assert distance(studio, swapped, other, columns) < distance(studio, both, other, columns)


@pytest.mark.slow
@pytest.mark.parametrize(("is_left", "own", "other"), [(True, "swirls", "dots"), (False, "dots", "swirls")])
def test_the_style_of_a_region_does_not_leak_into_the_other(is_left, own, other):
    """16 pixels inside: how far the picture moves toward the other painting, of the way to a render with that alone."""
    photo, swirls, dots = (read_image(EXAMPLES / f"{name}.jpg") for name in ("lake", "swirls", "dots"))
    paintings = {"swirls": swirls, "dots": dots}
    mask = halves(RED, BLUE, *photo.size)
    studio = Stylizer(RenderConfig.preset("draft", size=256))
    masks = [halves(color, color, *painting.size) for color, painting in ((RED, swirls), (BLUE, dots))]
    both = studio.render(photo, [swirls, dots], content_mask=mask, style_masks=masks)
    alone = [studio.render(photo, paintings[name], content_mask=mask, style_masks=[None]) for name in (own, other)]
    middle = both.picture.size.width // 2
    columns = slice(0, middle - 16) if is_left else slice(middle + 16, None)
    to_other = [distance(studio, result, paintings[other], columns) for result in (both, *alone)]
    assert (to_other[0] - to_other[1]) / (to_other[2] - to_other[1]) <= 0.05


def test_swapped_paintings_change_nothing(studio, both):
    swapped = studio.render(
        PHOTO, [TWO, ONE], content_mask=MASKS["content_mask"], style_masks=[whole(BLUE), whole(RED)]
    )
    np.testing.assert_allclose(swapped.picture.pixels, both.picture.pixels, atol=1e-3)


def test_one_region_that_all_paintings_serve_is_nearly_no_region(studio):
    one = studio.render(PHOTO, [ONE, TWO], content_mask=whole(RED), style_masks=[whole(RED), None])
    none = studio.render(PHOTO, [ONE, TWO])
    np.testing.assert_allclose(one.picture.pixels, none.picture.pixels, atol=2e-2)


def test_tiles_give_the_same_picture(studio, both):
    tiled = studio.changed(tile=64).render(PHOTO, [ONE, TWO], **MASKS)
    assert tiled.recipe.plan.octaves[-1].tile == 64
    assert np.abs(tiled.picture.pixels - both.picture.pixels).max() < 4 / 255


def test_transparent_pixels_count_in_no_region(studio):
    hidden = np.dstack([PHOTO, halves((255, 0, 0), (0, 0, 0))[..., 0]])
    result = studio.render(hidden, [ONE, TWO], **MASKS)
    assert np.isfinite(result.picture.pixels).all()
    assert result.report.notes[0].startswith("the region #0000ff is too small for block1_conv1 up to 128 pixels")


def test_a_region_that_is_too_small_for_a_layer_is_told(studio):
    content = halves(RED, RED)
    content[40:50, 60:70] = np.float32(BLUE) / 255
    result = studio.render(PHOTO, [ONE, TWO], content_mask=content, style_masks=MASKS["style_masks"])
    assert result.report.notes == [note for note in result.report.notes if note.startswith("the region #0000ff is too")]
    assert "block3_conv1 up to 128 pixels" in result.report.notes[0]
    assert "block1_conv1" not in result.report.notes[0]


@pytest.mark.parametrize("loss", list(STYLE_LOSSES))
def test_every_loss_has_a_value_and_a_slope_where_a_region_is_empty(studio, loss):
    """A region without positions counts for nothing; it must not make anything infinite either."""
    term = next(iter(make_objective(CONFIG.changed(loss=loss), tiny_network()).statistic))
    features = tf.constant(np.random.default_rng(0).uniform(0, 1, (1, 12, 10, 8)), tf.float32)
    weights = np.zeros((1, 12, 10, 2), np.float32)
    weights[..., 0] = 1
    style = term.loss.statistics(tf.reverse(features, [3]) ** 2, tf.ones((1, 12, 10, 2)))
    target = term.loss.prepared(style)
    with tf.GradientTape() as tape:
        tape.watch(features)
        stats = term.loss.statistics(features, tf.constant(weights))
        value = mean_over_regions(term.loss.distance(stats, target), stats["count"])
    alone = term.loss.statistics(features, tf.constant(weights[..., :1]))
    one = term.loss.prepared({name: part[:, :1] for name, part in style.items()})
    assert float(value) == pytest.approx(float(term.loss.distance(alone, one)[0, 0]), rel=1e-4)
    assert np.isfinite(tape.gradient(value, features)).all()


def test_a_crop_of_a_painting_is_one_of_its_mask(studio):
    painting = np.concatenate([ONE, TWO], 1)
    mask = halves(RED, BLUE, width=256)
    cropped = studio.changed(style_crop=((0.0, 0.0, 0.5, 1.0),))
    with pytest.raises(ConfigError, match="#0000ff is in none of them, which have #ff0000"):
        cropped.render(PHOTO, painting, content_mask=halves(RED, BLUE), style_masks=[mask])
    result = cropped.render(PHOTO, painting, content_mask=whole(RED), style_masks=[mask])
    alone = studio.render(PHOTO, ONE, content_mask=whole(RED), style_masks=[whole(RED)])
    np.testing.assert_array_equal(result.picture.pixels, alone.picture.pixels)


def sizes_of(*paintings):
    return Inputs.of(Size(96, 128), paintings)


@pytest.mark.parametrize(
    ("content", "styles", "expected"),
    [
        (None, [whole(RED)], "expected a mask of the photo beside those of the paintings"),
        (halves(RED, BLUE), [whole(RED)], "every color of image in the mask of a painting, but #0000ff is in none"),
        (halves(RED, BLUE, height=128), [None], "the photo, 128x96, got 128x128"),
        (halves(RED, BLUE), [halves(RED, BLUE, width=96)], "its painting, 128x96, got 96x96"),
        (whole((0, 0, 0)), [None], "areas of flat color besides black, got none"),
    ],
)
def test_masks_that_do_not_fit_are_refused(content, styles, expected):
    masks = [None if style is None else read_image(style) for style in styles]
    with pytest.raises(ConfigError, match=expected):
        region_colors(None if content is None else read_image(content), masks, sizes_of(*[Size(96, 128)] * len(masks)))


def test_equal_colors_correspond_whatever_the_file_made_of_them():
    inputs = Inputs.of(read_image(PHOTO), [read_image(ONE)])
    nearly = halves((250, 3, 0), (4, 0, 249))
    regions = regions_of(inputs.with_masks(read_image(halves(RED, BLUE)), [read_image(nearly)]), 128)
    assert regions.colors == (BLUE, RED)
    np.testing.assert_array_equal(regions.paintings[0].shares, regions.photo.shares)


@pytest.mark.parametrize(
    ("masks", "got"),
    [
        ({"content_mask": whole(RED)}, "0 style_masks and a content_mask"),
        ({"style_masks": [whole(RED)]}, "1 style_masks and no content_mask"),
        ({"content_mask": whole(RED), "style_masks": [None, None]}, "2 style_masks and a content_mask"),
    ],
)
def test_python_gives_a_mask_of_the_photo_and_one_for_each_painting(studio, masks, got):
    with pytest.raises(ConfigError, match=f"1 style_masks, one for each painting or None, got {got}"):
        studio.render(PHOTO, ONE, **masks)


def test_masks_are_inputs_of_the_recipe_and_of_a_checkpoint(tmp_path, monkeypatch):
    registered(monkeypatch, NETWORKS, "tiny", tiny_network())
    paths = {name: saved(tmp_path / f"{name}.png", pixels) for name, pixels in (("photo", PHOTO), ("one", ONE))}
    mask = saved(tmp_path / "mask.png", halves(RED, BLUE))
    own = saved(tmp_path / "own.png", halves(RED, BLUE))
    config = CONFIG.changed(network="tiny", steps=4, device="cpu", compile="graph")
    words = {"content_mask": mask, "style_masks": [own], "config": config}
    result = stylize(paths["photo"], paths["one"], **words, checkpoint=tmp_path / "state")
    assert (result.recipe.config.content_mask, result.recipe.config.style_mask) == ("mask.png", ("own.png",))
    assert [entry.role for entry in result.recipe.inputs.entries][2:4] == ["content_mask", "style_mask"]
    again = resume(tmp_path / "state")
    np.testing.assert_array_equal(again.picture.pixels, result.picture.pixels)
    assert again.recipe == result.recipe
    named = stylize(paths["photo"], paths["one"], config=config.changed(content_mask=str(mask), style_mask=(str(own),)))
    assert named.recipe == result.recipe


@pytest.mark.parametrize("when", ["before", "after"])
def test_each_region_has_the_photos_colors_there_unless_the_whole_is_asked_for(studio, when):
    tints = np.where(np.arange(128)[:, None] < 64, np.float32([0.9, 0.5, 0.2]), np.float32([0.2, 0.5, 0.9]))
    photo = (PHOTO * tints).astype(np.float32)
    masks = {"content_mask": halves(RED, BLUE), "style_masks": [halves(RED, BLUE)]}
    away = {}
    for area in ("region", "whole"):
        config = CONFIG.changed(color="match", color_when=when, color_area=area, init="style", steps=1)
        pixels = studio.with_config(config).render(photo, ONE, **masks).picture.pixels
        parts = (slice(0, 48), slice(80, 128))
        away[area] = max(np.abs((pixels - photo)[:, part].mean((0, 1))).max() for part in parts)
    assert away["region"] < 0.6 * away["whole"]


def test_recipes_from_before_regions_had_their_own_colors_match_those_of_the_whole(studio):
    recipe = studio.with_config(CONFIG.changed(color="match", steps=1)).render(PHOTO, [ONE, TWO], **MASKS).recipe
    values = json.loads(recipe.to_text())
    del values["config"]["color_area"]
    assert recipe.config.color_area == "region"
    assert Recipe.from_text(json.dumps(values)).config.color_area == "whole"
