"""The protocol of an optimizer, and a step that works with any optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

import tensorflow as tf

from styler.optimizers.walk import Array, Walk
from styler.types import Evaluation, Scalar, Tensor, ValueAndGradient


class State(Protocol):
    """State of an optimizer between two steps: a NamedTuple of tensors or arrays."""

    @property
    def value(self) -> Scalar:
        """Objective at the last accepted evaluation; infinite if nothing has been evaluated yet."""
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
        """Factor of the step size; 1 unless a setback has made the steps smaller."""
        ...

    def _asdict(self) -> dict[str, Tensor]: ...


class Trial(Protocol):
    """State of an optimizer within a step: a NamedTuple of tensors or arrays."""

    @property
    def image(self) -> Tensor:
        """Image to evaluate next."""
        ...

    @property
    def over(self) -> Scalar:
        """Whether the step needs no further evaluation."""
        ...


StateT = TypeVar("StateT", bound=State)
TrialT = TypeVar("TrialT", bound=Trial)


class Optimizer(Protocol[StateT, TrialT]):
    """Minimizes a function of an image whose values stay within 0..1.

    All methods except `ended_by` and `adopted` work on tensors and can be traced into a graph. An optimizer whose walk
    is `Pieces` works on arrays on the host, outside a graph, and changes the buffers of that walk in place; `begin`
    and `judge` do not change buffers that belong to a state.

    Attributes:
        walk: Applies formulas to images.
        history: Number of pairs of images that a state holds in addition to its single images.
        buffers: Image-sized field of the state -> name of its buffer on the host.
    """

    buffers: ClassVar[Mapping[str, str]]

    @property
    def walk(self) -> Walk:
        """See the class."""
        ...

    @property
    def history(self) -> int:
        """See the class."""
        ...

    def on_host(
        self,
        walk: Walk,
        steps: int,
        history: int | None,
    ) -> Optimizer[StateT, TrialT]:
        """Return the same optimizer for arrays on the host.

        Args:
            walk: Applies formulas to these arrays.
            steps: Maximum number of steps; the history is no longer than they can fill.
            history: Maximum number of pairs to keep; None for the optimizer's own number.
        """
        ...

    def like(self, arrays: Mapping[str, Array]) -> Optimizer[StateT, TrialT]:
        """Return the same optimizer with the history length of a saved state.

        Args:
            arrays: The saved arrays, with the names that `descent.tensors` gives them.
        """
        ...

    def adopted(self, state: StateT) -> StateT:
        """Convert a state with another history length to this optimizer's own, outside a graph."""
        ...

    def init(self, image: Tensor) -> StateT:
        """Return the state at the start.

        Args:
            image: Image to start from, float32, (1, H, W, 3). The first step may only evaluate it.
        """
        ...

    def begin(self, state: StateT) -> tuple[StateT, TrialT]:
        """Return the state to step from and the first trial. A repeated call gives the same bits."""
        ...

    def judge(
        self,
        state: StateT,
        trial: TrialT,
        evaluation: Evaluation,
    ) -> TrialT:
        """Return the trial after the evaluation of its image."""
        ...

    def finish(self, state: StateT, trial: TrialT) -> StateT:
        """Return the state after the step whose trial is over."""
        ...

    def answer(self, state: StateT) -> Tensor:
        """Return the best estimate of the minimum so far, an image."""
        ...

    def terminate(self, state: StateT) -> Scalar:
        """Whether further steps are useless, as a boolean tensor."""
        ...

    def ended_by(self, state: StateT) -> str:
        """Return why `terminate` is true: "converged" or "line search"."""
        ...

    def set_back(self, state: StateT, factor: float) -> StateT:
        """Restart at the best image, without past gradients and with steps scaled by `factor`."""
        ...

    def given_up(self, state: StateT, value: Scalar) -> StateT:
        """Return a state whose answer is the best image, with `value` as its objective."""
        ...

    def resample(self, state: StateT, image: Tensor) -> StateT:
        """Return the state at the start of the next octave.

        Args:
            state: State at the end of the previous octave.
            image: The answer of that state, resized.
        """
        ...


AnyOptimizer: TypeAlias = Optimizer[Any, Any]
"""An optimizer for callers that pass its states and trials on without looking inside."""


def step(
    optimizer: Optimizer[StateT, TrialT],
    state: StateT,
    objective: ValueAndGradient,
) -> StateT:
    """Make one step: `begin`, then `judge` until the trial is over, then `finish`."""
    ready, trial = optimizer.begin(state)

    def goes_on(trial: TrialT) -> Scalar:
        return tf.logical_not(trial.over)

    def judged(trial: TrialT) -> tuple[TrialT]:
        evaluation = objective(trial.image)
        return (optimizer.judge(ready, trial, evaluation),)

    if tf.executing_eagerly():
        while not bool(trial.over):
            (trial,) = judged(trial)
    else:
        (trial,) = tf.while_loop(goes_on, judged, (trial,))
    return optimizer.finish(ready, trial)
