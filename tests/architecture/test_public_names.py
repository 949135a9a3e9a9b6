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


def test_every_name_exists():
    assert [name for name in NAMES if getattr(styler, name, None) is None] == []
    assert set(NAMES) <= set(dir(styler))


def described(name):
    text = getattr(styler, name).__doc__ or ""
    return text.strip() and not text.startswith(f"{name}(")  # the signature that a dataclass writes says nothing


def test_every_name_is_documented():
    assert [name for name in NAMES if not described(name)] == []
    members = {key: member for name in NAMES for key, member in public_callables(name).items()}
    assert [key for key, member in members.items() if not inspect.getdoc(member)] == []


def untyped(member):
    """Names of the arguments without a type, `return` among them."""
    signature = inspect.signature(member)
    bare = [
        argument.name
        for argument in signature.parameters.values()
        if argument.annotation is inspect.Parameter.empty and argument.name not in UNTYPED
    ]
    return bare + ["return"] * (signature.return_annotation is inspect.Signature.empty)


def test_every_name_is_typed():
    members = {key: member for name in NAMES for key, member in public_callables(name).items()}
    assert members
    assert {key: untyped(member) for key, member in members.items() if untyped(member)} == {}


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
