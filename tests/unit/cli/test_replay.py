"""`styler replay` in this process, on a small network of random weights."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import fields, replace

import pytest
from PIL import Image

from styler.cli.app import run
from styler.config import RenderConfig
from styler.images.recipes import read_recipe
from styler.images.writing import write_picture
from styler.networks import NETWORKS
from styler.presets import DRAFT
from styler.recipe import PARTS, Plan, Recipe
from styler.render.saver import Saver
from support.pictures import blobs, saved, stripes
from support.programs import TERSE_WORDS
from support.registries import registered

CHOSEN = ("--device", "cpu", "--compile", "graph")  # so that replays share the renders' compiled program
SMALL = ("--network", "tiny", "--size", "64", "--steps", "4", *CHOSEN, *TERSE_WORDS)
pytestmark = pytest.mark.usefixtures("folder", "tiny", "shared_programs")


def render(output, *words, styles=("painting.png",)):
    assert run(["render", "photo.png", *styles, *SMALL, "-o", output, *words]) == 0
    return output


def replay(*words):
    return run(["replay", *words])


def recipe_of(path):
    return Recipe.from_text(read_recipe(path))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("out.png", ()),
        ("out.png", ("--depth", "16")),
        ("out.jpg", ("--quality", "80", "--color", "luminance")),
        ("out.webp", ("--init", "noise", "--seed", "7")),
        pytest.param("out.tif", ("--optimizer", "adam"), marks=pytest.mark.slow),
        pytest.param("out.tif", ("--depth", "16", "--size", "192", "--steps", "6"), marks=pytest.mark.slow),
        ("out.png", ("--strength", "0")),
        pytest.param("out.png", ("--tile", "64", "--size", "128", "--steps", "2"), marks=pytest.mark.slow),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value) or "plain",
)
def test_the_same_bytes(folder, name, words):
    render(name, *words)
    again = f"again.{name.rpartition('.')[2]}"
    assert replay(name, "-o", again) == 0
    assert (folder / again).read_bytes() == (folder / name).read_bytes()


def test_masks_are_found_by_their_contents_and_can_be_replaced(folder, capsys):
    colors = {"left.png": ((255, 0, 0), (0, 0, 255)), "right.png": ((0, 0, 255), (255, 0, 0))}
    for name, (left, right) in colors.items():
        mask = Image.new("RGB", (80, 60), left)
        mask.paste(right, (40, 0, 80, 60))
        mask.save(name)
    Image.open("left.png").resize((70, 90)).save("own.png")
    masks = ("--content-mask", "left.png", "--style-mask", "own.png", "--style-mask", "none")
    render("out.png", *masks, styles=("painting.png", "photo.png"))
    recipe = recipe_of("out.png")
    assert recipe.config.style_mask == ("own.png", "none")
    (folder / "made/deep").mkdir(parents=True)
    shutil.move("left.png", "made/deep/renamed.png")
    shutil.move("own.png", "made/deep")
    capsys.readouterr()
    assert replay("out.png", "-o", "missing.png") == 2
    assert "the mask of the photo left.png" in capsys.readouterr().err
    assert replay("out.png", "-o", "again.png", "--search", "made") == 0
    assert (folder / "again.png").read_bytes() == (folder / "out.png").read_bytes()
    assert replay("out.png", "-o", "other.png", "--search", "made", "--content-mask", "right.png") == 0
    assert recipe_of("other.png").config.content_mask == "right.png"
    assert (folder / "other.png").read_bytes() != (folder / "out.png").read_bytes()


def test_nothing_is_found_out_anew(folder, capsys):
    """Options left open, several octaves, two paintings, a start of its own, transparency: all in one."""
    photo = Image.open("photo.png").convert("RGBA")
    photo.paste((0, 0, 0, 0), (0, 0, 30, 60))
    photo.save("photo.png")
    saved(folder / "start.png", stripes(50, 60))
    saved(folder / "second.png", blobs(70, 80, 3))
    words = ("--size", "192", "--steps", "6", "--style-weights", "2,1", "--init", "start.png", *TERSE_WORDS)
    styles = ("painting.png", "second.png")
    assert run(["render", "photo.png", *styles, "--network", "tiny", "-o", "out.png", *words]) == 0
    plan = recipe_of("out.png").plan
    assert [level[:2] for level in plan.octaves] == [(102, 136), (144, 192)]
    assert sum(level.steps for level in plan.octaves) == 6
    assert (plan.device, plan.compile) == ("cpu", "graph")
    (folder / "made").mkdir()
    for name in ("out.png", "start.png", "second.png"):
        shutil.move(folder / name, folder / "made" / name)
    capsys.readouterr()
    assert replay("made/out.png") == 0
    assert (folder / "out-replay.png").read_bytes() == (folder / "made" / "out.png").read_bytes()
    assert "warning: made with" not in capsys.readouterr().err


def test_a_recipe_has_no_path_and_no_time(folder, capsys):
    (folder / "secret place").mkdir()
    for name in ("photo.png", "painting.png"):
        shutil.move(folder / name, folder / "secret place" / name)
    start = saved(folder / "secret place" / "start.png", blobs(40, 50, 2))
    photo, painting = (f"secret place/{name}" for name in ("photo.png", "painting.png"))
    assert run(["render", photo, painting, *SMALL, "--init", str(start), "-o", "secret place/out.png"]) == 0
    text = read_recipe("secret place/out.png")
    assert "secret" not in text
    assert str(folder) not in text
    assert "/" not in text
    values = json.loads(text)
    assert [each["name"] for each in values["inputs"]] == ["photo.png", "painting.png", "start.png", "tiny"]
    assert not re.search(r"\b20\d\d-\d\d|\d\d:\d\d", text)
    assert set(values) == set(PARTS)
    assert set(values["config"]) == {field.name for field in fields(RenderConfig)}
    assert set(values["plan"]) == {field.name for field in fields(Plan)}


def test_two_renders_carry_the_same_recipe(folder):
    render("one.png")
    render("two.png")
    assert (folder / "one.png").read_bytes() == (folder / "two.png").read_bytes()


def test_a_changed_option_changes_the_picture_and_its_recipe(folder):
    render("out.jpg")
    assert replay("out.jpg", "-o", "large.jpg", "--size", "96", "--quality", "70", "--preset", "draft") == 0
    with Image.open("large.jpg") as image:
        assert image.size == (96, 72)
    recipe = recipe_of("large.jpg")
    assert (recipe.config.size, recipe.config.steps, recipe.export["quality"]) == (96, DRAFT.steps, 70)
    assert recipe.config.seed == recipe_of("out.jpg").config.seed
    assert replay("large.jpg", "-o", "again.jpg") == 0
    assert (folder / "again.jpg").read_bytes() == (folder / "large.jpg").read_bytes()


@pytest.mark.parametrize(
    ("name", "said"),
    [("photo.png", "photo.png is not the photo that"), ("painting.png", "painting.png is not the painting that")],
)
def test_a_changed_input_is_named(folder, capsys, name, said):
    render("out.png")
    saved(folder / name, blobs(61, 81, 9))
    capsys.readouterr()
    assert replay("out.png", "-o", "again.png") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {said} out.png was made from")
    assert err.count("\n") == 1
    assert not (folder / "again.png").exists()


def test_a_missing_input_is_named_and_found_where_told(folder, capsys):
    render("out.png")
    (folder / "archive" / "deep").mkdir(parents=True)
    shutil.move(folder / "painting.png", folder / "archive" / "deep" / "p.png")
    capsys.readouterr()
    assert replay("out.png", "-o", "again.png") == 2
    err = capsys.readouterr().err
    assert err.startswith("error: cannot find the painting painting.png (SHA-256 ")
    assert err.rstrip().endswith("name it with --style or name its folder with --search DIR")
    for number, words in enumerate((("--search", "archive"), ("--style", "archive/deep/p.png"))):
        assert replay("out.png", "-o", f"again{number}.png", *words) == 0


def test_renamed_inputs_give_the_same_bytes(folder):
    """Down to the recipe, which keeps the names that it had."""
    saved(folder / "start.png", blobs(50, 60, 5))
    render("out.png", "--init", "start.png")
    for number, name in enumerate(("photo.png", "painting.png", "start.png")):
        shutil.move(folder / name, folder / f"other-{number}.dat")
    assert replay("out.png", "-o", "again.png") == 0
    assert (folder / "again.png").read_bytes() == (folder / "out.png").read_bytes()


def test_a_picture_without_a_recipe_is_refused(folder, capsys):
    render("out.png", "--no-recipe")
    assert read_recipe("out.png") is None
    assert replay("out.png") == 2
    assert "out.png has no recipe" in capsys.readouterr().err


class Killed(BaseException):
    """In place of a process that is killed."""


def test_a_killed_replay_is_resumed_to_the_same_bytes(folder, monkeypatch):
    """Also where the recipe's octaves are others than this version would plan."""
    render("out.png", "--size", "192", "--steps", "9")
    text = read_recipe("out.png")
    plan = recipe_of("out.png").plan
    assert [level.steps for level in plan.octaves] != [4, 5]
    levels = [[*level[:2], steps, steps, *level[4:]] for level, steps in zip(plan.octaves, (4, 5), strict=True)]
    was = json.dumps(plan.to_dict()["octaves"], separators=(",", ":"))
    rewritten("out.png", text.replace(was, json.dumps(levels, separators=(",", ":"))))
    assert replay("out.png", "-o", "whole.png") == 0
    assert [level.steps for level in recipe_of("whole.png").plan.octaves] == [4, 5]
    real, events = Saver.__call__, []

    def call(saver, event):
        real(saver, event)
        events.append(event)
        if len(events) == 3:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Saver, "__call__", call)
        with pytest.raises(Killed):
            replay("out.png", "-o", "again.png", "--checkpoint", "state", "--checkpoint-every", "0s")
    assert run(["resume", "state"]) == 0
    assert (folder / "again.png").read_bytes() == (folder / "whole.png").read_bytes()


