from __future__ import annotations

import builtins
import sys

import pytest

from styler.errors import NetworkError
from styler.registry import Registry


@pytest.fixture
def networks():
    registry: Registry[int] = Registry("network", NetworkError)
    registry.add("vgg19", 19)
    registry.add("compact", 5)
    return registry


def test_gives_what_was_added(networks):
    assert networks["vgg19"] == 19
    networks.add("new", 7)
    assert networks["new"] == 7


def test_names_come_in_order_of_registration(networks):
    assert list(networks) == ["vgg19", "compact"]


def test_knows_what_it_holds(networks):
    assert "compact" in networks
    assert "vgg16" not in networks
    assert ["unhashable"] not in list(networks)


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """One entry for every time that the module `counted_import` was run."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "counted_import.py").write_text(
        "import builtins\nbuiltins.count_imports()\n\n\nclass Thing:\n    pass\n"
    )
    calls: list[int] = []
    monkeypatch.setattr(builtins, "count_imports", lambda: calls.append(1), raising=False)
    yield calls
    sys.modules.pop("counted_import", None)


def test_an_address_is_imported_when_it_is_first_used_and_only_then(imported):
    things: Registry[type] = Registry("thing", NetworkError)
    things.add("thing", "counted_import:Thing")
    assert list(things) == ["thing"]
    assert "thing" in things
    assert not imported
    thing = things["thing"]
    assert thing.__name__ == "Thing"
    assert things["thing"] is thing
    assert imported == [1]


def test_an_unknown_name_suggests_the_nearest(networks):
    with pytest.raises(NetworkError, match=r"network 'vgg18'.*'vgg19'"):
        networks["vgg18"]


def test_an_unknown_name_far_from_all_lists_them(networks):
    with pytest.raises(NetworkError, match="vgg19, compact"):
        networks["resnet"]


def test_a_name_is_taken_once(networks):
    with pytest.raises(NetworkError, match="'vgg19'"):
        networks.add("vgg19", 0)
    assert networks["vgg19"] == 19
