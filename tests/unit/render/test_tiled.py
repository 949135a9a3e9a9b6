"""A render by tiles is the render in one piece."""

from __future__ import annotations

import numpy as np
import pytest

from styler.config import RenderConfig
from styler.images.reading import read_image
from styler.render.renderer import Renderer
from support.networks import tiny_network
from support.pictures import blobs, stripes
from support.programs import shared_engine

PHOTO, PAINTING = read_image(blobs(120, 160, 1)), read_image(stripes(90, 70))


def rendered(**options):
    config = RenderConfig(**{"size": 192, "steps": 9, "scales": 2, **options})
    events, course = [], Renderer(config, shared_engine(config, tiny_network())).render(PHOTO, [PAINTING])
    while True:
        try:
            events.append(next(course))
        except StopIteration as end:
            return events, end.value


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("loss", ["gram", "wasserstein"])
def test_the_same_picture_as_in_one_piece(optimizer, loss):
    _, whole = rendered(optimizer=optimizer, loss=loss, tile="off")
    events, tiled = rendered(optimizer=optimizer, loss=loss, tile=64)
    assert events[-1].step == 9
    assert np.abs(tiled.pixels - whole.pixels).mean() < 1e-2, "paths part slowly, by rounding"
    for mine, theirs in zip(tiled.octaves, whole.octaves, strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=0.03)
    assert [row["steps"] for row in tiled.octaves] == [row["steps"] for row in whole.octaves]


def test_events_show_the_picture_under_way():
    events, tiled = rendered(tile=64)
    assert events[-1].image().size == tiled.pixels.shape[1::-1]


def test_coarse_octaves_that_fit_one_tile_stay_in_one_piece():
    events, tiled = rendered(tile=160, scales=2)
    assert events[0].width + 16 <= 160 < 192
    assert np.isfinite(tiled.pixels).all()