def test_other_versions_are_a_warning(folder, capsys):
    render("out.png")
    recipe = recipe_of("out.png")
    rewritten("out.png", recipe.to_text().replace(f'"keras":"{recipe.versions["keras"]}"', '"keras":"2.0"'))
    capsys.readouterr()
    assert replay("out.png", "-o", "again.png") == 0
    assert re.search(r"warning: made with keras 2\.0, now 3\..*: the bytes may differ", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"styler_recipe":2', '"styler_recipe":9', "got version 9; update styler"),
        ('"threads":', '"threads":-', "threads from 1"),
        ('"network":"tiny"', '"network":"tony"', "unknown network 'tony'"),
    ],
)
def test_what_cannot_be_obeyed_is_refused(folder, capsys, old, new, said):
    render("out.png")
    text = read_recipe("out.png")
    assert old in text
    rewritten("out.png", text.replace(old, new))
    capsys.readouterr()
    assert replay("out.png", "-o", "again.png") == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_changed_weights_are_told(folder, capsys, monkeypatch):
    weights = folder / "tiny.npz"
    weights.write_bytes(b"one")
    monkeypatch.setenv("STYLER_WEIGHTS", str(folder))
    network = replace(NETWORKS["tiny"], weights_file="tiny.npz")
    registered(monkeypatch, NETWORKS, "tiny", network)
    render("out.png")
    assert recipe_of("out.png").inputs.network.bytes == 3
    assert replay("out.png", "-o", "again.png") == 0
    weights.write_bytes(b"two")
    capsys.readouterr()
    assert replay("out.png", "-o", "third.png") == 2
    assert "have changed since out.png was made" in capsys.readouterr().err


