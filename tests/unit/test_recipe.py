from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from styler.config import RenderConfig
from styler.errors import ConfigError
from styler.inputs import Inputs
from styler.recipe import MARK, REPRODUCING, VERSION, Change, Plan, Recipe, changed_until, without_folders
from support.recipes import INPUTS, PLAN, an_input, example

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
        example(config=RenderConfig(init="start.png"), inputs=replace(INPUTS, init=an_input("start.png", "e"))),
        example(
            config=RenderConfig(content_mask="mask.png", style_mask=("none", "own.png")),
            inputs=INPUTS.with_masks(an_input("mask.png", "e"), [None, an_input("own.png", "f")]),
        ),
        example(
            config=RenderConfig(content_mask="mask.png", style_mask=("none", "none")),
            inputs=INPUTS.with_masks(an_input("mask.png", "e"), [None, None]),
        ),
        example(
            config=RenderConfig(network="own.keras", size="original"),
            inputs=Inputs(
                content=an_input("image", length=None),
                styles=((an_input("\udcff\n.png"),),),
                network=an_input("own.keras"),
            ),
            plan=replace(PLAN, changes=()),
        ),
        example(
            config=RenderConfig(),
            inputs=replace(INPUTS, styles=(tuple(INPUTS.paintings),)),
            plan=replace(PLAN, changes=()),
        ),
        example(inputs=replace(INPUTS, content=None)),
    ],
    ids=["plain", "photo itself", "start", "masks", "no masks of paintings", "in memory", "group", "no photo"],
)
def test_text_and_back(recipe):
    text = recipe.to_text()
    again = Recipe.from_text(text)
    assert again == recipe
    assert again.to_text() == text
    assert text.isascii()
    assert text.isprintable()


def test_a_recipe_of_version_1_gives_each_painting_a_weight_and_later_options_what_reproduces_it():
    values = json.loads(json.dumps(PLAIN))
    values[MARK] = 1
    for each in values["inputs"]:
        each.pop("group", None)
    for name in REPRODUCING:
        del values["config"][name]
    recipe = Recipe.from_text(json.dumps(values))
    assert recipe == example(config=example().config.changed(**REPRODUCING))
    assert REPRODUCING["palette_weight"] == REPRODUCING["grain_weight"] == 0, "these terms did not exist"


