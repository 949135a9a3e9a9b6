from __future__ import annotations

import pytest

from styler.config import RenderConfig
from styler.errors import ConfigError
from styler.presets import BALANCED, PRESETS

NAMES = ["instant", "draft", "balanced", "best"]


def test_the_presets_are_those_of_the_contract():
    assert list(PRESETS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_a_config(name):
    config = RenderConfig.preset(name)
    for field, value in PRESETS[name].fields().items():
        assert getattr(config, field) == value


def test_each_preset_works_more_than_the_one_before():
    steps = [PRESETS[name].steps for name in NAMES]
    assert steps == sorted(set(steps))


def test_a_config_without_a_preset_is_the_balanced_one():
    assert RenderConfig() == RenderConfig.preset("balanced")
    assert RenderConfig().steps == BALANCED.steps


def test_changes_win_over_the_preset():
    config = RenderConfig.preset("best", steps=7, loss="gram")
    assert (config.steps, config.loss) == (7, "gram")
    assert config.optimizer == PRESETS["best"].optimizer


def test_without_steps_the_preset_does_not_matter():
    assert RenderConfig.preset("best", steps=0) == RenderConfig.preset("instant")


def test_a_warm_start_takes_the_start_of_the_preset():
    assert RenderConfig.preset("instant", steps=20).init == "pass"


@pytest.mark.parametrize("preset", ["draft", "instant"])
def test_a_network_without_a_decoder_starts_from_the_photo(preset):
    assert RenderConfig.preset(preset, steps=20, network="vgg19").init == "content"
    assert RenderConfig.preset(preset, steps=20, network="vgg19", init="pass").init == "pass"


def test_an_unknown_preset_is_refused():
    with pytest.raises(ConfigError, match=r"'blanced'.*'balanced'"):
        RenderConfig.preset("blanced")
