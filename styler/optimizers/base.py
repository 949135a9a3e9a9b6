"""What the loop asks of an optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

import tensorflow as tf

from styler.optimizers.walk import Walk
from styler.types import Evaluation, Scalar, Tensor, ValueAndGradient


class State(Protocol):
    """A NamedTuple of tensors or arrays, the optimizer's own; handed in and returned."""

    @property
    def value(self) -> Scalar:
        """Objective at the last evaluation that counts; infinite if nothing was evaluated yet."""
        ...

    @property
    def steps(self) -> Scalar:
        """Steps so far."""
        ...

    @property
    def evaluations(self) -> Scalar:
        """Evaluations so far."""
        ...

    @property
    def scale(self) -> Scalar:
        """Factor of every step, 1 unless a setback has made it smaller."""
        ...

    def _asdict(self) -> dict[str, Tensor]: ...


class Trial(Protocol):
    """A NamedTuple of tensors or arrays, the optimizer's own: what it wants to know during a step."""

    @property
    def image(self) -> Tensor:
        """Where to evaluate next."""
        ...

    @property
    def over(self) -> Scalar:
        """Whether the step can be finished with what is known."""
        ...


StateT = TypeVar("StateT", bound=State)
TrialT = TypeVar("TrialT", bound=Trial)


class Optimizer(Protocol[StateT, TrialT]):
    """Minimizes a function of an image whose values stay within 0..1.

    All methods but `ended_by` are functions of tensors that can be traced into a graph. Bound to `Pieces` they work on
    arrays of the host instead, outside of a graph, and change the buffers of that walk in place: `begin` and `judge`
    none that a state holds.

    Attributes:
        walk: Through images.
        history: Pairs of images that it keeps beside the others; 0 for none.
        buffers: Field of its state with arrays of the size of an image -> name of the buffer on the host.
    """

    buffers: ClassVar[Mapping[str, str]]

    @property
    def walk(self) -> Walk:
        """See above."""
        ...

    @property
    def history(self) -> int:
        """See above."""
        ...

    def on_host(self, walk: Walk, steps: int, history: int | None) -> Optimizer[StateT, TrialT]:
        """The optimizer on arrays of the host.

        Args:
            walk: Through these arrays.
            steps: That it will make at most; it keeps no more history than they can fill.
            history: Most pairs to keep; None for its own number.
        """
        ...

    def like(self, arrays: Mapping[str, Any]) -> Optimizer[StateT, TrialT]:
        """The optimizer with as much history as a state has whose arrays these are, by `descent.tensors`."""
        ...

    def adopted(self, state: StateT) -> StateT:
        """A state with another length of history as one of this optimizer's own; outside of a graph."""
        ...

    def init(self, image: Tensor) -> StateT:
        """State at the start, `image` float32 (1, H, W, 3); the first step may do no more than evaluate there."""
        ...

    def begin(self, state: StateT) -> tuple[StateT, TrialT]:
        """The state made ready for a step, to the same bits also a second time, and the step's first trial."""
        ...

    def judge(self, state: StateT, trial: TrialT, evaluation: Evaluation) -> TrialT:
        """The trial after the objective was evaluated at its image."""
        ...

    def finish(self, state: StateT, trial: TrialT) -> StateT:
        """State after the step whose trial is over."""
        ...

    def answer(self, state: StateT) -> Tensor:
        """The image found so far."""
        ...

    def terminate(self, state: StateT) -> Scalar:
        """Whether further steps are of no use, boolean tensor."""
        ...

    def ended_by(self, state: StateT) -> str:
        """Why `terminate` is true: "converged" or "line search"."""
        ...

    def set_back(self, state: StateT, factor: float) -> StateT:
        """At the best image, with steps smaller by a factor and nothing remembered of gradients."""
        ...

    def given_up(self, state: StateT, value: Scalar) -> StateT:
        """The best image as the answer; its value is given."""
        ...

    def resample(self, state: StateT, image: Tensor) -> StateT:
        """State to continue from at another octave, where `image` is the resized answer."""
        ...


AnyOptimizer: TypeAlias = Optimizer[Any, Any]
"""One whose state and trial are handed on and not looked into."""


def step(optimizer: Optimizer[StateT, TrialT], state: StateT, objective: ValueAndGradient) -> StateT:
    """The state after one step: `begin`, then `judge` until the trial is over, then `finish`."""
    ready, trial = optimizer.begin(state)

    def judged(trial: TrialT) -> TrialT:
        return optimizer.judge(ready, trial, objective(trial.image))

    if tf.executing_eagerly():
        while not bool(trial.over):
            trial = judged(trial)
    else:
        (trial,) = tf.while_loop(lambda trial: tf.logical_not(trial.over), lambda trial: (judged(trial),), (trial,))
    return optimizer.finish(ready, trial)
