"""`styler networks`: what is here, download, check, where; against a server on this machine."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from styler.cli.app import run
from styler.errors import WeightsError
from styler.networks import NETWORKS, published, weights
from styler.networks.weights import download_folder
from support.flaky_server import flaky

PAYLOAD = b"weights" * 50_000
NAME = "vgg19"
FILENAME = published.APPLICATIONS[NAME].filename


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No weights but those of the package."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("STYLER_WEIGHTS", raising=False)
    return tmp_path


@pytest.fixture
def sound(monkeypatch):
    """The payload is what Keras publishes."""
    changed = replace(published.APPLICATIONS[NAME], digest=hashlib.md5(PAYLOAD).hexdigest())
    monkeypatch.setitem(published.APPLICATIONS, NAME, changed)
    return changed.digest


def at(monkeypatch, server, digest):
    monkeypatch.setattr(weights, "download_of", lambda name: (FILENAME, server.address, digest))


def said(capsys, *words):
    status = run(["networks", *words])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize("words", [(), ("list",)])
def test_list(capsys, words):
    status, out, _ = said(capsys, *words)
    assert status == 0
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert list(lines) == list(NETWORKS)
    assert lines["compact"].startswith("here")
    assert lines[NAME].startswith("absent")


@pytest.mark.parametrize("named", [False, True], ids=["keras", "STYLER_WEIGHTS"])
def test_fetch_then_verify_then_path(capsys, monkeypatch, nowhere, sound, named):
    folder = nowhere / "keras" / "models"
    if named:
        folder = nowhere / "mine"
        monkeypatch.setenv("STYLER_WEIGHTS", str(folder))
    with flaky(PAYLOAD, "cut:1000") as server:
        at(monkeypatch, server, sound)
        monkeypatch.setattr("styler.networks.download.PAUSE", 0.01)
        status, out, err = said(capsys, "fetch", NAME, "--progress")
    assert (status, out.strip()) == (0, str(folder / FILENAME))
    assert "100%" in err
    assert (folder / FILENAME).read_bytes() == PAYLOAD
    assert said(capsys, "verify", NAME)[:2] == (0, f"{NAME}  intact  {folder / FILENAME}\n")
    assert said(capsys, "path", NAME)[:2] == (0, f"{folder / FILENAME}\n")
    assert "here" in dict(line.split(maxsplit=1) for line in said(capsys)[1].splitlines())[NAME]


def test_damaged_weights_are_found(capsys, nowhere, sound):
    path = nowhere / "keras" / "models" / FILENAME
    path.parent.mkdir(parents=True)
    path.write_bytes(PAYLOAD[:-1])
    status, out, _ = said(capsys, "verify")
    assert status == 2
    assert f"{NAME}  DAMAGED  {path}" in out
    assert "compact  intact" in out


def test_weights_without_a_published_checksum_say_so(capsys, nowhere):
    path = nowhere / "keras" / "models" / published.APPLICATIONS["mobilenet_v2"].filename
    path.parent.mkdir(parents=True)
    path.write_bytes(PAYLOAD)
    status, out, _ = said(capsys, "verify", "mobilenet_v2")
    assert status == 0
    assert "not known  Keras publishes no checksum" in out


def test_offline_says_what_was_looked_for_where_and_both_ways_on(capsys, monkeypatch, nowhere, sound):
    with flaky(PAYLOAD) as server:
        at(monkeypatch, server, sound)
    monkeypatch.setattr("styler.networks.download.PAUSE", 0.01)
    status, out, err = said(capsys, "fetch", NAME)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    models = nowhere / "keras" / "models"
    for part in (f"Searched for {FILENAME} in", str(models), f"Put {FILENAME} into {models}", "--network compact"):
        assert part in err


@pytest.mark.parametrize(("plan", "message"), [("wrong", "its checksum is not"), ("404", "the server answered 404")])
def test_wrong_bytes_and_absent_files(capsys, monkeypatch, nowhere, sound, plan, message):
    with flaky(PAYLOAD, plan) as server:
        at(monkeypatch, server, sound)
        status, _, err = said(capsys, "fetch", NAME)
    assert status == 2
    assert message in err
    assert "--network compact" in err
    assert not list((nowhere / "keras" / "models").glob("*.h5"))


def test_folders_that_are_searched_in_order(capsys, monkeypatch, nowhere):
    monkeypatch.setenv("STYLER_WEIGHTS", str(nowhere / "first"))
    lines = said(capsys, "path")[1].splitlines()
    assert lines[0] == str(nowhere / "first")
    assert lines[-1] == str(nowhere / "keras" / "models")


def test_what_is_embedded_needs_no_fetch(capsys):
    status, out, _ = said(capsys, "fetch", "compact")
    assert status == 0
    assert out.strip().endswith("compact.npz")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("fetch", "vgg91"), "unknown network 'vgg91'. Did you mean 'vgg19'?"),
        (("verify", NAME), f"no weights for {NAME}"),
        (("path", NAME), "--network compact"),
    ],
)
def test_refusals(capsys, words, message):
    status, out, err = said(capsys, *words)
    assert (status, out) == (2, "")
    assert message in err


@pytest.fixture
def homeless(monkeypatch, tmp_path):
    """A user without a home folder, in an empty folder."""

    def refuse():
        raise RuntimeError("Could not determine home directory.")

    for name in ("HOME", "XDG_CACHE_HOME", "KERAS_HOME", "STYLER_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pathlib.Path.home", refuse)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("words", [(), ("path", "compact"), ("path",), ("verify",)])
def test_a_user_without_a_home_folder_sees_what_is_here(homeless, capsys, words):
    assert run(["networks", *words]) == 0
    assert "compact" in capsys.readouterr().out or words == ("path",)
    assert list(homeless.iterdir()) == []


def test_what_needs_a_folder_says_which_variable_to_set(homeless, capsys):
    assert run(["networks", "path", "vgg19"]) == 2
    assert "STYLER_WEIGHTS" in capsys.readouterr().err
    with pytest.raises(WeightsError, match="set STYLER_WEIGHTS to a folder"):
        download_folder()
    assert list(homeless.iterdir()) == []
