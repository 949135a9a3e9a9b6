from __future__ import annotations

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
    assert networks.add("new", 7) == 7
    assert networks["new"] == 7


def test_names_come_in_order_of_registration(networks):
    assert list(networks) == ["vgg19", "compact"]


def test_knows_what_it_holds(networks):
    assert "compact" in networks
    assert "vgg16" not in networks
    assert ["unhashable"] not in list(networks)


def test_an_unknown_name_suggests_the_nearest(networks):
    with pytest.raises(NetworkError, match=r"unknown network 'vgg18'\. Did you mean 'vgg19'\?"):
        networks["vgg18"]


def test_an_unknown_name_far_from_all_lists_them(networks):
    with pytest.raises(NetworkError, match=r"Known: vgg19, compact\."):
        networks["resnet"]


def test_a_name_is_taken_once(networks):
    with pytest.raises(NetworkError, match="'vgg19' is registered already"):
        networks.add("vgg19", 0)
    assert networks["vgg19"] == 19
