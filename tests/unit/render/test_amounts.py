"""Renders that keep parts of the photo, or paint them less."""

from __future__ import annotations

import numpy as np
import pytest

from styler.api import Stylizer, resume, stylize
from styler.config import RenderConfig
from styler.errors import ConfigError
from styler.images.reading import read_image
from styler.images.resampling import resampled_colors
from styler.networks import NETWORKS
from styler.objective.strength import MOST_CONTENT, content_factors
from styler.types import Size
from support.networks import tiny_network
from support.pictures import blobs, saved, stripes
from support.programs import TERSE, shared_stylizer
from support.registries import registered

PHOTO, PAINTING = blobs(96, 128, 1), stripes(96, 128)
CONFIG = RenderConfig(size=128, steps=8, scales=1, strength=0.8, **TERSE)
LEFT = np.zeros((96, 128), np.float32)
LEFT[:, :64] = 1
BEYOND = 3  # pixels: the feather at 128 pixels, rounded up
pytestmark = pytest.mark.usefixtures("shared_programs")


@pytest.fixture(scope="module")
def studio():
    return shared_stylizer(CONFIG, tiny_network())


@pytest.fixture(scope="module")
def plain(studio):
    return studio.render(PHOTO, PAINTING).picture.pixels


def away(pixels, photo=PHOTO):
    """Largest difference from the photo in each column, in steps of 255."""
    return 255 * np.abs(pixels - photo).max((0, 2))


@pytest.mark.parametrize(
    "options",
    [
        *({}, {"tile": 64}, {"color": "luminance"}, {"content_tone": "match"}, {"init": "noise"}),
        pytest.param({"optimizer": "adam"}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_what_is_kept_is_the_photo_and_the_rest_is_painted(studio, options):
    result = studio.changed(**options).render(PHOTO, PAINTING, keep=LEFT)
    distance = away(result.picture.pixels)
    assert distance[: 64 - BEYOND].max() <= 2
    assert np.median(distance[64 + BEYOND :]) > 10


def test_a_picture_in_one_pass_keeps_it_too():
    masks = {"keep": LEFT, "strength_map": np.full((96, 128), 0.5, np.float32)}
    studio = Stylizer(RenderConfig.preset("instant", size=128))
    plain = studio.render(PHOTO, PAINTING).picture.pixels
    made = studio.render(PHOTO, PAINTING, **masks).picture.pixels
    assert away(made)[: 64 - BEYOND].max() <= 2
    middle = (PHOTO + plain) / 2
    np.testing.assert_allclose(made[:, 64 + BEYOND :], middle[:, 64 + BEYOND :], atol=0.01)


def test_at_another_size_the_photo_is_kept_at_that_size(studio):
    result = studio.changed(size=192, scales=None).render(PHOTO, PAINTING, keep=LEFT)
    photo = resampled_colors(read_image(PHOTO), Size(144, 192))
    assert away(result.picture.pixels, photo)[: 96 - BEYOND].max() <= 2


def test_every_event_shows_what_is_kept(studio):
    for event in studio.iterate(PHOTO, PAINTING, keep=LEFT):
        assert away(event.picture().pixels)[: 64 - BEYOND].max() <= 2


def test_a_map_paints_more_where_it_is_lighter(studio, plain):
    ramp = np.linspace(0, 1, 128, dtype=np.float32)[None].repeat(96, 0)
    painted = studio.render(PHOTO, PAINTING, strength_map=ramp).picture.pixels
    change = np.abs(painted - PHOTO).mean((0, 2)) / np.abs(plain - PHOTO).mean((0, 2))
    thirds = [part.mean() for part in np.array_split(change, 3)]
    assert thirds[0] < 0.5 * thirds[-1]
    assert away(painted)[0] <= 2


def test_a_white_map_changes_nearly_nothing(studio, plain):
    white = studio.render(PHOTO, PAINTING, strength_map=np.ones((48, 64), np.float32)).picture.pixels
    np.testing.assert_allclose(white, plain, atol=2e-2)


@pytest.mark.parametrize("masks", [{"keep": LEFT * 0 + 1}, {"strength_map": LEFT * 0}], ids=["keep", "map"])
def test_where_nothing_is_painted_the_result_is_the_photo(studio, masks):
    assert away(studio.render(PHOTO, PAINTING, **masks).picture.pixels).max() < 0.1


def test_tiles_give_the_same_picture(studio):
    masks = {"keep": LEFT, "strength_map": np.full((96, 128), 0.5, np.float32)}
    one = studio.render(PHOTO, PAINTING, **masks).picture.pixels
    tiled = studio.changed(tile=64).render(PHOTO, PAINTING, **masks).picture.pixels
    assert np.abs(tiled - one).max() < 4 / 255


def test_a_part_of_the_strength_weighs_the_content_as_that_strength_does():
    half = content_factors(0.8, np.float32([1.0, 0.5, 0.0]))
    assert half[0] == pytest.approx(1)
    assert half[1] == pytest.approx(((1 / 0.4 - 0.25) / (1 / 0.8 - 0.25)) ** 2)
    assert half[2] == MOST_CONTENT


@pytest.mark.parametrize("name", ["keep", "strength_map"])
def test_masks_of_other_proportions_are_refused(studio, name):
    with pytest.raises(ConfigError, match="proportions of the photo, 128x96, got 96x96"):
        studio.render(PHOTO, PAINTING, **{name: np.ones((96, 96), np.float32)})


def test_they_are_inputs_of_the_recipe_and_of_a_checkpoint(tmp_path, monkeypatch):
    registered(monkeypatch, NETWORKS, "tiny", tiny_network())
    photo, painting = saved(tmp_path / "photo.png", PHOTO), saved(tmp_path / "painting.png", PAINTING)
    keep = saved(tmp_path / "keep.png", LEFT)
    config = CONFIG.changed(network="tiny", steps=4, device="cpu", compile="graph", keep=str(keep))
    result = stylize(photo, painting, config=config, strength_map=keep, checkpoint=tmp_path / "state")
    assert (result.recipe.config.keep, result.recipe.config.strength_map) == ("keep.png", "keep.png")
    assert [entry.role for entry in result.recipe.inputs.entries] == [
        *("content", "style", "keep", "strength_map", "network")
    ]
    again = resume(tmp_path / "state")
    np.testing.assert_array_equal(again.picture.pixels, result.picture.pixels)
    assert again.recipe == result.recipe
