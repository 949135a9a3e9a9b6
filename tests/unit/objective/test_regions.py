"""Which positions count where, and what the regions of a term are compared with."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf

from styler.losses.base import blended
from styler.networks.geometry import Extent, Geometry
from styler.objective.regions import by_region, cast, guided
from styler.types import Size


def geometry(stride, low, high):
    extent = Extent(Fraction(stride), Fraction(low), Fraction(high))
    return Geometry(extent, extent)


def halves(height=64, width=96):
    shares = np.zeros((height, width, 2), np.float32)
    shares[:, : width // 2, 0] = 1
    shares[:, width // 2 :, 1] = 1
    return shares


@pytest.mark.parametrize(("stride", "low", "high"), [(1, 0, 0), (1, -1, 1), (2, -4, 5), (8, -33, 34)])
def test_positions_count_where_their_receptive_field_is(stride, low, high):
    guides = guided(halves(), Size(64 // stride, 96 // stride), geometry(stride, low, high))
    assert guides.min() >= 0
    assert guides.max() <= 1
    centers = np.arange(96 // stride) * stride + (low + high) / 2
    field = high - low + 1
    inside = centers + field / 2 <= 47  # pixels have an extent
    outside = centers - field / 2 >= 48
    assert (guides[:, inside, 0] == 1).all()
    assert (guides[:, outside, 0] == 0).all()
    np.testing.assert_allclose(np.diff(guides[0, :, 0]).clip(0), 0, atol=1e-6)


def test_a_position_whose_field_lies_mostly_elsewhere_does_not_count():
    guides = guided(halves(), Size(64, 96), geometry(1, -20, 20))
    columns = guides[32, :, 1]
    assert columns[47] == pytest.approx(columns[48], abs=0.1)
    assert columns[48] > 0.3
    assert columns[40] == 0


def test_in_a_wide_soft_edge_every_position_counts():
    ramp = np.linspace(1, 0, 96, dtype=np.float32)[None, :, None].repeat(64, 0)
    guides = guided(np.concatenate([ramp, 1 - ramp], -1), Size(64, 96), geometry(1, -4, 4))
    assert guides.sum(-1).min() > 0.6


def test_the_whole_image_counts_as_one_at_every_position():
    guides = guided(np.ones((50, 70, 1), np.float32), Size(12, 17), geometry(4, -20, 23))
    np.testing.assert_allclose(guides, 1, atol=1e-6)


def test_painting_shares_are_those_of_the_paintings_that_have_the_region():
    casting = cast(np.array([90.0, 90.0]), [np.array([50.0, 0.0]), np.array([70.0, 60.0])], [0.25, 0.75])
    assert casting.is_active.all()
    np.testing.assert_allclose(casting.shares, [[0.25, 0.0], [0.75, 1.0]])


def test_a_painting_without_a_mask_serves_every_region():
    casting = cast(np.array([90.0, 90.0]), [np.array([50.0, 0.0]), None], [0.5, 0.5])
    np.testing.assert_allclose(casting.shares, [[0.5, 0.0], [0.5, 1.0]])


@pytest.mark.parametrize(
    ("photo", "painting"),
    [([90.0, 2.0], [50.0, 50.0]), ([90.0, 90.0], [50.0, 2.0])],
    ids=["in the photo", "in the painting"],
)
def test_a_region_that_is_too_small_leaves_the_term(photo, painting):
    casting = cast(np.array(photo), [np.array(painting)], [1.0])
    assert casting.is_active.tolist() == [True, False]


def test_statistics_of_a_painting_by_region():
    stats = {"count": tf.constant([[8.0, 1.0, 20.0]]), "first": tf.constant([[[8.0], [5.0], [40.0]]])}
    blend = blended([by_region(stats, 2, masked=True)], [np.array([1.0, 1.0])])
    np.testing.assert_allclose(blend["first"][0, :, 0], [1.0, 2.0])
    whole = {"count": tf.constant([[1.0]]), "first": tf.constant([[[3.0]]])}
    blend = blended(
        [by_region(stats, 2, masked=True), by_region(whole, 2, masked=False)],
        [np.array([1.0, 0.5]), np.array([0.0, 0.5])],
    )
    np.testing.assert_allclose(blend["first"][0, :, 0], [1.0, 2.5])
