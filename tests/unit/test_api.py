from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from styler.api import StyleResult, Stylizer, driven, listed, resume, stylize
from styler.cli.app import run
from styler.config import RenderConfig
from styler.errors import ConfigError, ImageError, NetworkError, OutputError
from styler.images.reading import TRANSPARENT, read_image
from styler.images.recipes import read_recipe
from styler.images.resampling import resampled
from styler.inputs import Inputs
from styler.recipe import Recipe
from styler.render.checkpoint import read_checkpoint, write_checkpoint
from styler.render.engine import Engine
from styler.render.report import versions
from styler.types import Size
from support.networks import tiny_network
from support.pictures import blobs, saved, stripes
from support.programs import TERSE, shared_stylizer

PHOTO, PAINTING = blobs(60, 80, 1), stripes(90, 70)
CONFIG = RenderConfig(size=64, steps=3, **TERSE)
pytestmark = pytest.mark.usefixtures("shared_programs")


@pytest.fixture(scope="module")
def studio():
    return shared_stylizer(CONFIG, tiny_network())


@pytest.fixture(scope="module")
def result(studio):
    return studio.render(PHOTO, PAINTING)


def pixels(result):
    return np.asarray(result.image)


def test_a_result_is_a_picture_with_its_report_and_config(result):
    assert isinstance(result, StyleResult)
    assert result.image.size == (64, 48)
    assert result.image.mode == "RGB"
    assert result.config == CONFIG
    assert result.report.config == CONFIG.to_dict()


def test_the_same_stylizer_gives_the_same_picture_again(studio, result):
    np.testing.assert_array_equal(pixels(studio.render(PHOTO, PAINTING)), pixels(result))


def test_a_new_stylizer_gives_the_same_picture(result, monkeypatch):
    monkeypatch.setattr("styler.api.Engine", Engine)  # with programs of its own
    again = Stylizer(CONFIG, network=tiny_network()).render(PHOTO, PAINTING)
    np.testing.assert_array_equal(pixels(again), pixels(result))


def test_a_stylizer_keeps_nothing_of_the_picture_before(studio, result):
    other = studio.render(stripes(50, 90), blobs(40, 40, 7))
    assert other.image.size == (64, 36)
    np.testing.assert_array_equal(pixels(studio.render(PHOTO, PAINTING)), pixels(result))


def test_a_painting_that_is_seen_in_tiles_goes_with_a_picture_in_one_piece(studio, result):
    assert studio.render(PHOTO, blobs(40, 160, 3)).image.size == result.image.size


def test_paths_pil_images_and_arrays_are_the_same_to_it(studio, tmp_path):
    arrays = [np.uint8(np.rint(p * 255)) for p in (PHOTO, PAINTING)]
    paths = [saved(tmp_path / f"{name}.png", p) for name, p in (("photo", PHOTO), ("painting", PAINTING))]
    images = [Image.fromarray(array) for array in arrays]
    first, *others = (pixels(studio.render(*pair)) for pair in (arrays, paths, images))
    for other in others:
        np.testing.assert_array_equal(other, first)


def test_the_callers_arrays_are_left_alone(studio):
    photo, painting = PHOTO.copy(), PAINTING.copy()
    studio.render(photo, painting)
    np.testing.assert_array_equal(photo, PHOTO)
    np.testing.assert_array_equal(painting, PAINTING)


def test_the_observer_sees_every_step_event_in_order(studio):
    events = []
    studio.render(PHOTO, PAINTING, observer=events.append)
    assert [event.step for event in events] == sorted({event.step for event in events})
    assert events[-1].step == events[-1].total == 3
    assert events[0].image().size == (64, 48)


def test_iterate_gives_the_result_in_the_end(studio, result):
    course = studio.iterate(PHOTO, PAINTING, event_every=1)
    steps = []
    while True:
        try:
            steps.append(next(course).step)
        except StopIteration as end:
            np.testing.assert_array_equal(pixels(end.value), pixels(result))
            break
    assert steps == [1, 2, 3]


def test_iterating_may_stop_at_any_time(studio, result):
    course = studio.iterate(PHOTO, PAINTING)
    best = next(course).image()
    course.close()
    assert best.size == (64, 48)
    np.testing.assert_array_equal(pixels(studio.render(PHOTO, PAINTING)), pixels(result))


def test_the_last_event_shows_the_result(studio, result):
    *_, last = studio.iterate(PHOTO, PAINTING)
    np.testing.assert_array_equal(np.asarray(last.image()), pixels(result))


