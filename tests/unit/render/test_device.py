"""Octaves in one piece: calls, their ends, and going on from any of them."""

from __future__ import annotations

import pytest

from styler.optimizers import Adam, Lbfgs
from styler.types import Evaluation
from support.descents import a_program, an_octave, at_start, shared_program, to_its_end


def assert_same_bits(one, other):
    mine, theirs = one.arrays()(), other.arrays()()
    assert list(mine) == list(theirs)
    for name, array in mine.items():
        assert array.tobytes() == theirs[name].tobytes(), name


@pytest.mark.parametrize("optimizer", [Lbfgs(tolerance=0.0), Adam(), Adam(learning_rate=30.0)], ids=str)
def test_where_calls_are_cut_does_not_show_in_a_single_bit(optimizer):
    problem, program = shared_program(optimizer)
    octaves = [an_octave(program, at_start(program, problem), 29) for _ in range(3)]
    for octave, most in zip(octaves, (3, 7, 50), strict=True):
        to_its_end(octave, most)
        assert octave.made == 29
        assert_same_bits(octaves[0], octave)


@pytest.mark.parametrize("optimizer", [Lbfgs(tolerance=0.0), Adam()], ids=str)
def test_an_octave_goes_on_from_any_call_to_the_same_bits(optimizer):
    problem, program = shared_program(optimizer)
    octave, stops = an_octave(program, at_start(program, problem), 20), []
    while not octave.reason:
        octave.advance(6)
        stops.append((octave.descent, octave.made))
    assert octave.reason == "steps"
    for descent, steps in stops[:-1]:
        rest = an_octave(program, descent, 20, made=steps)
        to_its_end(rest)
        assert_same_bits(rest, octave)


@pytest.mark.parametrize("optimizer", [Lbfgs(tolerance=0.0), Adam()], ids=["lbfgs", "adam"])
def test_all_steps_are_made_and_counted(optimizer):
    problem, program = shared_program(optimizer)
    octave = an_octave(program, at_start(program, problem), 17)
    seen = to_its_end(octave)
    assert seen[-1] == 17
    assert seen == sorted(set(seen))


def test_no_call_makes_more_steps_than_asked_for():
    problem, program = shared_program(Adam())
    octave = an_octave(program, at_start(program, problem), 23)
    while not octave.reason:
        assert 1 <= octave.advance(4).steps <= 4


def test_calls_come_to_last_about_a_second():
    problem, program = shared_program(Adam())
    seconds_a_step = iter((9.0, 1.5, 0.4, 0.04, 0.001, 0.001))  # the first call compiles

    class Timed:
        optimizer = program.optimizer

        def advance(self, descent, targets, most):
            found = program.advance(descent, targets, most)
            return found._replace(seconds=int(found.steps) * next(seconds_a_step))

    octave = an_octave(Timed(), at_start(program, problem), 200)
    assert [octave.advance(99).steps for _ in range(6)] == [1, 2, 1, 2, 25, 50]


def test_a_converged_optimizer_ends_the_octave_early(rng):
    problem, program = a_program(rng, Lbfgs(tolerance=1e-3, patience=2))
    bare = problem.evaluate
    problem.evaluate = lambda image: bare(image)._replace(value=1.0 + bare(image).value)
    octave = an_octave(program, at_start(program, problem), 500)
    to_its_end(octave)
    assert octave.made < 500
    assert octave.reason == "converged"


def test_a_search_that_finds_nothing_is_not_called_convergence(rng):
    problem, program = a_program(rng, Lbfgs())
    honest = problem.evaluate

    def lies(image):  # about which way is down
        value, gradient = honest(image)
        return Evaluation(value, -gradient)

    problem.evaluate = lies
    octave = an_octave(program, at_start(program, problem), 50)
    to_its_end(octave)
    assert (octave.reason, octave.made) == ("line search", 2)


def test_the_answer_is_in_range_and_of_the_images_shape():
    problem, program = shared_program(Adam())
    octave = an_octave(program, at_start(program, problem), 5)
    to_its_end(octave)
    assert octave.image().shape == (*octave.stage.size, 3)
    assert 0.0 <= octave.image().min() <= octave.image().max() <= 1.0
