from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import fields

import numpy as np
import pytest

from styler.config import NEEDING_STEPS, RenderConfig, fields_with
from styler.errors import ConfigError
from styler.options import ENGINE, REGIONS, SCHEDULE, START, WEIGHTS

FIELDS = [field.name for field in fields(RenderConfig)]
OPTIONAL = {field.name for field in fields(RenderConfig) if field.default is None}

ACCEPTED = [
    ("size", 64),
    ("size", 65_535),
    ("size", "original"),
    ("strength", 0),
    ("strength", 1.0),
    ("style_weights", (0, 1, 2.5)),
    ("color", "luminance"),
    ("pooling", "max"),
    ("content_layers", (("block4_conv2", 1),)),
    ("style_layers", (("block1_conv1", 0.5), ("block2_conv1", 2.0))),
    ("content_weight", 0),
    ("style_weight", 1e6),
    ("tv_weight", 0.0),
    ("loss", "gram"),
    ("optimizer", "adam"),
    ("steps", 0),
    ("steps", 1),
    ("learning_rate", 1e-6),
    ("scales", 1),
    ("seed", 2**62),
    ("device", "gpu"),
    ("device", "gpu:12"),
    ("compile", "xla"),
]

REFUSED = [
    ("size", 63, "a whole number from 64 to 65535, got 63"),
    ("size", 65_536, "a whole number from 64 to 65535"),
    ("size", "large", "a number of pixels or 'original', got 'large'"),
    ("size", 512.0, "a number of pixels"),
    ("size", True, "a number of pixels"),
    ("strength", -0.01, "at least 0 and at most 1, got -0.01"),
    ("strength", 1.01, "at most 1"),
    ("strength", math.nan, "got nan"),
    ("strength", "much", "a number"),
    ("strength", True, "a number"),
    ("style_weights", (), "at least one weight above 0"),
    ("style_weights", (0.0, 0.0), "at least one weight above 0"),
    ("style_weights", (1e308, 1e308), "a finite sum"),
    ("learning_rate", 10**400, "a number above 0"),
    ("style_weights", (1.0, -1.0), "at least 0"),
    ("style_weights", (1.0, math.inf), "got inf"),
    ("style_weights", (None,), "one number for each"),
    ("style_weights", 1.0, "one number for each"),
    ("color", "sepia", "style or luminance or match or histogram, got 'sepia'"),
    ("pooling", "mean", "avg or max"),
    ("content_layers", (), "at least one layer"),
    ("style_layers", (("a", 1.0), ("a", 2.0)), "none twice, got 'a,a'"),
    ("style_layers", (("a", 0.0),), "a number above 0 as the weight of a, got 0"),
    ("style_layers", (("a", "b"),), "a number above 0"),
    ("style_layers", ("a",), "names with weights"),
    ("style_layers", (("a", 1.0, 2.0),), "names with weights"),
    ("content_weight", -1, "at least 0"),
    ("style_weight", math.inf, "got inf"),
    ("tv_weight", -1e-9, "at least 0"),
    ("loss", "l2", "gram or wasserstein"),
    ("optimizer", "sgd", "lbfgs or adam"),
    ("steps", -1, "a whole number from 0 to 2147483647, got -1"),
    ("steps", 10.0, "a whole number"),
    ("learning_rate", 0, "above 0"),
    ("scales", 0, "of at least 1"),
    ("seed", -1, "of at least 0"),
    ("device", "tpu", "auto, cpu, gpu or gpu:N, got 'tpu'"),
    ("device", "cpu:0", "gpu:N"),
    ("device", "gpu:", "gpu:N"),
    ("device", "gpu:-1", "gpu:N"),
    ("compile", "jit", "auto or xla or graph"),
    ("network", 19, "text, got 19"),
    ("init", None, "a value, got None"),
]

NONSENSE = [5, -1, 1.5, math.nan, True, "x", "", [], ["a"], [["a", "b"]], [[]], {"a": 1}, {}, b"x", object()]


@pytest.mark.parametrize(("field", "value"), ACCEPTED)
def test_accepts(field, value):
    assert getattr(RenderConfig(**{field: value}), field) == value


@pytest.mark.parametrize(("field", "value", "message"), REFUSED)
def test_refuses_and_says_what_was_expected_and_what_came(field, value, message):
    with pytest.raises(ConfigError) as caught:
        RenderConfig(**{field: value})
    assert message in str(caught.value)
    assert field in str(caught.value)


@pytest.mark.parametrize("field", FIELDS)
def test_nonsense_from_a_file_is_refused_by_name_or_fits(field):
    """Whatever a TOML file holds: a config, or one error that names the field, never another exception."""
    for value in NONSENSE:
        try:
            config = RenderConfig.from_dict({field: value})
        except ConfigError as error:
            assert field in str(error)  # noqa: PT017
        else:
            assert RenderConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize("field", FIELDS)
def test_none_stands_only_where_it_means_something(field):
    if field in OPTIONAL:
        assert getattr(RenderConfig(**{field: None}), field) is None
    else:
        with pytest.raises(ConfigError, match=f"{field}: expected a value"):
            RenderConfig(**{field: None})


@pytest.mark.parametrize(("field", "value"), ACCEPTED)
def test_survives_json(field, value):
    config = RenderConfig(**{field: value})
    assert RenderConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_dict_holds_every_field():
    assert list(RenderConfig().to_dict()) == FIELDS


def test_layers_of_a_dict_may_be_in_words():
    config = RenderConfig.from_dict({"style_layers": "block1_conv1:2, block2_conv1"})
    assert config.style_layers == (("block1_conv1", 2.0), ("block2_conv1", 1.0))


