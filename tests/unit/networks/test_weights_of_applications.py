"""Where weights are looked for, and what is done with what is found."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from styler.errors import WeightsError
from styler.networks import NETWORKS, published, weights
from styler.networks.published import build_published
from support.flaky_server import flaky

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
NAME = "vgg16"
FILENAME = published.APPLICATIONS[NAME].filename


@pytest.fixture(autouse=True)
def folders(monkeypatch, tmp_path):
    """`STYLER_WEIGHTS` and Keras's cache, both empty."""
    first, last = tmp_path / "first", tmp_path / "keras" / "models"
    first.mkdir()
    last.mkdir(parents=True)
    monkeypatch.setenv("STYLER_WEIGHTS", str(first))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return first, last


def published_as(monkeypatch, payload):
    digest = hashlib.md5(payload).hexdigest()
    monkeypatch.setitem(published.APPLICATIONS, NAME, replace(published.APPLICATIONS[NAME], digest=digest))
    return digest


def no_download(name, observer=None):
    raise AssertionError("nothing is downloaded when the file is here")


def test_the_named_folder_comes_first_and_keras_last(folders, monkeypatch):
    first, last = folders
    published_as(monkeypatch, b"bytes")
    monkeypatch.setattr(weights, "fetch", no_download)
    (last / FILENAME).write_bytes(b"bytes")
    assert weights.fetched(NAME) == last / FILENAME
    (first / FILENAME).write_bytes(b"bytes")
    assert weights.fetched(NAME) == first / FILENAME


def test_damaged_weights_are_not_used(folders, monkeypatch):
    published_as(monkeypatch, b"bytes")
    (folders[0] / FILENAME).write_bytes(b"other bytes")
    with pytest.raises(WeightsError, match=f"checksum.* networks fetch {NAME}"):
        weights.fetched(NAME)


def test_what_is_absent_is_downloaded_with_progress(folders, monkeypatch):
    payload, seen = b"bytes" * 1000, []
    digest = published_as(monkeypatch, payload)
    with flaky(payload) as server:
        monkeypatch.setattr(weights, "download_of", lambda name: (FILENAME, server.address, digest))
        path = weights.fetched(NAME, lambda *event: seen.append(event))
    assert path == folders[0] / FILENAME
    assert path.read_bytes() == payload
    assert seen[-1] == (5000, 5000)


def test_a_network_is_built_with_the_weights_that_were_found(folders, monkeypatch):
    source = build_published(NAME, None)
    path = folders[1] / "made.weights.h5"
    source.save_weights(path)
    published_as(monkeypatch, path.read_bytes())
    monkeypatch.setitem(published.APPLICATIONS, NAME, replace(published.APPLICATIONS[NAME], filename="made.weights.h5"))
    model = NETWORKS[NAME].build(None)
    for ours, theirs in zip(model.get_weights(), source.get_weights(), strict=True):
        assert (ours == theirs).all()
    assert not model.trainable_weights
