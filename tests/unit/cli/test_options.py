"""The options of `styler render` and the fields of `RenderConfig` are the same things."""

from __future__ import annotations

import inspect
import io
import re
from contextlib import redirect_stdout
from dataclasses import fields
from typing import get_type_hints

import pytest
import typer

from styler import recipe
from styler.api import StyleResult
from styler.choices import STYLE_LOSSES
from styler.cli.app import app, run
from styler.config import OPTIONS, RenderConfig, RenderOptions, StylizeOptions
from styler.images.export import FILE_OPTIONS, Export
from styler.options import GROUPS, flag_of
from styler.presets import DEFAULT_PRESET, Preset
from styler.render import provenance

COMMANDS = typer.main.get_command(app).commands
RENDERING = ("render", "preview", "replay", "batch", "plan")
OPTIONS_OF = {command: {each.name: each for each in COMMANDS[command].params} for command in RENDERING}
FIELDS = [field.name for field in fields(RenderConfig)]
FILES = [field.name for field in fields(Export) if field.name != "recipe"]


@pytest.mark.parametrize("command", RENDERING)
def test_every_field_is_an_option_of_every_command_that_renders(command):
    options = OPTIONS_OF[command]
    for name in FIELDS:
        assert flag_of(name) in options[name].opts
        assert options[name].default is None, "files and presets can tell what was given"
        assert OPTIONS[name].help in options[name].help


@pytest.mark.parametrize("command", ["render", "preview", "replay", "batch"])
def test_every_choice_about_an_output_file_is_an_option_and_left_open(command):
    assert {*FILES, "max_pixels", "recipe"} == set(FILE_OPTIONS)
    assert all(OPTIONS_OF[command][name].default is None for name in FILE_OPTIONS)


@pytest.mark.parametrize("name", FIELDS)
def test_the_help_ends_with_the_default(name):
    shown = OPTIONS[name].default_text or str(getattr(RenderConfig(), name))
    assert OPTIONS_OF["render"][name].help.endswith(f"[{shown}]")
    assert OPTIONS_OF["replay"][name].help.endswith("[as before]")


def test_a_default_that_is_worked_out_is_said_in_words():
    worked_out = {field.name for field in fields(RenderConfig) if field.default is None}
    from_presets = {field.name for field in fields(Preset)}
    assert worked_out | from_presets == {name for name in FIELDS if OPTIONS[name].default_text}


def test_the_help_lists_what_is_registered_and_completes_it():
    STYLE_LOSSES.add("of a test", "nowhere:nothing")
    try:
        help = invoked("render", "--help")
    finally:
        STYLE_LOSSES._things.pop("of a test")
    assert "--loss gram|wasserstein" in help
    completion = OPTIONS_OF["render"]["optimizer"]._custom_shell_complete
    assert [each.value for each in completion(None, None, "l")] == ["lbfgs"]


@pytest.mark.parametrize(
    ("name", "start", "expected"), [("network", "vgg1", ["vgg16", "vgg19"]), ("init", "no", ["noise"])]
)
def test_names_of_networks_and_starts_are_completed_and_so_are_files(name, start, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{start}[1].keras").touch()
    completion = OPTIONS_OF["render"][name]._custom_shell_complete
    assert [each.value for each in completion(None, None, start)] == [*expected, f"{start}[1].keras"]


def test_the_help_has_its_groups_in_order_and_an_example_at_the_end():
    for command in COMMANDS:
        help = invoked(command, "--help")
        headings = [line[:-1] for line in help.splitlines() if line.endswith(":") and not line.startswith(" ")]
        known = [heading for heading in headings if heading in GROUPS]
        assert known == sorted(known, key=GROUPS.index), command
        if command != "networks":
            assert help.splitlines()[-2] == "Example:", command
            assert help.splitlines()[-1].strip().startswith(f"styler {command}")


def test_what_most_people_need_comes_first():
    picture = invoked("render", "--help").split("\nThe picture:\n")[1].split("\nThe style:\n")[0]
    flags = re.findall(r"^  (?:-\w, )?(--[\w-]+)", picture, re.MULTILINE)
    assert flags == ["--output", "--overwrite", "--size", "--preset", "--strength", "--color"]


@pytest.mark.parametrize("columns", [60, 80])
def test_no_line_of_the_help_is_wider_than_the_terminal(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    examples = [line for line in invoked("render", "--help").splitlines() if "styler render photo.jpg" in line]
    for command in COMMANDS:
        for line in invoked(command, "--help").splitlines():
            assert len(line) <= columns or line in examples or line.strip().startswith("styler "), line


def test_the_default_preset_is_the_one_the_config_has():
    assert OPTIONS_OF["render"]["preset"].help.endswith(f"[{DEFAULT_PRESET}]")
    assert RenderConfig.preset(DEFAULT_PRESET) == RenderConfig()


def test_keywords_for_type_checkers_are_the_fields():
    hints = get_type_hints(RenderConfig)
    assert get_type_hints(RenderOptions) == hints
    images = ("init", "content_mask", "style_mask", "keep", "strength_map")
    assert get_type_hints(StylizeOptions) == {
        **{name: hints[name] for name in hints if name not in images},
        "preset": str,
    }


def invoked(*words: str) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        assert run(list(words)) == 0
    return out.getvalue()


def test_every_choice_about_an_output_file_is_one_of_saving_from_python_and_of_recipes():
    saved = inspect.signature(StyleResult.save).parameters
    assert {*FILES, "recipe"} <= set(saved)
    assert set(FILES) == set(recipe.EXPORT) == set(provenance.EXPORT)
    assert {name: getattr(Export(), name) for name in FILES} == provenance.EXPORT
