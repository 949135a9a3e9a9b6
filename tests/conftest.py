"""Fixtures for all tests."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).resolve().parent
LONGEST = (TESTS / "integration", TESTS / "unit" / "render", TESTS / "unit" / "tiles", TESTS / "unit" / "cli")
SHARED_IMAGES = Path(__file__).resolve().parents[2] / "shared" / "images"


def pytest_configure(config):
    """One thread of TensorFlow in each of several workers, and graphs as they are traced.

    The pictures of tests are too small for more threads, and their programs run too seldom for optimizing them, which
    takes a sixth of the time. Processes that tests start render as those of users do, and so does this one under
    `-n 0`.
    """
    if hasattr(config, "workerinput"):
        import tensorflow as tf  # now: what some tests make while they are collected settles the number

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def pytest_collection_modifyitems(items):
    """The rooms with the longest files come first, so that no worker is left with one when the others have ended."""
    items.sort(key=lambda item: not any(item.path.is_relative_to(room) for room in LONGEST))


@pytest.fixture(autouse=True)
def seeds():
    """The same random numbers in every test, whichever tests ran before.

    Keras draws its seeds from `random`. TensorFlow's own global seed is left alone: setting it empties the caches of
    compiled functions, which costs a second a test, and nothing here draws from it.
    """
    random.seed(0)
    np.random.seed(0)  # what a library may still draw from; tests use `rng`


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def weights_may_change(monkeypatch):
    """TensorFlow as a library finds it, whichever command line ran in this process before."""
    monkeypatch.delenv("TF_ONEDNN_ASSUME_FROZEN_WEIGHTS", raising=False)


@pytest.fixture(scope="session")
def shared_images():
    """Folder of real photos and paintings, `content/` and `style/`; not part of the repository."""
    if not SHARED_IMAGES.is_dir():
        pytest.skip(f"no {SHARED_IMAGES.parent.name}/{SHARED_IMAGES.name} beside the checkout")
    return SHARED_IMAGES


@pytest.fixture
def tiny(monkeypatch):
    """Name of a small network of random weights, registered for one test."""
    from styler.networks import NETWORKS
    from support.networks import tiny_network
    from support.registries import registered

    return registered(monkeypatch, NETWORKS, "tiny", tiny_network())


@pytest.fixture
def shared_programs(monkeypatch):
    """Renders through the interface share compiled programs with those of other tests."""
    from support.programs import shared_engine

    monkeypatch.setattr("styler.api.Engine", shared_engine)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder for one test, with `photo.png` of 60 x 80 and `painting.png` of 90 x 70 pixels."""
    from support.pictures import blobs, saved, stripes

    saved(tmp_path / "photo.png", blobs(60, 80, 1))
    saved(tmp_path / "painting.png", stripes(90, 70))
    monkeypatch.chdir(tmp_path)
    return tmp_path
