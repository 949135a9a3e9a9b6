"""One octave: the compiled program that makes many steps a call, and the loop that calls it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from styler.optimizers.base import Optimizer, State
from styler.render.compiled import Compiled
from styler.render.divergence import Watch, astray, given_up, hopeless, set_back, watched
from styler.render.objective import Objective, Targets
from styler.render.stand import Stand
from styler.types import Scalar, Tensor

SECONDS_A_CALL = 1.0  # a call should last about this long: seldom enough to cost nothing, often enough to watch
MOST_STEPS_A_CALL = 50


class Advance(NamedTuple):
    """What one call of the compiled program returns: where it stands, how many steps it made, why it stopped.

    `seconds` is the wall time of a call that was made beforehand, together with others'; else None.
    """

    stand: Stand
    steps: Scalar
    finished: Scalar
    astray: Scalar
    seconds: float | None = None


class Stepper(Protocol):
    """What makes the steps of an octave: a `Program`, or a place where several pictures share one."""

    @property
    def optimizer(self) -> Optimizer:
        """Whose steps they are."""
        ...

    def advance(self, stand: Stand, targets: Targets, steps: int) -> Advance | None:
        """At most so many steps; None if others have to come first, then it is asked again."""
        ...


class Program:
    """Optimizer and objective compiled together.

    Args:
        objective: What to minimize.
        optimizer: How.
        xla: Compile with XLA, once for every image size; else TensorFlow's plain graph, traced once for all.

    Attributes:
        batch: Images at a time.
    """

    batch = 1

    def __init__(self, objective: Objective, optimizer: Optimizer, *, xla: bool) -> None:
        self.objective, self.optimizer, self.xla = objective, optimizer, xla
        self._compiled = Compiled(self._advance, xla=xla)

    @property
    def alone(self) -> Program:
        """What makes the steps of one picture: this program itself."""
        return self

    def advance(self, stand: Stand, targets: Targets, steps: int) -> Advance:
        """At most `steps` steps in one call; fewer if the optimizer terminates or goes astray.

        A first evaluation is not a step. What comes out after so many steps does not depend on how they are
        spread over calls, to the bit.
        """
        made: Advance = self._compiled(stand, targets, tf.constant(steps))
        return made

    def _advance(self, stand: Stand, targets: Targets, steps: Scalar) -> Advance:
        evaluate, optimizer = self.objective.at(targets), self.optimizer

        def goes_on(done: Scalar, state: State, watch: Watch) -> Scalar:
            stops = tf.logical_or(optimizer.terminate(state), astray(watch))
            return tf.logical_and(done < steps, tf.logical_not(stops))

        def one_step(done: Scalar, state: State, watch: Watch) -> tuple[Scalar, State, Watch]:
            new = optimizer.step(state, evaluate)
            return done + new.steps - state.steps, new, watched(watch, state, new, optimizer)

        done, state, watch = tf.while_loop(goes_on, one_step, (tf.constant(0), *stand))
        return Advance(Stand(state, watch), done, optimizer.terminate(state), astray(watch))


class Progress(NamedTuple):
    """Where an octave's loop stands after one call.

    Attributes:
        stand: State and watch.
        steps: Made in this octave.
        seconds_a_step: Of this call; 0 if it had to wait for others and made none.
        reason: Why the octave ends here: "steps", "converged", "line search" or "diverged"; empty if it goes on.
    """

    stand: Stand
    steps: int
    seconds_a_step: float
    reason: str = ""


def run_octave(
    program: Stepper,
    start: Progress,
    targets: Targets,
    steps: int,
    before: int = 0,
    event_every: int | None = None,
) -> Iterator[Progress]:
    """Call the compiled program until the steps are spent, the optimizer terminates or nothing helps it any more.

    Args:
        program: Makes the steps.
        start: Where to start; at its end already if it has a reason.
        targets: What to compare with.
        steps: Most steps to make.
        before: Steps of the render before this octave.
        event_every: No call runs past a multiple of this step of the render.

    Yields:
        Progress after every call; the last one holds the final state and a reason.
    """
    stand, done, _, reason = start
    chunk = 1
    while not reason:
        started = time.perf_counter()
        until = event_every - (before + done) % event_every if event_every else steps
        advance = program.advance(stand, targets, min(chunk, steps - done, until))
        if advance is None:
            yield Progress(stand, done, 0.0)
            continue
        made = int(advance.steps)
        pace = (advance.seconds or time.perf_counter() - started) / max(made, 1)
        done += made
        stand, reason = _judged(program.optimizer, advance)
        reason = reason or ("steps" if done >= steps else "")
        yield Progress(stand, done, pace, reason)
        chunk = _next_chunk(done - start.steps, made, pace)


def _judged(optimizer: Optimizer, advance: Advance) -> tuple[Stand, str]:
    """Where to go on from after a call, and why to end if so."""
    state, watch = advance.stand
    if not bool(advance.astray):
        return advance.stand, optimizer.ended_by(state) if bool(advance.finished) else ""
    if hopeless(watch):
        return Stand(given_up(state, watch), watch), "diverged"
    return Stand(*set_back(state, watch, optimizer)), ""


def _next_chunk(done: int, made: int, pace: float) -> int:
    """Steps of the next call: two at first, since the first call also compiles, then by the clock."""
    if done == made:
        return 2
    return max(1, min(MOST_STEPS_A_CALL, int(SECONDS_A_CALL / max(pace, 1e-6))))


def image_tensor(pixels: Any) -> Tensor:
    """(H, W, 3) array -> (1, H, W, 3) float32 tensor."""
    return tf.constant(pixels, tf.float32)[None]
