"""Recipes, options and TOML files of any contents: read, or refused in one line.

`FUZZ_CASES=20000 pytest -m fuzz tests/integration/test_fuzz_recipes.py` for more than the usual number.
"""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from styler.cli.request import build_options
from styler.config import RenderConfig
from styler.errors import ConfigError
from styler.recipe import Recipe
from styler.render.pyramid import asked_octaves
from styler.types import Size
from support.recipes import example

CASES = int(os.environ.get("FUZZ_CASES", "2000"))
TEXT = example().to_text()
PLAIN = json.loads(TEXT)
pytestmark = pytest.mark.fuzz
often = settings(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(10**400), 10**400), st.floats(), st.text(max_size=12)
)
values = st.recursive(
    leaves, lambda some: st.lists(some, max_size=4) | st.dictionaries(st.text(max_size=6), some, max_size=4)
)
NAMES = [field.name for field in fields(RenderConfig)]
WORDS = ["original", "content", "auto", "gpu:1", "xla", "lbfgs", "a:1,b:2", "compact"]


def refusal(read, *arguments):
    """What it says if it refuses, nothing if it reads; any other error ends the test."""
    try:
        read(*arguments)
    except ConfigError as error:
        return str(error)
    return ""


def places(tree, before=()):
    """Every place within lists and dictionaries."""
    steps = range(len(tree)) if isinstance(tree, list) else tree if isinstance(tree, dict) else ()
    for step in steps:
        yield (*before, step)
        yield from places(tree[step], (*before, step))


PLACES = list(places(PLAIN))


@often
@given(edits=st.lists(st.tuples(st.sampled_from(PLACES), values), min_size=1, max_size=3))
def test_recipes_with_values_changed(edits):
    tree = json.loads(TEXT)
    for path, value in edits:
        place = tree
        for step in path[:-1]:
            if not isinstance(place, list | dict) or (isinstance(place, list) and not isinstance(step, int)):
                break
            if step not in (range(len(place)) if isinstance(place, list) else place):
                break
            place = place[step]
        else:
            if isinstance(place, dict) or (isinstance(place, list) and path[-1] in range(len(place))):
                place[path[-1]] = value
    check(json.dumps(tree))


@often
@given(
    at=st.integers(0, len(TEXT)),
    gone=st.integers(0, 30),
    new=st.text(st.sampled_from('{}[]",:0129e-.truefalsn'), max_size=8),
)
def test_recipes_with_letters_changed(at, gone, new):
    check(TEXT[:at] + new + TEXT[at + gone :])


@often
@given(text=st.text(max_size=300) | values.map(json.dumps))
def test_texts_of_any_kind(text):
    assert refusal(Recipe.from_text, text).isprintable()


def check(text):
    """One that is read can be written and read again, and planned by."""
    said = refusal(Recipe.from_text, text)
    assert said.isprintable()
    if not said:
        recipe = Recipe.from_text(text)
        assert Recipe.from_text(recipe.to_text()) == recipe
        asked_octaves(recipe.config, recipe.plan.size, recipe.plan)


@often
@given(
    options=st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), values | st.sampled_from(WORDS), max_size=4)
)
def test_options_of_any_kind(options):
    said = refusal(RenderConfig.from_dict, options)
    assert said == "" or said.strip()
    if not said:
        config = RenderConfig.from_dict(options)
        assert RenderConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
        assert asked_octaves(config, Size(300, 400))


toml_values = st.one_of(
    st.integers(-5, 5000).map(str),
    st.floats(allow_nan=True).map(str),
    st.sampled_from([*(f'"{word}"' for word in WORDS), "true", "[1, 2]", "[]", "{}", "2020-01-01", "'''x'''"]),
    st.text(max_size=10),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "options.toml"


@often
@given(lines=st.lists(st.tuples(st.sampled_from([*NAMES, "preset", "", "[x]"]), toml_values), max_size=4))
def test_files_of_options(file, lines):
    text = "\n".join(f"{name.replace('_', '-')} = {value}" for name, value in lines)
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert refusal(build_options, Path(file), {}) is not None


@often
@given(data=st.binary(max_size=200))
def test_files_of_any_bytes(file, data):
    file.write_bytes(data)
    assert refusal(build_options, Path(file), {}) is not None
