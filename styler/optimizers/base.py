"""The protocol of an optimizer, and one step of any of them."""

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
        """Objective at the last accepted evaluation; infinite if nothing was evaluated yet."""
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
        """Factor of every step; 1 unless a setback has made the steps smaller."""
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
    is `Pieces` works on arrays of the host, outside of a graph, and changes the buffers of that walk in place; `begin`
    and `judge` change no buffer that a state holds.

    Attributes:
        walk: Applies formulas to images.
        history: Pairs of images that a state holds beside the single images; 0 for none.
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
        """The same optimizer for arrays of the host.

        Args:
            walk: Walk through these arrays.
            steps: Most steps that will be made; the history is no longer than they can fill.
            history: Most pairs to keep; None for the optimizer's own number.
        """
        ...

    def like(self, arrays: Mapping[str, Array]) -> Optimizer[StateT, TrialT]:
        """The same optimizer with the history length of a saved state.

        Args:
            arrays: The saved arrays, named as by `descent.tensors`.
        """
        ...

    def adopted(self, state: StateT) -> StateT:
        """Convert a state with another history length to this optimizer's own; outside of a graph."""
        ...

    def init(self, image: Tensor) -> StateT:
        """State at the start.

        Args:
            image: Start, float32, (1, H, W, 3). The first step may do no more than evaluate there.
        """
        ...

    def begin(self, state: StateT) -> tuple[StateT, TrialT]:
        """Prepare a step: the state to step from, and the first trial. Repeating it gives the same bits."""
        ...

    def judge(
        self,
        state: StateT,
        trial: TrialT,
        evaluation: Evaluation,
    ) -> TrialT:
        """The trial after its image was evaluated."""
        ...

    def finish(self, state: StateT, trial: TrialT) -> StateT:
        """State after the step whose trial is over."""
        ...

    def answer(self, state: StateT) -> Tensor:
        """Best estimate of the minimum so far, an image."""
        ...

    def terminate(self, state: StateT) -> Scalar:
        """Whether further steps are useless, boolean tensor."""
        ...

    def ended_by(self, state: StateT) -> str:
        """Why `terminate` is true: "converged" or "line search"."""
        ...

    def set_back(self, state: StateT, factor: float) -> StateT:
        """Restart at the best image, without gradients of the past and with steps scaled by `factor`."""
        ...

    def given_up(self, state: StateT, value: Scalar) -> StateT:
        """State whose answer is the best image, with objective `value`."""
        ...

    def resample(self, state: StateT, image: Tensor) -> StateT:
        """State at the start of the next octave.

        Args:
            state: State at the end of the octave before.
            image: Its answer, resized.
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