def test_a_changed_decoder_is_told(folder, capsys, monkeypatch):
    assert run(["render", "photo.png", "painting.png", "-o", "out.png", "--preset", "instant", "--size", "64"]) == 0
    other = folder / "decoder.npz"
    other.write_bytes(b"other")
    monkeypatch.setattr("styler.cli.replaying.decoder_file", lambda _network: other)
    capsys.readouterr()
    assert replay("out.png", "-o", "again.png") == 2
    err = capsys.readouterr().err
    assert err.startswith("error: the weights of compact in ")
    assert "decoder.npz have changed since out.png was made" in err


def test_the_picture_itself_is_never_replaced(folder, capsys):
    render("out.png")
    before = (folder / "out.png").read_bytes()
    assert replay("out.png", "-o", "out.png", "--overwrite") == 2
    assert "it is the input out.png" in capsys.readouterr().err
    assert (folder / "out.png").read_bytes() == before


def test_a_dry_run_finds_everything_and_does_nothing(folder, capsys):
    render("out.png")
    capsys.readouterr()
    assert replay("out.png", "--dry-run") == 0
    assert "out-replay.png  64x48" in capsys.readouterr().out
    assert not (folder / "out-replay.png").exists()


def test_a_gpu_that_is_not_here_is_refused(folder, capsys):
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is one")
    small = ("--network", "tiny", "--size", "64", *TERSE_WORDS)
    assert run(["render", "photo.png", "painting.png", *small, "-o", "out.png"]) == 0
    rewritten("out.png", read_recipe("out.png").replace('"plan":{"device":"cpu"', '"plan":{"device":"gpu"'))
    capsys.readouterr()
    assert replay("out.png", "-o", "again.png") == 2
    assert "no device gpu" in capsys.readouterr().err
    assert replay("out.png", "-o", "again.png", "--device", "cpu", "--steps", "2") == 0


def rewritten(path, text):
    """The picture with another recipe."""
    from styler.images.export import Export
    from styler.images.reading import read_image

    write_picture(read_image(path), path, export=Export(recipe=text), overwrite=True)


def test_a_folder_of_paintings_is_found_again_file_by_file(folder, capsys):
    art = folder / "far" / "art"
    art.mkdir(parents=True)
    for name in ("a.png", "b.png"):
        saved(art / name, stripes(70, 80, ord(name[0])))
    (art / "notes.txt").touch()
    words = ("--style-weights", "2,1", "--style-scale", "1,0.9")
    render("out.png", *words, styles=("far/art", "painting.png"))
    assert "note: far/art: skipped 1 file that is hidden or no image (notes.txt)" in capsys.readouterr().err
    assert [[each.name for each in group] for group in recipe_of("out.png").inputs.styles] == [
        ["a.png", "b.png"],
        ["painting.png"],
    ]
    assert replay("out.png") == 2
    assert "cannot find the painting a.png" in capsys.readouterr().err
    assert replay("out.png", "--style", "far/art", "-o", "named.png") == 0
    assert replay("out.png", "--search", "far", "-o", "searched.png") == 0
    assert (folder / "named.png").read_bytes() == (folder / "out.png").read_bytes()
    assert (folder / "searched.png").read_bytes() == (folder / "out.png").read_bytes()
