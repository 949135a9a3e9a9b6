"""Kinds of options: what texts mean, what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from styler.errors import OptionError
from styler.options import (
    EXPERTS,
    SCHEDULE,
    Choice,
    Flag,
    Layers,
    Memory,
    Number,
    OneNumber,
    Option,
    Shares,
    Text,
    Time,
    Whole,
    WordOr,
    field_of,
    flag_of,
    read,
    seconds_of,
)

SIZE = WordOr(("original",), Whole(64, 999), "a number of pixels or 'original'")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Whole(1), "12", 12),
        (Whole(1), "512.0", 512),
        (OneNumber((8, 16), "8 or 16"), "16", 16),
        (Whole(1), "512,00", 512),
        (Whole(1), "1.5", "1.5"),
        (Number(0), "0.5", 0.5),
        (Number(0), "0,5", 0.5),
        (Number(0), " 2e-3", 2e-3),
        (Number(0), "1,000.5", "1,000.5"),
        (SIZE, "original", "original"),
        (SIZE, "300", 300),
        (Flag(), "True", True),
        (Flag(), "yes", "yes"),
        (Memory(), "512M", 512 * 2**20),
        (Memory(), "1.5g", 3 * 2**29),
        (Memory(), "4", "4"),
        (Memory(), "infG", "infG"),
        (Time(), "90s", 90.0),
        (Time(), "1.5", 1.5),
        (Time(), "2h", 7200.0),
        (Time(), "soon", "soon"),
        (Shares(), "1,0.5", (1.0, 0.5)),
        (Shares(), "1;0,5", (1.0, 0.5)),
        (Shares(), "a,b", "a,b"),
        (Layers(), " a , b:1e-3 ,", (("a", 1.0), ("b", 1e-3))),
        (Layers(), "scope:layer:2", (("scope:layer", 2.0),)),
        (Layers(), "a:heavy", (("a", "heavy"),)),
        (Text("NAME"), "x", "x"),
        (Choice(("a", "b")), "c", "c"),
    ],
    ids=str,
)
def test_a_text_means_a_value_or_is_left_for_the_check(kind, text, value):
    found = kind.read(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Whole(1), 0, "a whole number of at least 1"),
        (Whole(1, 4), 5, "a whole number from 1 to 4"),
        (Whole(0, 0), 1, "a whole number from 0 to 0"),
        (Whole(1), True, "a whole number"),
        (Number(0, 1), 1.01, "at least 0 and at most 1"),
        (Number(0, open_below=True), 0, "above 0"),
        (Number(0), 10**400, "at least 0"),
        (Number(0), float("nan"), "at least 0"),
        (SIZE, "big", "a number of pixels or 'original'"),
        (SIZE, 63, "a whole number from 64 to 999"),
        (SIZE, True, "a number of pixels"),
        (Flag(), "yes", "true or false"),
        (Memory(), "4", "with a unit, such as 512M or 4G"),
        (Memory(), 0, "a whole number of at least 1"),
        (Time(), "soon", "a time, such as 90s or 10m"),
        (Time(), -1.0, "at least 0"),
        (Time(zero=False), 0.0, "above 0"),
        (Shares(), (0.0, 0.0), "at least one weight above 0"),
        (Shares(), (1.0, -1.0), "a number of at least 0"),
        (Layers(), (("a", 1.0), ("a", 1.0)), "none twice"),
        (Layers(), (("a", "heavy"),), "a number above 0 as the weight of a"),
        (Text("D", "cpu|gpu", "cpu or gpu"), "tpu", "cpu or gpu"),
        (Choice(("a", "b")), "c", "a or b"),
        (OneNumber((8, 16), "8 or 16"), 10, "8 or 16"),
        (OneNumber((8, 16), "8 or 16"), True, "8 or 16"),
        (Choice(("a", "b")), ["a"], "a or b"),
    ],
    ids=str,
)
def test_what_is_refused_says_what_was_expected(kind, value, expected):
    with pytest.raises(OptionError) as refused:
        kind.check("name", value)
    assert expected in refused.value.expected
    assert refused.value.said("--name").startswith("--name: expected ")


@pytest.mark.parametrize(
    ("kind", "value", "tidied"),
    [
        (Whole(1), np.int64(7), 7),
        (Whole(1), 7.0, 7),
        (Number(0), np.array(0.5), 0.5),
        (Shares(), [1, 2], (1, 2)),
        (Layers(), [["a", 1]], (("a", 1),)),
        (SIZE, "96", 96),
    ],
    ids=str,
)
def test_values_of_files_and_of_numpy_become_pythons_own(kind, value, tidied):
    found = read(Option(kind=kind, help="", group=EXPERTS, effect=SCHEDULE), value)
    assert found == tidied
    assert type(found) is type(tidied)


def test_spellings():
    assert flag_of("style_weights") == "--style-weights"
    assert {field_of(word) for word in ("--style-weights", "Style weights", " style_weights")} == {"style_weights"}


def test_a_time_from_the_command_line():
    assert seconds_of("checkpoint_every", "10m") == 600
    with pytest.raises(OptionError, match="checkpoint_every: expected a time"):
        seconds_of("checkpoint_every", "3d")


def test_a_refusal_survives_the_way_to_another_process():
    problem = pickle.loads(pickle.dumps(OptionError("steps", "a whole number", 0.5)))
    assert (str(problem), problem.name) == ("steps: expected a whole number, got 0.5", "steps")
