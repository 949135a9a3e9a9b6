from __future__ import annotations

import json
from dataclasses import replace

import pytest

from styler.config import RenderConfig
from styler.errors import ConfigError
from styler.recipe import MARK, VERSION, Plan, Recipe, without_folders
from support.recipes import PLAN, an_input, example

PLAIN = json.loads(example().to_text())


def altered(path, value):
    """The example's text with one value changed, or left out where it is `...`."""
    values = json.loads(json.dumps(PLAIN))
    place = values
    for step in path[:-1]:
        place = place[step]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(values)


@pytest.mark.parametrize(
    "recipe",
    [
        example(),
        example(plan=replace(PLAN, octaves=(), onednn=None, constant_weights=False)),
        example(config=RenderConfig(init="start.png"), inputs=(*example().inputs, an_input("init", "start.png", "e"))),
        example(
            config=RenderConfig(network="own.keras", size="original"),
            inputs=(
                an_input("content", "image", length=None),
                an_input("style", "\udcff\n.png"),
                an_input("network", "own.keras"),
            ),
        ),
    ],
    ids=["plain", "photo itself", "start", "in memory"],
)
def test_text_and_back(recipe):
    text = recipe.to_text()
    again = Recipe.from_text(text)
    assert again == recipe
    assert again.to_text() == text
    assert text.isascii()
    assert text.isprintable()


def test_inputs_by_role():
    assert [each.name for each in example().of("style")] == ["one.jpg", "two.jpg"]
    assert example().of("init") == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((MARK,), 2, "version 1 was expected, got version 2; update styler"),
        ((MARK,), True, "version 1 was expected, got version True"),
        ((MARK,), ..., "with the field styler_recipe was expected"),
        (("config",), ..., "the parts"),
        (("more",), 1, "the parts"),
        (("config",), [], "with options was expected"),
        (("config", "strength"), 2, "strength: expected a number"),
        (("config", "stregnth"), 0.5, "unknown option 'stregnth'"),
        (("config", "init"), "start.png", "the image to start from among the inputs"),
        (("config", "style_weights"), [1], "style_weights: expected 2"),
        (("plan", "device"), "tpu", "device one of cpu, gpu"),
        (("plan", "compile"), "auto", "compile one of xla, graph"),
        (("plan", "threads"), 0, "threads from 1"),
        (("plan", "threads"), 2.0, "threads from 1"),
        (("plan", "onednn"), 1, "onednn one of True, False, None"),
        (("plan", "constant_weights"), "0", "constant_weights one of True, False, None"),
        (("plan", "batch"), 9, "batch from 1 to 8"),
        (("plan", "tile"), 256, "a plan of"),
        (("plan", "size"), None, "octaves that end at the picture's size"),
        (("plan", "size"), [96], "a size of height and width"),
        (("plan", "size"), [96, 70000], "a side from 1 to 65535"),
        (("plan", "size"), [97, 128], "octaves that end at the picture's size"),
        (("plan", "octaves", 0), [68, 90, 12, 12], "octaves of height, width, steps, steps done, tile and history"),
        (("plan", "octaves", 0), [100, 90, 12, 12, None, None], "octaves no larger than the picture"),
        (("plan", "octaves", 0), [0, 90, 12, 12, None, None], "a side from 1"),
        (("plan", "octaves", 0), [68, 90, 0, 0, None, None], "steps from 1"),
        (("plan", "octaves", 0), [68, 90, 12, 13, None, None], "steps done from 0 to 12"),
        (("plan", "octaves", 0), [68, 90, 12, 12, 0, None], "tile from 1"),
        (("plan", "octaves", 0), [68, 90, 12, 12, None, 2.5], "history from 1"),
        (("plan", "octaves"), {}, "a list of octaves"),
        (("plan", "hour"), 12, "a plan of"),
        (("export", "quality"), "high", "quality of an export"),
        (("export", "quality"), True, "quality of an export"),
        (("export", "keep_gps"), 1, "keep_gps of an export"),
        (("export", "path"), "/x", "an export of"),
        (("inputs",), None, "a list of inputs"),
        (("inputs", 0), ..., "one photo, one network and a size"),
        (("inputs", 0, "role"), "mask", "role one of"),
        (("inputs", 0, "name"), "a/photo.png", "inputs by base name"),
        (("inputs", 0, "name"), "..", "inputs by base name"),
        (("inputs", 0, "name"), 7, "inputs by base name"),
        (("inputs", 0, "sha256"), "a" * 63, "a SHA-256 of 64 digits"),
        (("inputs", 0, "sha256"), "a" * 64 + "\n", "a SHA-256 of 64 digits"),
        (("inputs", 0, "bytes"), -1, "bytes from 0"),
        (("versions", "styler"), 1, "with versions was expected"),
    ],
    ids=str,
)
def test_what_is_no_recipe_is_refused_in_one_line(path, value, said):
    with pytest.raises(ConfigError) as refused:
        Recipe.from_text(altered(path, value))
    assert said in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[]", "1", '"x"', "NaN", '{"styler_recipe": NaN}', "[" * 100_000, "1" * 10_000, "\ud800"],
    ids=lambda text: text[:20].encode("ascii", "replace").decode() or "empty",
)
def test_other_texts_are_refused(text):
    with pytest.raises(ConfigError, match="a recipe"):
        Recipe.from_text(text)


