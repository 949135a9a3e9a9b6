"""Functions fit in one glance, files in one sitting, and a name says what is inside."""

from __future__ import annotations

from statistics import median, quantiles

import pytest

from support.sources import PACKAGE, all_files, body_lines, functions, label, package_files, parse

LONGEST_BODY = 60
LONGEST_FILE = 400
LONGEST_COMMAND = 25
MEDIAN_BODY = 12
NINTH_DECILE = 30
BAGS = {"utils", "util", "helpers", "helper", "misc", "common", "core", "manager", "managers"}
COMMANDS = sorted((PACKAGE / "cli" / "commands").glob("*.py"))


def too_long(path, limit):
    return [
        f"{label(path)}:{function.lineno} {function.name}: {body_lines(function)} lines"
        for function in functions(parse(path))
        if body_lines(function) > limit
    ]


@pytest.mark.parametrize("path", all_files(), ids=label)
def test_no_long_function(path):
    assert not too_long(path, LONGEST_BODY)


@pytest.mark.parametrize("path", all_files(), ids=label)
def test_no_long_file(path):
    assert path.read_text("utf-8").count("\n") <= LONGEST_FILE


@pytest.mark.parametrize("path", COMMANDS, ids=label)
def test_commands_only_hand_over(path):
    assert not too_long(path, LONGEST_COMMAND)


def test_most_functions_are_short():
    lengths = [body_lines(function) for path in package_files() for function in functions(parse(path))]
    assert median(lengths) <= MEDIAN_BODY
    assert quantiles(lengths, n=10)[-1] <= NINTH_DECILE


@pytest.mark.parametrize("path", all_files(), ids=label)
def test_no_bag_of_things(path):
    names = {part.removesuffix(".py") for part in label(path).split("/")}
    assert not names & BAGS, f"{label(path)}: name it after what is inside"


@pytest.mark.parametrize("path", package_files(), ids=label)
def test_every_module_states_its_job(path):
    tree = parse(path)
    first = tree.body[0] if tree.body else None
    assert first is not None, f"{label(path)} is empty"
    assert getattr(getattr(first, "value", None), "value", None), f"{label(path)} has no docstring"
