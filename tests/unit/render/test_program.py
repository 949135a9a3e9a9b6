import numpy as np
import pytest
import tensorflow as tf

from styler.objective.compiled import Compiled, any_size
from styler.optimizers import Adam, Lbfgs
from styler.optimizers.descent import tensors
from support.descents import a_program, at_start


@pytest.mark.parametrize("xla", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_many_steps_in_one_call_are_the_same_as_one_by_one(rng, xla):
    problem, program = a_program(rng, Lbfgs(tolerance=0.0), xla=xla)
    descent = at_start(program, problem)
    together = program.advance(descent, tf.constant(0.0), 6)
    for _ in range(6):
        descent = program.advance(descent, tf.constant(0.0), 1).descent
    assert int(together.steps) == 6
    for (name, mine), other in zip(tensors(together.descent).items(), tensors(descent).values(), strict=True):
        assert mine.numpy().tobytes() == other.numpy().tobytes(), name


@pytest.mark.parametrize("optimizer", [Lbfgs(tolerance=0.0), Adam()], ids=["lbfgs", "adam"])
def test_the_first_evaluation_is_no_step(rng, optimizer):
    problem, program = a_program(rng, optimizer)
    advance = program.advance(at_start(program, problem), tf.constant(0.0), 1)
    assert int(advance.steps) == int(advance.descent.state.steps) == 1
    assert np.isfinite(float(advance.descent.watch.best))


def test_the_graph_is_traced_once_for_all_sizes(rng):
    traces = []

    def double(image):
        traces.append(image.shape)
        return image * 2

    compiled = Compiled(double)
    for side in (4, 5, 9):
        assert compiled(tf.ones((1, side, side + 1, 3))).shape == (1, side, side + 1, 3)
    assert len(traces) == 1


def test_open_signatures_leave_height_and_width_of_images_and_histories_open():
    assert any_size(tf.zeros((1, 4, 5, 3))).shape.as_list() == [1, None, None, 3]
    assert any_size(tf.zeros((10, 1, 4, 5, 3))).shape.as_list() == [10, 1, None, None, 3]
    assert any_size(tf.zeros((1, 8, 8))).shape.as_list() == [1, 8, 8]