def test_stylize_takes_a_config_and_changes_that_win(tiny):
    config = CONFIG.changed(network=tiny, **TERSE)
    made = stylize(PHOTO, PAINTING, config=config, steps=2, style_layers="block1_conv1:3")
    assert made.config.size == 64
    assert made.config.steps == 2
    assert made.config.style_layers == (("block1_conv1", 3.0),)
    assert list(made.report.style_distances) == ["block1_conv1"]


def test_stylize_blends_several_styles(tiny):
    options = {"network": tiny, "size": 64, "steps": 3}
    both = pixels(stylize(PHOTO, [PAINTING, blobs(50, 50, 4)], style_weights=(1, 3), **options))
    swapped = pixels(stylize(PHOTO, (blobs(50, 50, 4), PAINTING), style_weights=(3, 1), **options))
    alone = pixels(stylize(PHOTO, PAINTING, **options))
    assert np.abs(both.astype(int) - swapped).max() <= 1
    assert np.abs(both.astype(int) - alone).mean() > 1


def test_one_style_twice_is_the_style_once(studio, result):
    twice = Stylizer(CONFIG, network=tiny_network()).render(PHOTO, [PAINTING, PAINTING])
    assert np.abs(pixels(twice).astype(int) - pixels(result)).max() <= 1


def test_refusals(studio, tmp_path):
    with pytest.raises(ConfigError, match="'sise'"):
        stylize(PHOTO, PAINTING, sise=64)
    with pytest.raises(NetworkError, match="unknown network"):
        Stylizer(RenderConfig(network="vgg18"))
    with pytest.raises(ImageError, match=r"nowhere\.png"):
        studio.render(tmp_path / "nowhere.png", PAINTING)
    with pytest.raises(ConfigError, match="at least one style"):
        studio.render(PHOTO, [])


def test_save_writes_and_does_not_replace_unasked(result, tmp_path):
    path = result.save(tmp_path / "out.png")
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), pixels(result))
    with pytest.raises(OutputError, match="already exists"):
        result.save(path)
    result.save(path, overwrite=True)
    assert result.save(str(tmp_path / "out.jpg"), quality=50).is_file()


def test_the_report_is_json_without_paths(studio, tmp_path):
    saved(tmp_path / "photo.png", PHOTO)
    text = studio.render(tmp_path / "photo.png", PAINTING).report.to_json()
    report = json.loads(text)
    assert str(tmp_path) not in text
    assert [entry["name"] for entry in report["inputs"]] == ["photo", "image"]
    assert report["inputs"][0]["pixels_sha256"] != report["inputs"][1]["pixels_sha256"]
    assert RenderConfig.from_dict(report["config"]) == CONFIG


def test_the_report_tells_what_was_done_to_an_input(studio):
    clear = np.dstack([PHOTO, np.full((60, 80), 0.5, np.float32)])
    assert studio.changed(strength=0.0).render(clear, PAINTING).report.inputs[0]["notes"] == [TRANSPARENT]


def test_listed():
    assert listed("a.png") == ["a.png"]
    assert listed(("a.png", "b.png")) == ["a.png", "b.png"]
    assert len(listed(PAINTING)) == 1


def test_versions_name_what_the_bytes_depend_on():
    found = versions()
    assert set(found) == {"python", "styler", "tensorflow", "keras", "numpy", "pillow", "libvips", "imagecodecs"}
    assert all(re.match(r"\d+\.\d+", version) for version in found.values())


@pytest.fixture
def stopping():
    """An observer that ends a render at an event, as a kill would: nothing between here and the test catches it."""

    class Stop(BaseException):
        pass

    def after(count):
        seen = []

        def observe(event):
            seen.append(event)
            if len(seen) == count:
                raise Stop

        return observe

    after.error = Stop
    return after


@pytest.fixture
def changed_plan():
    """Writes into a checkpoint that its render began otherwise."""

    def change(path, **changes):
        found = read_checkpoint(path)
        job = {**found.job, "plan": {**found.job["plan"], **changes}}
        write_checkpoint(path, replace(found, job=job))

    return change


