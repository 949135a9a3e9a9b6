"""The steps of neural neighbor style transfer, each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.nearest_neighbors import collapsed, halvings, laplacian, nearest_rows, rotations, unit_rows
from support.pictures import blobs


def test_the_nearest_row_is_the_one_at_the_least_angle(rng):
    rows, candidates = rng.normal(size=(50, 7)), rng.normal(1, 2, size=(80, 7))
    centered = [each - each.mean(axis=0) for each in (rows, candidates)]
    own, wanted = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in centered)
    assert nearest_rows(rows, candidates).numpy().tolist() == np.argmax(own @ wanted.T, axis=1).tolist()


def test_every_row_is_nearest_to_itself_however_long_it_is(rng):
    rows = unit_rows(rng.normal(size=(40, 5)))
    assert nearest_rows(rows, 3 * rows).numpy().tolist() == list(range(40))


def test_a_pyramid_adds_up_to_its_image():
    image = blobs(48, 67, 1)[None]
    pyramid = laplacian(image, 4)
    assert len(pyramid) == 5
    assert collapsed(pyramid).numpy() == pytest.approx(image, abs=1e-6)


def test_scales_end_where_the_network_would_be_blind():
    sizes = [tuple(image.shape[1:3]) for image in halvings(np.zeros((1, 384, 512, 3), np.float32))]
    assert sizes == [(384, 512), (192, 256), (96, 128), (48, 64)]
    assert len(halvings(np.zeros((1, 60, 512, 3), np.float32))) == 1


def test_rotations_turn_all_the_way():
    image = blobs(20, 30, 1)[None]
    shapes = [tuple(turned.shape[1:3]) for turned in rotations(image)]
    assert shapes == [(20, 30), (30, 20), (20, 30), (30, 20)]