def test_every_option_is_either_as_old_as_recipes_or_has_a_value_that_reproduces_them():
    first = {
        *("size", "strength", "style_weights", "color", "network", "pooling", "content_layers", "style_layers"),
        *("content_weight", "style_weight", "tv_weight", "loss", "init", "optimizer", "steps", "learning_rate"),
        *("scales", "seed", "device", "precision", "compile", "tile", "max_memory", "time_budget"),
    }
    assert first.isdisjoint(REPRODUCING)
    assert {*first, *REPRODUCING} == {field.name for field in fields(RenderConfig)}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((MARK,), 3, "expected a recipe of version 2 or older, got version 3; update styler"),
        ((MARK,), True, "got version True"),
        ((MARK,), 0, "got version 0"),
        ((MARK,), ..., "expected a recipe with the field styler_recipe"),
        (("config",), ..., "the parts"),
        (("more",), 1, "the parts"),
        (("config",), [], "expected a recipe with options"),
        (("config", "strength"), 2, "strength: expected a number"),
        (("config", "stregnth"), 0.5, "unknown option 'stregnth'"),
        (("config", "init"), "start.png", "the image to start from among the inputs"),
        (("config", "content_mask"), "mask.png", "the masks among the inputs"),
        (("config", "style_weights"), [1], "style_weights: expected 2"),
        (("plan", "device"), "tpu", "device one of cpu, gpu"),
        (("plan", "compile"), "auto", "compile one of xla, graph"),
        (("plan", "threads"), 0, "threads from 1"),
        (("plan", "threads"), 2.0, "threads from 1"),
        (("plan", "onednn"), 1, "onednn one of True, False, None"),
        (("plan", "constant_weights"), "0", "constant_weights one of True, False, None"),
        (("plan", "batch"), 9, "batch from 1 to 8"),
        (("plan", "tiles"), 256, "a plan of"),
        (("plan", "tile"), 0, "tile from 1"),
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
        (("plan", "changes"), {}, "a list of changes"),
        (("plan", "changes", 0), [4], "changes of a step and options"),
        (("plan", "changes", 0), [4, {}], "changes of a step and options"),
        (("plan", "changes", 0), [-1, {"strength": 0.5}], "step from 0"),
        (("plan", "changes", 0), [15, {"strength": 0.5}], "changes in the order of their steps"),
        (("plan", "changes", 0), [4, {"size": 64}], "a changed option one of strength"),
        (("plan", "changes", 0), [4, {"strength": 2}], "strength: expected a number"),
        (("plan", "changes", 1), [14, {"style_weights": [1]}], "style_weights: expected 2"),
        (("export", "quality"), "high", "quality of an export"),
        (("export", "quality"), True, "quality of an export"),
        (("export", "keep_gps"), 1, "keep_gps of an export"),
        (("export", "path"), "/x", "an export of"),
        (("inputs",), None, "a list of inputs"),
        (("inputs", 3), ..., "a network and a size"),
        (("inputs", 0, "role"), "network", "one input of each role"),
        (("inputs", 0, "group"), 0, "one input of each role"),
        (("inputs", 1, "group"), ..., "one input of each role"),
        (("inputs", 1, "group"), 1, "one input of each role"),
        (("inputs", 2, "group"), 2, "one input of each role"),
        (("inputs", 2, "group"), -1, "group from 0"),
        (("inputs", 2, "group"), 0, "style_weights: expected 1"),
        (("inputs", 0), 7, "role one of"),
        (("inputs", 0, "role"), "mask", "role one of"),
        (("inputs", 0, "name"), "a/photo.png", "inputs by base name"),
        (("inputs", 0, "name"), "..", "inputs by base name"),
        (("inputs", 0, "name"), 7, "inputs by base name"),
        (("inputs", 0, "sha256"), "a" * 63, "a SHA-256 of 64 digits"),
        (("inputs", 0, "sha256"), "a" * 64 + "\n", "a SHA-256 of 64 digits"),
        (("inputs", 0, "bytes"), -1, "bytes from 0"),
        (("versions", "styler"), 1, "expected a recipe with versions"),
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


def test_options_that_are_given_anew_win_over_changes_on_the_way():
    kept = PLAN.without(["strength", "size"])
    assert kept == replace(PLAN.machine, changes=(Change(14, {"style_weights": (1, 2)}),))


def test_changes_take_effect_once_their_step_is_reached():
    config = example().config
    strengths = [changed_until(config, PLAN.changes, step).strength for step in (0, 3, 4, 13, 14, 99)]
    assert strengths == [0.5, 0.5, 0.25, 0.25, 0.75, 0.75]
    assert changed_until(config, PLAN.changes, 14).style_weights == (1, 2)


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
        inputs=replace(INPUTS, init=an_input("start.png", "e"), network=an_input("own.keras", "f")),
    )
    renamed = before.inputs.map(lambda each: replace(each, name=f"{each.sha256[0]}.dat"))
    config = RenderConfig(init="e.dat", network="f.dat")
    assert replace(before, config=config, inputs=renamed).named_like(before.inputs) == before
    assert before.named_like(Inputs.of(None, ())) == before
    other = replace(renamed, styles=((replace(renamed.paintings[0], sha256="0" * 64),), renamed.styles[1]))
    named = replace(before, inputs=other).named_like(before.inputs).inputs
    assert [each.name for each in (named.photo, *named.paintings)] == ["photo größe.png", "b.dat", "two.jpg"]


def test_two_names_of_the_same_contents_stay_in_their_order():
    twins = ((an_input("one.jpg", "b"),), (an_input("two.jpg", "b"),))
    before = example(inputs=replace(INPUTS, styles=twins))
    renamed = replace(before, inputs=before.inputs.map(lambda each: replace(each, name="x")))
    assert renamed.named_like(before.inputs).inputs == before.inputs


def test_dots_per_inch_are_in_a_recipe_only_where_they_were_asked_for():
    asked = example(export={**example().export, "dpi": 300})
    assert '"dpi":300' in asked.to_text()
    assert Recipe.from_text(asked.to_text()) == asked
    assert "dpi" not in example().to_text()
    assert Recipe.from_text(example().to_text()).export["dpi"] is None