@pytest.mark.usefixtures("folder")
def test_a_stopped_render_is_resumed_to_the_same_picture(tiny, stopping, folder):
    options = {"network": tiny, "size": 192, "steps": 12}
    whole = stylize("photo.png", "painting.png", **options)
    with pytest.raises(stopping.error):
        stylize("photo.png", "painting.png", **options, checkpoint="state", checkpoint_every=0.0, observer=stopping(3))
    events = []
    result = resume("state", observer=events.append)
    np.testing.assert_array_equal(result.picture.pixels, whole.picture.pixels)
    assert events[0].step > 3
    assert result.config == whole.config
    assert [row["loss"] for row in result.report.octaves] == [row["loss"] for row in whole.report.octaves]
    assert (folder / "state").exists()
    result.save("out.png")
    assert not (folder / "state").exists()


@pytest.mark.usefixtures("folder")
def test_a_checkpoint_lives_until_the_picture_is_saved(tiny, folder):
    result = stylize("photo.png", "painting.png", config=CONFIG, network=tiny, checkpoint="state")
    assert result.checkpoint == Path("state")
    with pytest.raises(OutputError):
        result.save("no such folder/out.png")
    again = resume("state")
    np.testing.assert_array_equal(again.picture.pixels, result.picture.pixels)
    assert again.checkpoint == Path("state")
    again.save("out.png")
    assert not (folder / "state").exists()
    result.save("other.png")
    assert (folder / "other.png").exists()


@pytest.mark.usefixtures("folder")
def test_a_checkpoint_of_the_command_line_stays_until_the_picture_is_saved(tiny, folder, monkeypatch):
    words = ("render", "photo.png", "painting.png", "-o", "out.png", "--network", tiny, "--size", "64", "--steps", "3")

    def unwritable(*_args, **_settings):
        raise OutputError("cannot write out.png")

    with monkeypatch.context() as patch:
        patch.setattr("styler.cli.work.write_picture", unwritable)
        assert run([*words, "--checkpoint", "state"]) == 2
    result = resume("state")
    assert (folder / "state").exists()
    result.save("elsewhere.png")
    assert not (folder / "state").exists()
    assert run([*words]) == 0
    assert (folder / "elsewhere.png").read_bytes() == (folder / "out.png").read_bytes()


@pytest.mark.usefixtures("folder")
def test_a_resumed_render_has_the_plan_that_it_began_with(tiny, stopping, folder, changed_plan):
    options = {"network": tiny, "size": 64, "steps": 6, "checkpoint": "state", "checkpoint_every": 0.0}
    with pytest.raises(stopping.error):
        stylize("photo.png", "painting.png", **options, observer=stopping(1))
    changed_plan(folder / "state", device="gpu", threads=63, onednn=False)
    with pytest.warns(RuntimeWarning) as caught:
        result = resume("state")
    said = " | ".join(str(warning.message) for warning in caught)
    assert "made with 63 threads, which cannot be set here" in said
    assert "TF_ENABLE_ONEDNN_OPTS 0, now" in said
    assert "made on gpu, which is missing here: the cpu is used" in said
    assert result.recipe.plan.device == "cpu"


@pytest.mark.usefixtures("folder")
def test_the_compiler_is_the_one_that_it_began_with(tiny, stopping, monkeypatch):
    options = {"network": tiny, "size": 64, "steps": 6, "checkpoint": "state", "checkpoint_every": 0.0}
    with pytest.raises(stopping.error):
        stylize("photo.png", "painting.png", **options, observer=stopping(1))
    monkeypatch.setattr("styler.render.engine.FASTER_ON_CPU", "xla")  # what a new render would be compiled with
    assert resume("state").recipe.plan.compile == "graph"


@pytest.mark.usefixtures("folder")
def test_a_checkpoint_needs_paths_and_replaces_nothing(tiny, studio, folder):
    with pytest.raises(ConfigError, match=r"registered network.*tiny"):
        studio.render("photo.png", "painting.png", checkpoint="state")
    studio = Stylizer(CONFIG.changed(network=tiny))
    with pytest.raises(ConfigError, match="needs its images as paths"):
        studio.render(blobs(60, 80, 1), "painting.png", checkpoint="state")
    (folder / "state").write_bytes(b"hours")
    with pytest.raises(OutputError, match="state already exists"):
        studio.render("photo.png", "painting.png", checkpoint="state")
    assert (folder / "state").read_bytes() == b"hours"


@pytest.mark.usefixtures("folder")
def test_a_checkpoint_that_cannot_be_written_is_a_warning(tiny, monkeypatch):
    def full(*_args, **_settings):
        raise OutputError("cannot write state: No space left on device")

    monkeypatch.setattr("styler.render.saver.write_checkpoint", full)
    with pytest.warns(RuntimeWarning, match="No space left on device; the render continues") as caught:
        stylize("photo.png", "painting.png", config=CONFIG, network=tiny, checkpoint="state", checkpoint_every=0.0)
    assert len(caught) == 1