def test_folders_are_left_out():
    config = RenderConfig(init="/home/me/start.png", network="../nets/own.keras")
    bare = without_folders(config)
    assert (bare.init, bare.network) == ("start.png", "own.keras")
    assert without_folders(RenderConfig()) == RenderConfig()


def test_a_plan_answers_only_what_was_left_open():
    assert PLAN.applied(RenderConfig()).to_dict() == RenderConfig(device="cpu", compile="graph").to_dict()
    asked = RenderConfig(device="gpu:1", compile="xla")
    assert PLAN.applied(asked) == asked


def test_the_machines_part_of_a_plan_has_no_octaves():
    assert PLAN.machine.octaves == ()
    assert PLAN.machine.size is None
    assert PLAN.machine.threads == PLAN.threads
    assert Plan.from_dict(json.loads(json.dumps(PLAN.machine.to_dict()))) == PLAN.machine


def test_the_version_is_part_of_the_text():
    assert PLAIN[MARK] == VERSION


def test_names_are_taken_from_inputs_of_the_same_contents():
    before = example(
        config=RenderConfig(init="start.png", network="own.keras"),
        inputs=(*example().inputs[:3], an_input("init", "start.png", "e"), an_input("network", "own.keras", "f")),
    )
    renamed = tuple(replace(each, name=f"{number}.dat") for number, each in enumerate(before.inputs))
    config = RenderConfig(init="3.dat", network="4.dat")
    assert replace(before, config=config, inputs=renamed).named_like(before.inputs) == before
    assert before.named_like(()) == before
    other = replace(renamed[1], sha256="0" * 64)
    named = replace(before, inputs=(renamed[0], other, *renamed[2:])).named_like(before.inputs)
    assert [each.name for each in named.inputs[:3]] == ["photo größe.png", "1.dat", "two.jpg"]


def test_two_names_of_the_same_contents_stay_in_their_order():
    twins = (an_input("style", "one.jpg", "b"), an_input("style", "two.jpg", "b"))
    before = example(inputs=(example().inputs[0], *twins, example().inputs[-1]))
    renamed = replace(before, inputs=tuple(replace(each, name="x") for each in before.inputs))
    assert renamed.named_like(before.inputs).inputs == before.inputs


def test_dots_per_inch_are_in_a_recipe_only_where_they_were_asked_for():
    asked = example(export={**example().export, "dpi": 300})
    assert '"dpi":300' in asked.to_text()
    assert Recipe.from_text(asked.to_text()) == asked
    assert "dpi" not in example().to_text()
    assert Recipe.from_text(example().to_text()).export["dpi"] is None
