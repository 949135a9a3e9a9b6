import numpy as np
import pytest
import tensorflow as tf

from styler.optimizers import Adam, Lbfgs
from styler.render.compiled import Compiled, any_size
from styler.render.loop import Program, Progress, run_octave
from styler.render.stand import begun, to_arrays
from styler.types import Evaluation
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
    return problem, program, begun(optimizer.init(start))


def run(program, stand, steps, **settings):
    return list(run_octave(program, Progress(stand, 0, 0.0), tf.constant(0.0), steps, **settings))


@pytest.mark.parametrize("xla", [False, True])
def test_many_steps_in_one_call_are_the_same_as_one_by_one(rng, xla):
    _, program, stand = make(rng, Lbfgs(tolerance=0.0), xla)
    together = program.advance(stand, tf.constant(0.0), 6)
    for _ in range(6):
        stand = program.advance(stand, tf.constant(0.0), 1).stand
    assert int(together.steps) == 6
    assert_same_bits(together.stand, stand)


def assert_same_bits(one, other):
    mine, theirs = to_arrays(one), to_arrays(other)
    assert list(mine) == list(theirs)
    for name, array in mine.items():
        assert array.tobytes() == theirs[name].tobytes(), name


@pytest.mark.parametrize("optimizer", [Lbfgs(tolerance=0.0), Adam(), Adam(learning_rate=30.0)], ids=str)
def test_where_calls_are_cut_does_not_show_in_a_single_bit(rng, optimizer):
    _, program, stand = make(rng, optimizer)
    ends = [run(program, stand, 29, event_every=every)[-1] for every in (3, 7, 50)]
    assert [end.steps for end in ends] == [29] * 3
    for end in ends[1:]:
        assert_same_bits(ends[0].stand, end.stand)


@pytest.mark.parametrize("optimizer", [Lbfgs(tolerance=0.0), Adam()], ids=str)
def test_an_octave_goes_on_from_any_call_to_the_same_bits(rng, optimizer):
    _, program, stand = make(rng, optimizer)
    calls = run(program, stand, 20, event_every=6)
    for call in calls:
        rest = list(run_octave(program, call, tf.constant(0.0), 20))
        assert_same_bits((rest or [call])[-1].stand, calls[-1].stand)
    assert calls[-1].reason == "steps"
    assert list(run_octave(program, calls[-1], tf.constant(0.0), 20)) == []


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
    problem, program, stand = make(rng, Lbfgs(tolerance=1e-3, patience=2))
    bare = problem.evaluate
    problem.evaluate = lambda image: bare(image)._replace(value=1.0 + bare(image).value)
    end = run(program, stand, 500)[-1]
    assert end.steps < 500
    assert end.reason == "converged"


def test_a_search_that_finds_nothing_is_not_called_convergence(rng):
    problem, program, stand = make(rng, Lbfgs())

    def lies(image):  # about which way is down
        value, gradient = problem.honest(image)
        return Evaluation(value, -gradient)

    problem.honest, problem.evaluate = problem.evaluate, lies
    end = run(program, stand, 50)[-1]
    assert end.reason == "line search"
    assert end.steps == 2


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