def test_the_report_tells_of_a_picture_that_went_wrong(tiny):
    beyond = 3e38  # what float32 can hold
    result = stylize(
        PHOTO, PAINTING, network=tiny, size=64, steps=10, style_weight=beyond, content_weight=beyond, **TERSE
    )
    assert result.report.setbacks > 0
    assert "diverged" in result.report.warnings[0]
    assert np.isfinite(result.picture.pixels).all()


@pytest.mark.usefixtures("folder", "tiny")
def test_a_recipe_in_a_picture_makes_it_again():
    stylize("photo.png", "painting.png", network="tiny", size=192, steps=3, init="noise", seed=5, **TERSE).save(
        "out.png"
    )
    recipe = Recipe.from_text(read_recipe("out.png"))
    again = Stylizer(recipe.config, plan=recipe.plan).render("photo.png", "painting.png").save("again.png")
    assert again.read_bytes() == Path("out.png").read_bytes()


def test_threads_may_share_a_stylizer(studio, result):
    photos = [PHOTO, stripes(50, 90), PHOTO, blobs(64, 64, 3)]
    alone = [pixels(studio.render(photo, PAINTING)) for photo in photos]
    cold = Stylizer(CONFIG, network=tiny_network())
    with ThreadPoolExecutor(4) as pool:
        for shared in (studio, cold):
            made = pool.map(lambda photo, shared=shared: pixels(shared.render(photo, PAINTING)), photos)
            for one, other in zip(made, alone, strict=True):
                np.testing.assert_array_equal(one, other)


def test_renders_of_one_stylizer_take_turns(studio, result):
    first, second = (studio.iterate(PHOTO, PAINTING) for _ in range(2))
    next(first)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(next, second).result(60).step > 0
        np.testing.assert_array_equal(pixels(pool.submit(driven, second, []).result(60)), pixels(result))
    np.testing.assert_array_equal(pixels(driven(first, [])), pixels(result))


@pytest.mark.parametrize("size", [(40, 400), (400, 40), (32, 320)])
def test_a_scroll_works_as_a_painting_at_every_octave(size):
    studio = Stylizer(RenderConfig(size=181, steps=2, **TERSE), network=tiny_network())
    assert studio.render(PHOTO, stripes(*size)).image.size == (181, 136)


def test_a_painting_too_small_for_the_network_is_refused_before_the_work(studio):
    with pytest.raises(ConfigError, match="400x31"):
        next(studio.iterate(PHOTO, stripes(31, 400)))


def test_a_painting_is_hashed_once(studio, monkeypatch):
    counted = []
    monkeypatch.setattr("styler.images.mapped.bands", lambda *arrays: counted.append(arrays) or [slice(None)])
    painting = read_image(stripes(80, 85))
    Stylizer(RenderConfig(size=256, steps=4, **TERSE), network=tiny_network()).render(PHOTO, painting)
    assert sum(array is painting.pixels for arrays in counted for array in arrays) <= 2  # alone, and as it is seen


@pytest.mark.usefixtures("tiny")
def test_an_array_to_start_from_is_as_good_as_its_file(folder):
    path, start = folder / "start.png", stripes(48, 64)
    saved(path, start)
    by_file = stylize(PHOTO, PAINTING, init="start.png", network="tiny", size=64, steps=3, **TERSE)
    in_memory = stylize(PHOTO, PAINTING, init=read_image(path).pixels, network="tiny", size=64, steps=3, **TERSE)
    np.testing.assert_array_equal(in_memory.picture.pixels, by_file.picture.pixels)
    assert not np.array_equal(
        by_file.picture.pixels, stylize(PHOTO, PAINTING, network="tiny", size=64, steps=3, **TERSE).picture.pixels
    )
    found = in_memory.recipe.inputs.init
    assert (found.name, found.bytes, in_memory.recipe.config.init) == ("image", None, "image")
    assert by_file.recipe.config.init == "start.png"
    assert [each["role"] for each in in_memory.report.inputs] == ["content", "style", "init"]


@pytest.mark.usefixtures("tiny")
def test_an_array_to_start_from_cannot_be_found_again_by_a_checkpoint(folder):
    with pytest.raises(ConfigError, match="needs its images as paths"):
        stylize(
            "photo.png", "painting.png", init=PHOTO, checkpoint=folder / "c", network="tiny", size=64, steps=3, **TERSE
        )


