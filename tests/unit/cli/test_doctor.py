from __future__ import annotations

import pytest

from styler.cli import checkup
from styler.cli.app import run
from styler.errors import WeightsError
from styler.networks import NETWORKS
from styler.networks.weights import find_weights
from support.registries import registered


def lines(capsys):
    return {line.split()[1]: line for line in capsys.readouterr().out.splitlines()}


@pytest.fixture
def small(monkeypatch):
    """The self-tests on a small network of random weights."""
    from support.networks import tiny_network

    registered(monkeypatch, NETWORKS, "compact", tiny_network())


@pytest.mark.usefixtures("small")
def test_checks_versions_system_memory_devices_weights_and_compilers(capsys, monkeypatch):
    monkeypatch.setattr(checkup, "_weights", lambda: ("weights", "here", True))
    assert run(["doctor"]) == 0
    found = lines(capsys)
    assert set(found) == {"versions", "system", "memory", "devices", "weights", "graph", "xla"}
    assert all(line.startswith("ok  ") for line in found.values())
    assert "tensorflow 2." in found["versions"]
    assert "cpu" in found["devices"]
    assert "relative error" in found["xla"]


def test_absent_weights_are_a_finding_and_the_checks_go_on(capsys, monkeypatch):
    def absent(_name):
        message = "no weights file"
        raise WeightsError(message)

    monkeypatch.setattr(checkup, "load_verified", absent)
    monkeypatch.setattr(checkup, "_gradient_error", lambda _xla: (0.1, 1e-6))
    assert run(["doctor"]) == 2
    found = lines(capsys)
    assert found["weights"].startswith("FAIL")
    assert "no weights file" in found["weights"]
    assert found["graph"].startswith("ok")


def test_a_compiler_that_fails_is_a_finding(capsys, monkeypatch):
    def broken(_xla):
        message = "no compiler\nand more"
        raise RuntimeError(message)

    monkeypatch.setattr(checkup, "_weights", lambda: ("weights", "here", True))
    monkeypatch.setattr(checkup, "_gradient_error", broken)
    assert run(["doctor"]) == 2
    assert lines(capsys)["xla"] == "FAIL  xla          RuntimeError: no compiler"


def test_a_wrong_gradient_is_a_finding(monkeypatch):
    monkeypatch.setattr(checkup, "_gradient_error", lambda _xla: (0.1, 0.5))
    name, outcome, good = checkup._self_test(True)
    assert (name, good) == ("xla", False)
    assert "5.0e-01" in outcome


def test_the_shipped_weights_are_in_order():
    try:
        find_weights("compact.npz")
    except WeightsError as absent:
        pytest.skip(str(absent))
    _, outcome, good = checkup._weights()
    assert good, outcome
    assert "checksum correct" in outcome
