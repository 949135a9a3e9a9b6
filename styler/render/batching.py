"""Renders several pictures of one size in one tensor; each has its own optimizer and targets, and ends on its own.

The number of evaluations per step varies from picture to picture. The pictures therefore share evaluations, not steps:
each optimizer supplies the image that it needs evaluated, all of these images pass through the network together, and
each optimizer continues with its own result. The renders themselves are ordinary renders that take turns.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import tensorflow as tf

from styler.objective.compiled import Compiled
from styler.objective.objective import Targets
from styler.optimizers.base import AnyOptimizer, Trial
from styler.optimizers.descent import Descent, is_diverging, is_over, watched
from styler.progress import StepEvent
from styler.render.program import Advance, Program
from styler.types import Evaluation, Scalar

Made = TypeVar("Made")


class MemberState(NamedTuple):
    """One picture of a batch between two evaluations.

    Attributes:
        descent: State after the last complete step.
        trial: Trial of the current step; its image is evaluated next.
        done: Steps completed in this call, int32.
    """

    descent: Descent
    trial: Trial
    done: Scalar


class BatchProgram:
    """An objective and one optimizer for each of several pictures, compiled together.

    Args:
        program: Program for a single picture, with the objective and the optimizer.
        size: Pictures in one tensor.
    """

    def __init__(self, program: Program, size: int) -> None:
        self.program = program
        self.size = size
        self.optimizer = program.optimizer
        self._begin = Compiled(self._begun, xla=program.xla)
        self._compiled = Compiled(self._advance, xla=program.xla)

    def begun(self, descent: Descent) -> MemberState:
        """Return the state of a picture before its first call."""
        member: MemberState = self._begin(descent)
        return member

    def advance(
        self,
        members: Sequence[MemberState],
        targets: Sequence[Targets],
        steps: Sequence[int],
    ) -> list[MemberState]:
        """Evaluate all pictures together until each has made its steps or ended.

        The call makes as many evaluations as the largest number in `steps`. It returns earlier if no picture needs
        another evaluation, or if an optimizer diverges.

        Args:
            members: `size` pictures, all of the same height and width.
            targets: Targets of each picture.
            steps: Maximum number of steps for each picture; 0 leaves a picture unchanged.
        """
        limits = tuple(tf.constant(limit) for limit in steps)
        return list(self._compiled(tuple(members), tuple(targets), limits))

    def _begun(self, descent: Descent) -> MemberState:
        state, trial = self.optimizer.begin(descent.state)
        return MemberState(Descent(state, descent.watch), trial, tf.constant(0))

    def _advance(
        self,
        members: tuple[MemberState, ...],
        targets: tuple[Targets, ...],
        limits: tuple[Scalar, ...],
    ) -> tuple[MemberState, ...]:
        evaluate = self.program.objective.at_all(targets)
        most_evaluations = tf.reduce_max(tf.stack(limits))

        def goes_on(count: Scalar, *members: MemberState) -> Scalar:
            under_way = []
            diverging = []
            for member, limit in zip(members, limits, strict=True):
                under_way.append(self._is_under_way(member, limit))
                diverging.append(tf.logical_and(limit > 0, is_diverging(member.descent.watch)))
            any_under_way = tf.reduce_any(tf.stack(under_way))
            any_diverging = tf.reduce_any(tf.stack(diverging))
            return (count < most_evaluations) & any_under_way & ~any_diverging

        def evaluate_once(count: Scalar, *members: MemberState) -> tuple[Any, ...]:
            evaluations = evaluate([member.trial.image for member in members])
            after = [
                self._after(member, evaluation, limit)
                for member, evaluation, limit in zip(members, evaluations, limits, strict=True)
            ]
            return (count + 1, *after)

        fresh = [member._replace(done=tf.constant(0)) for member in members]
        _, *after = tf.while_loop(goes_on, evaluate_once, (tf.constant(0), *fresh))
        return tuple(after)

    def _is_under_way(self, member: MemberState, limit: Scalar) -> Scalar:
        return tf.logical_and(
            member.done < limit,
            tf.logical_not(is_over(self.optimizer, member.descent)),
        )

    def _after(
        self,
        member: MemberState,
        evaluation: Evaluation,
        limit: Scalar,
    ) -> MemberState:
        """Update a picture with the result of its evaluation; leave it unchanged if it needs no further steps."""
        optimizer = self.optimizer
        state, watch = member.descent

        def evaluated() -> MemberState:
            trial = optimizer.judge(state, member.trial, evaluation)

            def finished() -> MemberState:
                new = optimizer.finish(state, trial)
                new_watch = watched(watch, new.value)
                ready, first_trial = optimizer.begin(new)
                done = member.done + new.steps - state.steps
                return MemberState(Descent(ready, new_watch), first_trial, done)

            return tf.cond(trial.over, finished, lambda: member._replace(trial=trial))

        return tf.cond(self._is_under_way(member, limit), evaluated, lambda: member)


@dataclass(frozen=True, slots=True)
class StepRequest:
    """A picture's request for steps.

    Attributes:
        member: State of the picture.
        targets: Targets of the picture.
        steps: Maximum number of steps.
    """

    member: MemberState
    targets: Targets
    steps: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the image, pixels."""
        height, width = self.member.trial.image.shape[1:3]
        return height, width


