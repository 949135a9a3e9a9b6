"""One octave: the compiled program that makes many steps a call, and the loop that calls it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf

from styler.optimizers.base import Optimizer, State
from styler.render.compiled import Compiled
from styler.render.objective import Objective, Targets
from styler.types import Scalar, Tensor

SECONDS_A_CALL = 1.0  # a call should last about this long: seldom enough to cost nothing, often enough to watch
MOST_STEPS_A_CALL = 50


class Advance(NamedTuple):
    """What one call of the compiled program returns: the new state and how many steps it made."""

    state: State
    steps: Scalar
    finished: Scalar


class Program:
    """Optimizer and objective compiled together.

    Args:
        objective: What to minimize.
        optimizer: How.
        xla: Compile with XLA, once for every image size; else TensorFlow's plain graph, traced once for all.
    """

    def __init__(self, objective: Objective, optimizer: Optimizer, *, xla: bool) -> None:
        self.objective, self.optimizer = objective, optimizer
        self._compiled = Compiled(self._advance, xla=xla)

    def advance(self, state: State, targets: Targets, steps: int) -> Advance:
        """At most `steps` steps in one call; fewer if the optimizer terminates. A first evaluation is not a step."""
        made: Advance = self._compiled(state, targets, tf.constant(steps))
        return made

    def _advance(self, state: State, targets: Targets, steps: Scalar) -> Advance:
        evaluate = self.objective.at(targets)

        def unfinished(done: Scalar, current: State) -> Scalar:
            return tf.logical_and(done < steps, tf.logical_not(self.optimizer.terminate(current)))

        def one_step(done: Scalar, current: State) -> tuple[Scalar, State]:
            new = self.optimizer.step(current, evaluate)
            return done + new.steps - current.steps, new

        done, state = tf.while_loop(unfinished, one_step, (tf.constant(0), state))
        return Advance(state, done, self.optimizer.terminate(state))


class Progress(NamedTuple):
    """Where an octave's loop stands after one call."""

    state: State
    steps: int
    seconds_a_step: float


def run_octave(
    program: Program,
    state: State,
    targets: Targets,
    steps: int,
    before: int = 0,
    event_every: int | None = None,
) -> Iterator[Progress]:
    """Call the compiled program until the steps are spent or the optimizer terminates.

    Args:
        program: Compiled optimizer and objective.
        state: Where to start.
        targets: What to compare with.
        steps: Most steps to make.
        before: Steps of the render before this octave.
        event_every: No call runs past a multiple of this step of the render.

    Yields:
        Progress after every call; the last one holds the final state.
    """
    done, chunk, pace = 0, 1, 0.0
    while done < steps:
        started = time.perf_counter()
        until = event_every - (before + done) % event_every if event_every else steps
        advance = program.advance(state, targets, min(chunk, steps - done, until))
        state, made, finished = advance.state, int(advance.steps), bool(advance.finished)
        pace = (time.perf_counter() - started) / max(made, 1)
        done += made
        yield Progress(state, done, pace)
        if finished:
            return
        chunk = _next_chunk(done, made, pace)


def _next_chunk(done: int, made: int, pace: float) -> int:
    """Steps of the next call: two at first, since the first call also compiles, then by the clock."""
    if done == made:
        return 2
    return max(1, min(MOST_STEPS_A_CALL, int(SECONDS_A_CALL / max(pace, 1e-6))))


def image_tensor(pixels: Any) -> Tensor:
    """(H, W, 3) array -> (1, H, W, 3) float32 tensor."""
    return tf.constant(pixels, tf.float32)[None]