HALVES = ((0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0))


@pytest.mark.usefixtures("tiny")
def test_a_crop_of_a_painting_is_as_good_as_the_part_itself(folder):
    wide = np.concatenate([stripes(90, 70), blobs(90, 70, 3)], axis=1)
    saved(folder / "wide.png", wide)
    painting = read_image("wide.png").pixels
    by_hand = stylize(PHOTO, [painting[:, :70], painting[:, 70:]], network="tiny", size=64, steps=3, **TERSE)
    cropped = stylize(PHOTO, [painting, painting], network="tiny", size=64, steps=3, **TERSE, style_crop=HALVES)
    np.testing.assert_array_equal(cropped.picture.pixels, by_hand.picture.pixels)
    words = ("photo.png", "wide.png", "-o", "out.png", "--network", "tiny", "--size", "64", "--steps", "3")
    assert run(["render", *words, "--style-crop", "0,0,0.5,1"]) == 0
    assert Recipe.from_text(read_recipe("out.png")).config.style_crop == HALVES[:1]
    assert run(["replay", "out.png"]) == 0
    assert (folder / "out-replay.png").read_bytes() == (folder / "out.png").read_bytes()


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ("0,0,1.1,1", "boxes of four numbers"),
        ("0.5,0,0.5,1", "boxes of four numbers"),
        ("0,0,1", "boxes of four numbers"),
        ("left", "boxes of four numbers"),
        (HALVES, "expected 1 box, got 2"),
    ],
)
def test_a_crop_that_is_none_is_refused(studio, boxes, expected):
    with pytest.raises(ConfigError, match=expected):
        studio.changed(style_crop=boxes).render(PHOTO, PAINTING)


def test_a_crop_that_leaves_too_little_for_the_network_is_refused(studio):
    with pytest.raises(ConfigError, match="expected at least 32 per side"):
        studio.changed(style_crop=((0.0, 0.0, 0.1, 1.0),)).render(PHOTO, PAINTING)


def test_what_is_done_before_the_first_step_is_told(studio):
    told = []
    pictures = Inputs.of(read_image(PHOTO), [read_image(PAINTING)])
    next(studio.events(pictures, phase=told.append))
    assert told == ["compiling"]


@pytest.mark.usefixtures("tiny")
def test_a_scale_of_marks_is_that_of_an_enlarged_painting(folder):
    saved(folder / "painting.png", stripes(40, 60))
    small = read_image("painting.png").pixels
    large = resampled(small, Size(60, 90))
    options = {"network": "tiny", "size": 96, "scales": 1, "steps": 3}
    plain = stylize(PHOTO, small, **options).picture.pixels
    scaled = stylize(PHOTO, small, **options, style_scale=(1.5,)).picture.pixels
    by_hand = stylize(PHOTO, large, **options).picture.pixels
    np.testing.assert_allclose(scaled, by_hand, atol=2e-3)
    assert np.abs(scaled - plain).max() > 0.01
    words = ("photo.png", "painting.png", "-o", "out.png", "--network", "tiny", "--size", "64", "--steps", "3")
    assert run(["render", *words, "--style-scale", "0.9"]) == 0
    assert Recipe.from_text(read_recipe("out.png")).config.style_scale == (0.9,)
    assert run(["replay", "out.png"]) == 0
    assert (folder / "out-replay.png").read_bytes() == (folder / "out.png").read_bytes()


@pytest.mark.usefixtures("tiny")
def test_the_paintings_of_a_folder_share_one_weight(folder):
    (folder / "art").mkdir()
    paintings = [saved(folder / "art" / f"{number}.png", stripes(70, 80, number)) for number in (1, 2)]
    (folder / "art" / ".hidden").touch()
    options = {"network": "tiny", "size": 64, "scales": 1, "steps": 3}
    of_folder = stylize(PHOTO, ["art", PAINTING], **options, style_weights=(2.0, 1.0))
    one_by_one = stylize(PHOTO, [*paintings, PAINTING], **options)
    np.testing.assert_allclose(of_folder.picture.pixels, one_by_one.picture.pixels, atol=1e-5)
    assert [len(group) for group in of_folder.recipe.inputs.styles] == [2, 1]
    (folder / "empty").mkdir()
    with pytest.raises(ImageError, match="expected paintings in the folder empty, got no files"):
        stylize(PHOTO, "empty", **options)
