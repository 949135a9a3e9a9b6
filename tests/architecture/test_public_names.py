"""What `import styler` offers exists, is documented and is typed."""

from __future__ import annotations

import inspect
import re
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files

import pytest

import styler
from support.sources import ROOT

NAMES = sorted(styler.__all__)
HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\]", re.MULTILINE)
UNTYPED = {"self", "cls"}


def public_callables(name):
    """A public function, or a public class's own public methods, by qualified name."""
    thing = getattr(styler, name)
    if not inspect.isclass(thing):
        return {name: thing}
    own = {key: inspect.unwrap(getattr(thing, key)) for key in vars(thing) if not key.startswith("_")}
    return {f"{name}.{key}": member for key, member in own.items() if inspect.isroutine(member)}


@pytest.mark.parametrize("name", NAMES)
def test_exists(name):
    assert getattr(styler, name) is not None
    assert name in dir(styler)


@pytest.mark.parametrize("name", NAMES)
def test_is_documented(name):
    thing = getattr(styler, name)
    described = thing.__doc__ or ""
    assert described.strip()
    assert not described.startswith(f"{name}("), "the signature that a dataclass writes is no description"
    bare = [key for key, member in public_callables(name).items() if not inspect.getdoc(member)]
    assert not bare


@pytest.mark.parametrize("name", NAMES)
def test_is_typed(name):
    for key, member in public_callables(name).items():
        signature = inspect.signature(member)
        bare = [
            argument.name
            for argument in signature.parameters.values()
            if argument.annotation is inspect.Parameter.empty and argument.name not in UNTYPED
        ]
        assert not bare, f"{key}: no type for {bare}"
        assert signature.return_annotation is not inspect.Signature.empty, f"{key}: no return type"


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = styler.nonsense


def test_errors_share_one_base():
    errors = [getattr(styler, name) for name in NAMES if name.endswith("Error")]
    assert len(errors) >= 10
    assert all(issubclass(error, styler.StylerError) for error in errors)


def test_types_are_announced():
    assert files("styler").joinpath("py.typed").is_file()


def test_version_is_that_of_the_changelog():
    top = HEADING.search((ROOT / "CHANGELOG.md").read_text("utf-8"))
    assert top is not None
    assert top["version"] == styler.__version__


def test_version_is_that_of_the_installation():
    try:
        installed = version("styler")
    except PackageNotFoundError:
        pytest.skip("styler is used from the tree and not installed")
    assert installed == styler.__version__