class BatchMember:
    """The `Stepper` of one picture in a batch; its steps are made together with those of the other pictures.

    Args:
        batch: Batch that the picture belongs to.
    """

    def __init__(self, batch: PictureBatch) -> None:
        self._batch = batch
        self._state: MemberState | None = None
        self.request: StepRequest | None = None
        self.result: Advance | None = None

    @property
    def optimizer(self) -> AnyOptimizer:
        """See `Stepper`."""
        return self._batch.program.optimizer

    @property
    def single(self) -> Program:
        """See `Stepper`."""
        return self._batch.program.program

    @property
    def xla(self) -> bool:
        """Whether the program is compiled with XLA."""
        return self.single.xla

    @property
    def batch_size(self) -> int:
        """See `Stepper`."""
        return self._batch.program.size

    def advance(
        self,
        descent: Descent,
        targets: Targets,
        steps: int,
    ) -> Advance | None:
        """See `Stepper`; None until all other pictures of the batch have requested steps as well."""
        if self.result is None:
            if self._state is None or self._state.descent is not descent:
                self._state = self._batch.program.begun(descent)
            self.request = StepRequest(self._state, targets, steps)
            self._batch.run_requests()
        result = self.result
        self.result = None
        return result

    def complete(
        self,
        state: MemberState,
        steps: int,
        seconds: float,
    ) -> None:
        """Complete the request; the result is kept until the picture calls `advance` again."""
        self._state = state
        self.request = None
        self.result = Advance(state.descent, steps, seconds)


class PictureBatch:
    """Pictures that are rendered together.

    If a batch has fewer pictures than its program takes, it is filled up with copies that make no steps. The result of
    a picture therefore does not depend on the number of other pictures.

    Args:
        program: Program that the pictures share.
    """

    def __init__(self, program: BatchProgram) -> None:
        self.program = program
        self._members: list[BatchMember] = []

    def add(self) -> BatchMember:
        """Add a picture and return its stepper."""
        member = BatchMember(self)
        self._members.append(member)
        return member

    def run_requests(self) -> None:
        """Make the steps of the coarsest pictures, once every picture has requested steps."""
        waiting = [(member, member.request) for member in self._members if member.request]
        if len(waiting) < len(self._members):
            return
        smallest = min((request.size for _, request in waiting), key=math.prod)
        chosen = [(member, request) for member, request in waiting if request.size == smallest]
        chosen = chosen[: self.program.size]
        requests = [request for _, request in chosen]
        filler = StepRequest(requests[0].member, requests[0].targets, steps=0)
        requests += [filler] * (self.program.size - len(requests))
        started = time.perf_counter()
        states = self.program.advance(
            [request.member for request in requests],
            [request.targets for request in requests],
            [request.steps for request in requests],
        )
        steps = [int(state.done) for state in states]
        seconds = time.perf_counter() - started
        for (member, _), state, count in zip(chosen, states, steps, strict=False):
            member.complete(state, count, seconds)

    def run(
        self,
        renders: Sequence[Generator[StepEvent, None, Made]],
        heard: Callable[[int, StepEvent], object],
    ) -> list[Made]:
        """Run renders to their ends, one call of each in turn.

        Args:
            renders: One render for each picture, in the order in which they were added.
            heard: Called with the index of a render and its event, for every event with a new step.

        Returns:
            The results of the renders, in the same order.
        """
        members = list(self._members)
        under_way = dict(enumerate(renders))
        results: dict[int, Made] = {}
        latest = dict.fromkeys(under_way, -1)
        try:
            for number in _rounds(under_way):
                try:
                    event = next(under_way[number])
                except StopIteration as end:
                    results[number] = end.value
                    self._members.remove(members[number])
                    del under_way[number]
                    continue
                if event.step > latest[number]:
                    latest[number] = event.step
                    heard(number, event)
        finally:
            for render in under_way.values():
                render.close()
        return [results[number] for number in sorted(results)]


def _rounds(under_way: dict[int, Any]) -> Iterator[int]:
    """Yield the keys again and again until none are left."""
    while under_way:
        yield from list(under_way)
