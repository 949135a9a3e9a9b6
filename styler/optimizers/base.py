"""What the loop asks of an optimizer."""

from __future__ import annotations

from typing import Any, Protocol

from styler.types import Evaluation, Scalar, Size, Tensor, ValueAndGradient

State = Any
"""A NamedTuple of tensors, the optimizer's own; handed in and returned, never changed in place.

All have `image` (the answer so far), `value` (infinite until evaluated), `steps`, `evaluations`, and `scale`: a factor
of every step, 1 unless a setback has made it smaller.
"""

Trial = Any
"""A NamedTuple of tensors, the optimizer's own: what it wants to know during a step.

All have `image` (where to evaluate next) and `over`: whether the step can be finished with what is known.
"""


class Optimizer(Protocol):
    """Minimizes a function of an image whose values stay within 0..1.

    All methods are pure functions of tensors and can be traced into a graph.
    """

    def init(self, image: Tensor) -> State:
        """State at the start, `image` float32 (1, H, W, 3); the first step may do no more than evaluate there."""
        ...

    def step(self, state: State, objective: ValueAndGradient) -> State:
        """State after one step: `begin`, then `judge` until the trial is over, then `finish`."""
        ...

    def begin(self, state: State) -> tuple[State, Trial]:
        """The state made ready for a step, to the same bits also a second time, and the step's first trial."""
        ...

    def judge(self, state: State, trial: Trial, evaluation: Evaluation) -> Trial:
        """The trial after the objective was evaluated at its image."""
        ...

    def finish(self, state: State, trial: Trial) -> State:
        """State after the step whose trial is over."""
        ...

    def terminate(self, state: State) -> Scalar:
        """Whether further steps are of no use, boolean tensor."""
        ...

    def measured(self, before: State, after: State) -> Tensor:
        """The image that goes with `after.value`, given the states before and after one step."""
        ...

    def ended_by(self, state: State) -> str:
        """Why `terminate` is true: "converged" or "line search"."""
        ...

    def resample(self, state: State, image: Tensor, size: Size) -> State | None:
        """State to continue from at another octave, where `image` is the resized iterate; None to start anew."""
        ...
