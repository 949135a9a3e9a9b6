from __future__ import annotations

import inspect

import pytest

from styler import errors
from styler.errors import OptionError, StylerError, one_line, shown, suggestion

PARENTS = {
    "ConfigError": ValueError,
    "ImageError": ValueError,
    "LayerError": ValueError,
    "NetworkError": ValueError,
    "WeightsError": OSError,
    "OutputError": OSError,
    "CheckpointError": OSError,
    "ResourceError": RuntimeError,
    "BatchError": RuntimeError,
}


@pytest.mark.parametrize(("name", "parent"), PARENTS.items())
def test_each_error_is_also_a_natural_one(name, parent):
    error = getattr(errors, name)
    assert issubclass(error, StylerError)
    assert issubclass(error, parent)
    with pytest.raises(parent, match="said"):
        raise error("said")


def test_the_tree_in_the_docstring_is_the_tree():
    classes = {name for name, thing in vars(errors).items() if inspect.isclass(thing) and issubclass(thing, Exception)}
    assert classes == {*PARENTS, "StylerError", "OptionError"}
    assert issubclass(errors.OptionError, errors.ConfigError)
    lines = [line for line in errors.__doc__.splitlines() if "──" in line]
    drawn = {line.split()[1]: line.split("(")[1].split(")")[0] for line in lines}
    assert drawn == {name: parent.__name__ for name, parent in PARENTS.items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("in/a b.jpg", "in/a b.jpg"),
        ("Büro \u05d7.jpg", "Büro \u05d7.jpg"),
        ("two\nlines", r"'two\nlines'"),
        ("caf\udce9", r"'caf\udce9'"),
        ("\x1b[31m", r"'\x1b[31m'"),
        ("\u202eabc", r"'\u202eabc'"),
        (" a", "' a'"),
        ("a ", "'a '"),
        ("a  b", r"'a\x20 b'"),
    ],
)
def test_names_are_shown_in_one_line_and_with_all_their_signs(name, expected):
    assert shown(name) == expected
    assert one_line(f"cannot read {shown(name)}") == f"cannot read {expected}"


def test_what_others_say_becomes_one_line_that_any_terminal_shows():
    assert one_line("bad\n  thing \x1b[2J\udce9\n\n") == r"bad thing \x1b[2J\udce9"


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("block4_conv9", ["block1_conv1", "block4_conv2"], "Did you mean 'block4_conv2'?"),
        ("lbgfs", ["lbfgs", "adam"], "Did you mean 'lbfgs'?"),
        ("zzz", ["lbfgs", "adam"], "Known: lbfgs, adam."),
        ("zzz", list("abcdefgh"), "Known: a, b, c, d, e, f, …."),
        ("zzz", list("abcdef"), "Known: a, b, c, d, e, f."),
        ("", iter(["one"]), "Known: one."),
    ],
)
def test_suggestion(name, known, expected):
    assert suggestion(name, known) == expected


@pytest.mark.parametrize(
    ("value", "typed"),
    [(80.0, "80"), ((0.0, 0.5), "0,0.5"), (((0.5, 0.5, 0.4, 1.0), (0.0, 0.0, 1.0, 1.0)), "0.5,0.5,0.4,1;0,0,1,1")],
)
def test_values_are_shown_as_they_were_typed(value, typed):
    assert str(OptionError("size", "others", value)).endswith(f"got {typed}")
