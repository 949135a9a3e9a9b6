"""The compiled program that makes many steps of an octave a call."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from styler.objective.compiled import Compiled
from styler.objective.objective import Objective, Targets
from styler.optimizers.base import AnyOptimizer
from styler.optimizers.descent import Descent, is_over, stepped
from styler.types import Scalar, Tensor


class Advance(NamedTuple):
    """What one call of the compiled program returns.

    Attributes:
        descent: Where it stands.
        steps: That it made.
        seconds: Wall time of a call that was made beforehand, together with others'; else None.
    """

    descent: Descent
    steps: Scalar
    seconds: float | None = None


class Stepper(Protocol):
    """What makes the steps of an octave: a `Program`, or a slot of a batch of pictures that share one."""

    @property
    def optimizer(self) -> AnyOptimizer:
        """Whose steps they are."""
        ...

    @property
    def batch(self) -> int:
        """Images at a time."""
        ...

    @property
    def alone(self) -> Program:
        """What would make them for one picture by itself."""
        ...

    def advance(self, descent: Descent, targets: Targets, steps: int) -> Advance | None:
        """At most so many steps; None if others have to come first, then it is asked again."""
        ...


class Program:
    """AnyOptimizer and objective compiled together.

    Args:
        objective: What to minimize.
        optimizer: How.
        xla: Compile with XLA, once for every image size; else TensorFlow's plain graph, traced once for all.

    Attributes:
        batch: Images at a time.
    """

    batch = 1

    def __init__(self, objective: Objective, optimizer: AnyOptimizer, *, xla: bool) -> None:
        self.objective, self.optimizer, self.xla = objective, optimizer, xla
        self._compiled = Compiled(self._advance, xla=xla)

    @property
    def alone(self) -> Program:
        """This program itself."""
        return self

    def advance(self, descent: Descent, targets: Targets, steps: int) -> Advance:
        """At most `steps` steps in one call; fewer if the optimizer terminates or goes astray.

        A first evaluation is not a step. What comes out after so many steps does not depend on how they are
        spread over calls, to the bit.
        """
        return Advance(*self._compiled(descent, targets, tf.constant(steps)))

    def _advance(self, descent: Descent, targets: Targets, steps: Scalar) -> tuple[Descent, Scalar]:
        evaluate = self.objective.at(targets)

        def goes_on(done: Scalar, descent: Descent) -> Scalar:
            return tf.logical_and(done < steps, tf.logical_not(is_over(self.optimizer, descent)))

        def one_step(done: Scalar, descent: Descent) -> tuple[Scalar, Descent]:
            new = stepped(self.optimizer, descent, evaluate)
            return done + new.state.steps - descent.state.steps, new

        done, descent = tf.while_loop(goes_on, one_step, (tf.constant(0), descent))
        return descent, done


def image_tensor(pixels: Any) -> Tensor:
    """(H, W, 3) array -> (1, H, W, 3) float32 tensor."""
    return tf.constant(pixels, tf.float32)[None]
