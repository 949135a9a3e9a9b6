"""The options of `styler render` and the fields of `RenderConfig` are the same things."""

from __future__ import annotations

import inspect
from dataclasses import fields

import pytest
import typer

from styler import recipe
from styler.api import StyleResult
from styler.choices import CONTENT_LOSSES, OPTIMIZERS, STYLE_LOSSES
from styler.cli.app import app
from styler.config import COLORS, COMPILERS, POOLINGS, PRECISIONS, RenderConfig
from styler.images.export import Export
from styler.presets import PRESETS, Preset
from styler.render import provenance

COMMAND = typer.main.get_command(app).commands["render"]
OPTIONS = {parameter.name: parameter for parameter in COMMAND.params}
FIELDS = {field.name: field.default for field in fields(RenderConfig)}
FROM_PRESET = {field.name for field in fields(Preset)}
OUTSIDE = {
    *("content", "styles", "output", "overwrite", "quality", "preset", "save_every", "config", "report"),
    *("depth", "profile", "dpi", "keep_gps", "max_pixels", "recipe", "checkpoint", "checkpoint_every"),
    *("dry_run", "progress", "quiet", "verbose", "debug"),
}  # options that do not change how a picture looks


def test_every_field_has_an_option_and_every_other_option_is_known():
    assert set(OPTIONS) == set(FIELDS) | OUTSIDE


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_an_option_is_called_like_its_field_and_unset_by_default(name):
    assert f"--{name.replace('_', '-')}" in OPTIONS[name].opts
    assert OPTIONS[name].default is None


@pytest.mark.parametrize("name", [n for n, default in FIELDS.items() if default is not None])
def test_the_help_tells_the_configs_own_default(name):
    shown = "from the preset" if name in FROM_PRESET else str(FIELDS[name])
    assert OPTIONS[name].show_default == shown


@pytest.mark.parametrize("name", [n for n, default in FIELDS.items() if default is None])
def test_the_help_says_in_words_where_a_default_is_worked_out(name):
    assert isinstance(OPTIONS[name].show_default, str)
    assert OPTIONS[name].show_default.strip()


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("color", COLORS),
        ("compile", COMPILERS),
        ("loss", STYLE_LOSSES),
        ("content_loss", CONTENT_LOSSES),
        ("optimizer", OPTIMIZERS),
        ("pooling", POOLINGS),
        ("precision", PRECISIONS),
        ("preset", tuple(PRESETS)),
    ],
)
def test_the_help_lists_the_choices(name, choices):
    assert " | ".join(choices) in OPTIONS[name].help


def test_every_option_is_explained():
    assert [name for name, option in OPTIONS.items() if not option.help] == []


def test_the_default_preset_is_the_one_the_config_has():
    assert RenderConfig.preset(OPTIONS["preset"].show_default) == RenderConfig()


REPLAY = {parameter.name: parameter for parameter in typer.main.get_command(app).commands["replay"].params}


def test_replay_takes_every_option_that_changes_how_a_picture_looks_as_it_was():
    assert set(FIELDS) <= set(REPLAY)
    for name in (*FIELDS, "preset", "quality", "depth", "profile", "dpi", "keep_gps"):
        assert REPLAY[name].default is None, name
        assert REPLAY[name].show_default == "as before", name
    assert OPTIONS["size"].show_default == "512"


FILES = ("quality", "depth", "profile", "dpi", "keep_gps")


@pytest.mark.parametrize("command", ["render", "replay", "batch"])
def test_every_choice_about_an_output_file_is_an_option_and_left_open(command):
    options = {parameter.name: parameter for parameter in typer.main.get_command(app).commands[command].params}
    assert {field.name for field in fields(Export)} - {"recipe"} == set(FILES)
    for name in FILES:
        assert options[name].default is None, name


def test_every_choice_about_an_output_file_is_one_of_saving_from_python_and_of_recipes():
    saved = inspect.signature(StyleResult.save).parameters
    assert {*FILES, "recipe"} <= set(saved)
    assert set(FILES) == set(recipe.EXPORT) == set(provenance.EXPORT)
    assert {name: getattr(Export(), name) for name in FILES} == provenance.EXPORT
