"""Tiles partition every layer, line up with its grid and see enough."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from styler.errors import ConfigError, NetworkError
from styler.features.extractor import FeatureExtractor
from styler.networks import NETWORKS
from styler.tiles.layout import position_counts, view_of
from styler.types import Size
from support.convolutions import convolutional, extractor_of
from support.networks import tiny_model
from support.objectives import objective_of


def seen_by(extract):
    """The objective that matches every layer of an extractor, and how it sees."""
    layers = tuple((name, 1.0) for name in extract.addresses)
    objective = objective_of(extract, layers, layers[:1], "gram")
    return objective, view_of(objective, extract)


@pytest.fixture(scope="module")
def extract():
    return FeatureExtractor(tiny_model(), ["block1_conv1", "block3_conv2", "block5_conv1"])


@pytest.fixture(scope="module")
def view(extract):
    return seen_by(extract)[1]


def test_halo_of_the_embedded_design(view):
    """45 pixels by hand, 1 + 2 * (2 + 4 + 8) + 16, rounded up to the deepest stride."""
    assert (view.vertical.alignment, view.vertical.before, view.vertical.after) == (16, 48, 48)
    assert view.halo == 48


@settings(max_examples=60, deadline=None, derandomize=True)
@given(height=st.integers(32, 700), width=st.integers(32, 700), tile=st.integers(48, 400))
def test_tiles_partition_pixels_and_positions(view, extract, height, width, tile):
    size = Size(height, width)
    tiles = view.tiles(size, tile)
    counts = position_counts(seen_by(extract)[0], extract, size)
    for name, count in {"pixels": size, **counts}.items():
        hits = np.zeros(count, int)
        for each in tiles:
            box = view.box(name, each, count) if name != "pixels" else None
            rows, columns = (box.rows, box.columns) if box else (each.rows.owned, each.columns.owned)
            hits[rows, columns] += 1
        assert (hits == 1).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(length=st.integers(32, 3000), tile=st.integers(48, 1200))
def test_spans_line_up_and_see_enough(view, length, tile):
    axis = view.vertical
    for span in axis.spans(length, tile):
        assert span.low % axis.alignment == span.start % axis.alignment == 0
        assert span.low == 0 or span.start - span.low >= axis.before
        assert span.high == length or span.high - span.stop >= axis.after
        assert span.low == 0 or span.high == length or span.stop - span.start == tile // 16 * 16


@pytest.mark.parametrize("size", [Size(2064, 1552), Size(1000, 999), Size(5000, 300)])
@pytest.mark.parametrize("tile", [64, 500, 1024])
def test_few_shapes(view, size, tile):
    """All see as much along each axis, but for the last."""
    assert len(shapes(view.tiles(size, tile))) <= 4
    assert len(shapes(view.tiles(Size(2064, 1552), 512))) == 1, "multiples of the alignment"


def shapes(tiles):
    """Distinct sizes of what tiles see."""
    return {(rows.high - rows.low, columns.high - columns.low) for rows, columns in tiles}


def test_a_tile_as_large_as_the_image_is_the_image(view):
    (tile,) = view.tiles(Size(300, 200), 304)
    assert tile.seen == (slice(0, 300), slice(0, 200))


def test_a_tile_smaller_than_the_halo_is_refused(view):
    with pytest.raises(ConfigError, match=r"tile: .*48 pixels.* 47"):
        view.tiles(Size(300, 200), 47)


def test_a_network_that_looks_at_the_whole_image_is_refused_with_the_layer():
    model = NETWORKS["efficientnet_b0"].build_untrained(None)
    with pytest.raises(NetworkError, match=r"'block5c_add'.*layer '.*'.*whole"):
        seen_by(FeatureExtractor(model, ["stem_activation", "block5c_add"]))


def strided(rng):
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, keras.layers.Conv2D(4, 3, 2, padding="same", name="conv1")(inputs))


def test_padding_by_size_is_refused_at_sizes_where_it_would_shift(rng):
    _, view = seen_by(extractor_of(strided(rng)))
    assert len(view.tiles(Size(64, 64), 32)) == 4
    with pytest.raises(NetworkError, match=r"'conv1' .*multiples of 2"):
        view.tiles(Size(65, 64), 32)


@pytest.mark.parametrize("padding", ["same", "valid", "reflect"])
def test_layers_know_their_positions(rng, padding):
    extract = extractor_of(convolutional(rng, padding=padding))
    sizes = position_counts(seen_by(extract)[0], extract, Size(61, 74))
    features = extract(np.zeros((1, 61, 74, 3), np.float32))
    assert {name: sizes[f"style {name}"] for name in features} == {
        name: Size(*each.shape[1:3]) for name, each in features.items()
    }
    assert sizes["smoothness"] == Size(61, 74)
