"""Octaves from checkpoints: whatever the home they were made in, and whatever is not theirs is refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from styler.config import RenderConfig
from styler.errors import CheckpointError, ResourceError
from styler.images.reading import read_image
from styler.inputs import Inputs
from styler.render.memory_watch import MemoryWatch
from styler.render.octaves import Octaves
from styler.render.pyramid import Stage
from styler.render.snapshot import Position, Snapshot
from styler.types import Size
from support.networks import tiny_network
from support.pictures import blobs, stripes
from support.programs import TERSE, shared_engine

STAGE = Stage(size=Size(96, 128), steps=8)
POSITION = Position(octave=0, made=3, done=0, reason="", stop_reason="steps", setbacks=0, seconds=0.0, rows=())


def octaves(optimizer="lbfgs", told=None):
    config = RenderConfig(optimizer=optimizer, size=128, **TERSE)
    return Octaves(
        config=config,
        engine=shared_engine(config, tiny_network()),
        inputs=Inputs.of(read_image(blobs(96, 128, 1)), [read_image(stripes(90, 70))]),
        memory=MemoryWatch(),
        on_tile=told,
    )


def advanced(octave, steps):
    while octave.made < steps:
        octave.advance(steps - octave.made)
    return octave


def kept(octave):
    arrays = {name: np.array(array) for name, array in octave.arrays()().items()}
    return Snapshot(position=replace(POSITION, made=octave.made), arrays=arrays)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("tile", [None, 64])
def test_every_array_comes_back_to_the_bit(optimizer, tile):
    made, stage = octaves(optimizer), replace(STAGE, tile=tile)
    snapshot = kept(advanced(made.started(stage), 3))
    again = made.started(stage, snapshot=snapshot)
    assert again.made == 3
    for name, array in again.arrays()().items():
        assert (array.dtype, array.tobytes()) == (
            snapshot.arrays[name].dtype,
            snapshot.arrays[name].tobytes(),
        ), name


@pytest.mark.parametrize(
    ("optimizer", "tiles"),
    [
        pytest.param("lbfgs", (None, 64), id="lbfgs to tiles"),
        pytest.param("adam", (64, None), id="adam to one piece"),
        pytest.param("adam", (None, 64), id="adam to tiles", marks=pytest.mark.slow),
        pytest.param("lbfgs", (64, None), id="lbfgs to one piece", marks=pytest.mark.slow),
    ],
)
def test_an_octave_goes_on_in_the_other_home(optimizer, tiles):
    made = octaves(optimizer)
    there, here = (replace(STAGE, tile=tile) for tile in tiles)
    whole = advanced(made.started(there), 7)
    moved = made.started(here, snapshot=kept(advanced(made.started(there), 5)))
    advanced(moved, 7)
    assert int(moved.descent.state.evaluations) == int(whole.descent.state.evaluations)
    assert np.abs(moved.image() - whole.image()).mean() < 1e-3


def test_fewer_pairs_are_kept_where_there_is_room_for_few():
    made = octaves()
    snapshot = kept(advanced(made.started(STAGE), 5))
    short = made.started(replace(STAGE, tile=64, history=2), snapshot=snapshot)
    assert short.descent.state.known.numpy().tolist() == [True, True]
    newest = int(snapshot.arrays["state.newest"])
    np.testing.assert_array_equal(short.descent.state.moves[1], snapshot.arrays["state.moves"][newest])
    advanced(short, 7)
    assert np.isfinite(short.image()).all()


def test_another_optimizers_state_is_refused():
    snapshot = kept(advanced(octaves("adam").started(STAGE), 1))
    with pytest.raises(CheckpointError, match="this optimizer"):
        octaves("lbfgs").started(STAGE, snapshot=snapshot)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("state.iterate", np.zeros((1, 112, 144, 3))),
        ("state.iterate", np.zeros((1, 3, 5, 3), np.float32)),
        ("state.steps", np.zeros(2, np.int32)),
        ("watch.best", np.zeros((), np.float64)),
    ],
)
def test_arrays_of_another_kind_are_refused(name, wrong):
    made = octaves("adam")
    snapshot = kept(advanced(made.started(STAGE), 1))
    broken = replace(snapshot, arrays={**snapshot.arrays, name: wrong})
    with pytest.raises(CheckpointError, match=f"{name} of .* 144x112 pixels, got"):
        made.started(STAGE, snapshot=broken)


@pytest.mark.parametrize("tile", [None, 64])
def test_a_history_of_another_length_is_no_reason_to_read_past_an_array(tile):
    made = octaves()
    snapshot = kept(advanced(made.started(STAGE), 2))
    broken = replace(snapshot, arrays={**snapshot.arrays, "state.known": np.zeros(3, bool)})
    with pytest.raises(CheckpointError, match=r"state\.moves"):
        made.started(replace(STAGE, tile=tile), snapshot=broken)


def test_an_octave_without_enough_memory_goes_on_by_tiles_where_it_stands():
    made = octaves()
    octave = advanced(made.started(STAGE), 3)
    smaller = made.smaller(octave, "too much memory", needed=True)
    assert smaller.stage.tile is not None
    assert smaller.made == 3
    np.testing.assert_allclose(smaller.image(), octave.image(), atol=1e-6)


def test_a_network_that_sees_the_whole_image_goes_on_as_it_is_while_it_can():
    made = replace(octaves(), engine=SimpleNamespace(untileable="pool"))
    octave = SimpleNamespace(stage=STAGE)
    assert made.smaller(octave, "too much memory", needed=False) is octave
    with pytest.raises(ResourceError, match="layer 'pool' depends on the whole image"):
        made.smaller(octave, "too much memory", needed=True)
