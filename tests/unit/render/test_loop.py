import numpy as np
import pytest
import tensorflow as tf

from styler.optimizers import Adam, Lbfgs
from styler.render.compiled import Compiled, any_size
from styler.render.loop import Program, run_octave
from support.functions import bowl


class Bowl:
    """Stands where the objective does: a convex function of an image."""

    def __init__(self, rng):
        self.traces = 0
        self.evaluate, self.center = bowl(rng, dtype=tf.float32)

    def at(self, targets):
        self.traces += 1
        return self.evaluate


def make(rng, optimizer, xla=False):
    problem = Bowl(rng)
    program = Program(problem, optimizer, xla=xla)
    start = tf.constant(np.full(problem.center.shape, 0.5, np.float32))
    return problem, program, optimizer.init(start)


def run(program, state, steps, **settings):
    return list(run_octave(program, state, tf.constant(0.0), steps, **settings))


@pytest.mark.parametrize("xla", [False, True])
def test_many_steps_in_one_call_are_the_same_as_one_by_one(rng, xla):
    _, program, state = make(rng, Lbfgs(tolerance=0.0), xla)
    together = program.advance(state, tf.constant(0.0), 6)
    alone = state
    for _ in range(6):
        alone = program.advance(alone, tf.constant(0.0), 1).state
    assert int(together.steps) == 6
    np.testing.assert_allclose(together.state.image, alone.image, atol=1e-6)


@pytest.mark.parametrize("optimizer", [Lbfgs(tolerance=0.0), Adam()], ids=["lbfgs", "adam"])
def test_all_steps_are_made_and_counted(rng, optimizer):
    _, program, state = make(rng, optimizer)
    progress = run(program, state, 17)
    assert progress[-1].steps == 17
    counts = [p.steps for p in progress]
    assert counts == sorted(set(counts))


def test_no_call_runs_past_a_multiple(rng):
    _, program, state = make(rng, Adam())
    seen = [p.steps + 5 for p in run(program, state, 23, before=5, event_every=4)]
    assert {8, 12, 16, 20, 24, 28} <= set(seen)


def test_a_converged_optimizer_ends_the_octave_early(rng):
    _, program, state = make(rng, Lbfgs(tolerance=1e-3, patience=2))
    assert run(program, state, 500)[-1].steps < 500


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
