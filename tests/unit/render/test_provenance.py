from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from styler.api import Stylizer
from styler.config import RenderConfig
from styler.errors import ImageError
from styler.images.export import Export
from styler.images.reading import read_image
from styler.images.recipes import read_recipe
from styler.inputs import Inputs
from styler.recipe import Recipe
from styler.render.provenance import EXPORT, recipe_inputs
from support.networks import tiny_network
from support.pictures import blobs, saved, stripes
from support.programs import TERSE

CONFIG = RenderConfig(size=64, steps=2, network="tiny", **TERSE)
PHOTO, PAINTING = blobs(48, 64, 1), stripes(48, 64)
pytestmark = pytest.mark.usefixtures("shared_programs", "tiny")


def rendered(*images, **changes):
    return Stylizer(CONFIG.changed(**changes)).render(*images)


def test_files_are_known_by_name_and_contents(folder):
    result = rendered("photo.png", ["painting.png"])
    found = {entry.role: entry.item for entry in result.recipe.inputs.entries}
    for role, name in (("content", "photo.png"), ("style", "painting.png")):
        data = (folder / name).read_bytes()
        assert (found[role].name, found[role].bytes) == (name, len(data))
        assert found[role].sha256 == hashlib.sha256(data).hexdigest()
    assert (found["network"].name, found["network"].is_file) == ("tiny", False)


def test_images_in_memory_are_known_by_their_pixels():
    recipe = rendered(PHOTO, PAINTING).recipe
    content = recipe.inputs.content
    assert (content.name, content.bytes) == ("image", None)
    assert content.sha256 == hashlib.sha256(PHOTO.tobytes()).hexdigest()
    half = np.dstack([PHOTO, np.linspace(0, 1, 64, dtype=np.float32)[None].repeat(48, 0)])
    assert rendered(half, PAINTING, strength=0.0).recipe.inputs.content.sha256 not in (content.sha256, None)


def test_a_result_is_no_file_until_it_is_saved(folder):
    result = rendered("photo.png", "painting.png")
    assert result.picture.source is None
    path = result.save("out.png")
    assert read_image(path).source.name == "out.png"


def test_the_plan_is_what_was_done():
    result = rendered(PHOTO, PAINTING, size=192, steps=5)
    plan, rows = result.recipe.plan, result.report.octaves
    assert [(level.height, level.width) for level in plan.octaves] == [(row["height"], row["width"]) for row in rows]
    assert [level.done for level in plan.octaves] == [row["steps"] for row in rows]
    assert sum(level.steps for level in plan.octaves) == 5
    assert plan.size == result.picture.size
    assert plan.device in ("cpu", "gpu")


def test_the_photo_itself_has_a_plan_without_octaves():
    assert rendered(PHOTO, PAINTING, strength=0).recipe.plan.octaves == ()


def test_a_saved_file_says_how_it_was_written(tmp_path):
    result = rendered(PHOTO, PAINTING)
    path = result.save(tmp_path / "out.jpg", quality=70, keep_gps=True)
    recipe = Recipe.from_text(read_recipe(path))
    assert recipe == replace(result.recipe, export={**EXPORT, "quality": 70, "keep_gps": True})
    assert read_recipe(result.save(tmp_path / "bare.jpg", recipe=False)) is None


def test_the_defaults_are_those_of_an_export():
    assert Export(**EXPORT) == Export()


def test_one_that_is_too_long_is_left_out():
    result = rendered(PHOTO, PAINTING)
    inputs = result.recipe.inputs
    many = tuple(replace(inputs.paintings[0], name=f"{'x' * 200}{number}") for number in range(250))
    recipe = replace(result.recipe, inputs=replace(inputs, styles=(many,)))
    assert replace(result, recipe=recipe).exported(Export()).recipe is None


def test_a_start_that_goes_away_during_the_render_costs_nothing(folder):
    saved(folder / "start.png", PHOTO)
    studio = Stylizer(CONFIG.changed(init="start.png"))

    def remove(event):
        (folder / "start.png").unlink(missing_ok=True)

    assert studio.render(PHOTO, PAINTING, observer=remove).recipe.inputs.init.name == "start.png"
    with pytest.raises(ImageError, match=r"cannot read start\.png: "):
        studio.render(PHOTO, PAINTING)


def test_a_users_own_network_is_its_file(tmp_path):
    path = tmp_path / "own.keras"
    path.write_bytes(b"weights")
    inputs = Inputs.of(read_image(PHOTO), [read_image(PAINTING)])
    found = recipe_inputs(inputs, CONFIG.changed(network=str(path)), tiny_network()).network
    assert (found.name, found.bytes) == ("own.keras", 7)
