"""The compiled program that makes many steps of an octave in one call."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from styler.objective.compiled import Compiled
from styler.objective.objective import Objective, Targets
from styler.optimizers.base import AnyOptimizer
from styler.optimizers.descent import Descent, is_over, stepped
from styler.types import Scalar, Tensor


class Advance(NamedTuple):
    """Result of one call of the compiled program.

    Attributes:
        descent: State after the call.
        steps: Steps made.
        seconds: Wall time of a call that served a whole batch; None if the caller measures the time itself.
    """

    descent: Descent
    steps: Scalar
    seconds: float | None = None


class Stepper(Protocol):
    """Makes the steps of an octave: a `Program`, or a member of a batch of pictures that share one."""

    @property
    def optimizer(self) -> AnyOptimizer:
        """Optimizer that makes the steps."""
        ...

    @property
    def batch_size(self) -> int:
        """Pictures in one tensor."""
        ...

    @property
    def single(self) -> Program:
        """Program for a single picture."""
        ...

    def advance(
        self,
        descent: Descent,
        targets: Targets,
        steps: int,
    ) -> Advance | None:
        """Make at most `steps` steps; return None if other pictures must request steps before the call is repeated."""
        ...


class Program:
    """An optimizer and an objective, compiled together.

    Args:
        objective: Objective to minimize.
        optimizer: Optimizer that minimizes it.
        xla: Whether to compile with XLA, once per image size, or as a plain TensorFlow graph, once for all sizes.

    Attributes:
        batch_size: Pictures in one tensor.
    """

    batch_size = 1

    def __init__(
        self,
        objective: Objective,
        optimizer: AnyOptimizer,
        *,
        xla: bool,
    ) -> None:
        self.objective = objective
        self.optimizer = optimizer
        self.xla = xla
        self._compiled = Compiled(self._advance, xla=xla)

    @property
    def single(self) -> Program:
        """This program itself."""
        return self

    def advance(
        self,
        descent: Descent,
        targets: Targets,
        steps: int,
    ) -> Advance:
        """Make at most `steps` steps in one call; fewer if the optimizer terminates or diverges.

        The very first evaluation is not a step. The result is the same, bit for bit, however the steps are divided into
        calls.
        """
        descent, done = self._compiled(descent, targets, tf.constant(steps))
        return Advance(descent, done)

    def _advance(
        self,
        descent: Descent,
        targets: Targets,
        steps: Scalar,
    ) -> tuple[Descent, Scalar]:
        evaluate = self.objective.at(targets)

        def goes_on(done: Scalar, descent: Descent) -> Scalar:
            over = is_over(self.optimizer, descent)
            return tf.logical_and(done < steps, tf.logical_not(over))

        def one_step(done: Scalar, descent: Descent) -> tuple[Scalar, Descent]:
            new = stepped(self.optimizer, descent, evaluate)
            return done + new.state.steps - descent.state.steps, new

        done, descent = tf.while_loop(goes_on, one_step, (tf.constant(0), descent))
        return descent, done


def image_tensor(pixels: Any) -> Tensor:
    """Convert an array (H, W, 3) to a float32 tensor (1, H, W, 3)."""
    return tf.constant(pixels, tf.float32)[None]
