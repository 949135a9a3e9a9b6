import numpy as np
import pytest
import tensorflow as tf

from styler.errors import CheckpointError
from styler.optimizers import Adam, Lbfgs
from styler.render.stand import begun, from_arrays, to_arrays
from styler.types import Size
from support.functions import SHAPE, bowl


def stand_of(optimizer, rng):
    evaluate, _ = bowl(rng, dtype=tf.float32)
    state = optimizer.init(tf.constant(rng.random(SHAPE, np.float32)))
    for _ in range(3):
        state = optimizer.step(state, evaluate)
    return begun(state)


@pytest.mark.parametrize("optimizer", [Adam(), Lbfgs()], ids=["adam", "lbfgs"])
def test_every_tensor_comes_back_to_the_bit(optimizer, rng):
    arrays = to_arrays(stand_of(optimizer, rng))
    again = to_arrays(from_arrays(arrays, optimizer, Size(*SHAPE[1:3])))
    assert list(again) == list(arrays)
    for name, array in arrays.items():
        assert (again[name].dtype, again[name].tobytes()) == (array.dtype, array.tobytes()), name


def test_another_optimizers_state_is_refused(rng):
    arrays = to_arrays(stand_of(Adam(), rng))
    with pytest.raises(CheckpointError, match="tensors was expected that this optimizer knows"):
        from_arrays(arrays, Lbfgs(), Size(*SHAPE[1:3]))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("state.image", np.zeros(SHAPE)),
        ("state.image", np.zeros((1, 3, 5, 3), np.float32)),
        ("state.steps", np.zeros(2, np.int32)),
        ("watch.best", np.zeros((), np.float64)),
    ],
)
def test_tensors_of_another_kind_are_refused(rng, name, wrong):
    arrays = {**to_arrays(stand_of(Adam(), rng)), name: wrong}
    with pytest.raises(CheckpointError, match=f"a checkpoint with {name} of .* was expected at 3 x 4 pixels, got"):
        from_arrays(arrays, Adam(), Size(*SHAPE[1:3]))