def test_an_unknown_option_suggests_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown option 'stength'\. Did you mean 'strength'\?"):
        RenderConfig.from_dict({"stength": 1})


def test_a_config_cannot_be_changed_but_copied_with_changes():
    config = RenderConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.steps = 3
    assert config.changed(steps=3).steps == 3
    assert config.steps != 3
    with pytest.raises(ConfigError):
        config.changed(steps=-1)


def test_fields_are_keywords():
    with pytest.raises(TypeError):
        RenderConfig(512)


def test_every_field_is_described():
    section = RenderConfig.__doc__.split("Attributes:")[1].split("Raises:")[0]
    described = [line.split(":")[0].strip() for line in section.splitlines() if ":" in line]
    assert [name for name in described if name in FIELDS] == FIELDS


@pytest.mark.parametrize(
    ("weights", "styles", "expected"),
    [(None, 1, [1.0]), (None, 4, [0.25] * 4), ((3, 1), 2, [0.75, 0.25]), ((0, 5.0), 2, [0.0, 1.0])],
)
def test_style_shares_sum_to_one(weights, styles, expected):
    shares = RenderConfig(style_weights=weights).style_shares(styles)
    np.testing.assert_allclose(shares, expected)


@pytest.mark.parametrize(("weights", "styles"), [((1.0, 2.0), 3), ((1.0,), 2), (None, 0)])
def test_one_weight_for_each_style(weights, styles):
    with pytest.raises(ConfigError, match=f"expected {styles}, one for each style image"):
        RenderConfig(style_weights=weights).style_shares(styles)


def test_effects_say_what_an_option_leads_to():
    assert "network" in fields_with(ENGINE)
    assert set(fields_with(WEIGHTS)) == {"strength", "style_weights", "content_weight", "style_weight", "tv_weight"}
    assert {*fields_with(ENGINE), *fields_with(SCHEDULE, START, REGIONS, WEIGHTS)} == set(FIELDS)


def test_numbers_of_numpy_are_numbers():
    config = RenderConfig.from_dict({"size": np.int64(96), "strength": np.float32(0.5), "steps": np.array(7)})
    assert (config.size, config.strength, config.steps) == (96, 0.5, 7)
    assert type(config.size) is int


@pytest.mark.parametrize(
    ("boxes", "styles", "expected"),
    [
        (None, 2, [None, None]),
        (((0, 0, 0.5, 1),), 2, [(0, 0, 0.5, 1)] * 2),
        (((0, 0, 0.5, 1), (0.5, 0, 1, 1)), 2, [(0, 0, 0.5, 1), (0.5, 0, 1, 1)]),
    ],
)
def test_one_box_for_all_styles_or_one_for_each(boxes, styles, expected):
    assert list(RenderConfig(style_crop=boxes).style_boxes(styles)) == expected


def test_other_counts_of_boxes_are_refused_before_work():
    config = RenderConfig(style_crop=((0, 0, 0.5, 1), (0.5, 0, 1, 1)))
    with pytest.raises(ConfigError, match="style_crop: expected 1 box, got 2"):
        config.check_styles(1)
    with pytest.raises(ConfigError, match="style_crop: expected 1 or 3 boxes, got 2"):
        config.check_styles(3)


@pytest.mark.parametrize(
    ("text", "styles", "expected"),
    [("2", 3, [2, 2, 2]), ("0.5,2", 2, [0.5, 2]), (0.7, 1, [0.7]), (None, 2, [1, 1])],
)
def test_one_scale_for_all_styles_or_one_for_each(text, styles, expected):
    assert list(RenderConfig.from_dict({"style_scale": text}).style_scales(styles)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", "at least 0.1"), ("11", "at most 10"), ("-1", "at least 0.1"), ("big", "one number"), ("", "one number")],
)
def test_a_scale_out_of_range_is_refused(text, expected):
    with pytest.raises(ConfigError, match=f"style_scale: expected.*{expected}"):
        RenderConfig.from_dict({"style_scale": text})


def test_other_counts_of_scales_are_refused_before_work():
    with pytest.raises(ConfigError, match="style_scale: expected 1 or 3 numbers, got 2"):
        RenderConfig(style_scale=(1.0, 2.0)).check_styles(3)


@pytest.mark.parametrize("field", NEEDING_STEPS)
def test_without_steps_what_only_an_optimizer_obeys_is_refused(field):
    given = getattr(RenderConfig.preset("best"), field)
    flag = "--" + field.replace("_", "-")
    with pytest.raises(ConfigError, match=f"^{flag}: .*--steps 0"):
        RenderConfig.preset("instant", **{field: given})


@pytest.mark.parametrize(("field", "value"), [("views", 2), ("loss", "gram"), ("tv_weight", 1.0), ("init", "noise")])
def test_a_config_without_steps_holds_no_value_that_only_an_optimizer_obeys(field, value):
    flag = "--" + field.replace("_", "-")
    with pytest.raises(ConfigError, match=f"^{flag}: "):
        RenderConfig(steps=0, **{field: value})


@pytest.mark.parametrize(("text", "value"), [("384", 384), ("none", None), (384, 384), (None, None), ("384.0", 384)])
def test_marks_match_a_size_or_none(text, value):
    assert RenderConfig.from_dict({"style_match": text}).style_match == value
    assert RenderConfig(style_match=384).changed(style_match=value).style_match == value


@pytest.mark.parametrize("value", ["big", 63, 1.5, True])
def test_a_size_to_match_that_is_none_is_refused(value):
    with pytest.raises(ConfigError, match="style_match: expected a whole number from 64 to 65535, or none, got"):
        RenderConfig.from_dict({"style_match": value})
