"""Several pictures of one size as one tensor, each with its own optimizer, targets and end.

A step is a few evaluations of the objective, and how many differs from picture to picture. So what is done together
is one evaluation after the other: each picture says which image it wants to know about, all of these pass through the
network at once, and each goes on from its own answer. The renders themselves are ordinary ones that take turns.
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
from styler.optimizers.base import AnyOptimizer
from styler.optimizers.descent import Descent, is_astray, is_over, watched
from styler.progress import StepEvent
from styler.render.program import Advance, Program
from styler.types import Evaluation, Scalar

Made = TypeVar("Made")


class Place(NamedTuple):
    """One picture in a call of the compiled program.

    Attributes:
        descent: Where it stands after its last whole step.
        trial: What its optimizer wants to know next.
        done: Steps made in this call.
    """

    descent: Descent
    trial: Any
    done: Scalar


class Joint:
    """An optimizer for several pictures and an objective, compiled together.

    Args:
        program: For one picture; its objective and optimizer.
        count: Pictures in one tensor.
    """

    def __init__(self, program: Program, count: int) -> None:
        self.program, self.count, self.optimizer = program, count, program.optimizer
        self._compiled = Compiled(self._advance, xla=program.xla)
        self._begin = Compiled(self._begun, xla=program.xla)

    def begun(self, descent: Descent) -> Place:
        """A picture that no call has seen yet."""
        place: Place = self._begin(descent)
        return place

    def advance(self, places: Sequence[Place], targets: Sequence[Targets], most: Sequence[int]) -> list[Place]:
        """As many evaluations as the largest of `most`, or fewer if nobody needs them or somebody goes astray.

        Args:
            places: Of `count` pictures of one size.
            targets: What each is compared with.
            most: Steps that each makes at most; 0 to leave it as it is.
        """
        limits = tuple(tf.constant(each) for each in most)
        made = self._compiled(tuple(places), tuple(targets), limits)
        return list(made)

    def _begun(self, descent: Descent) -> Place:
        state, trial = self.optimizer.begin(descent.state)
        return Place(Descent(state, descent.watch), trial, tf.constant(0))

    def _advance(
        self, places: tuple[Place, ...], targets: tuple[Targets, ...], most: tuple[Scalar, ...]
    ) -> tuple[Place, ...]:
        evaluate, rounds = self.program.objective.at_all(targets), tf.reduce_max(tf.stack(most))

        def goes_on(number: Scalar, *places: Place) -> Scalar:
            each = list(zip(places, most, strict=True))
            under_way = [self._is_under_way(place, limit) for place, limit in each]
            lost = [tf.logical_and(limit > 0, is_astray(place.descent.watch)) for place, limit in each]
            return (number < rounds) & tf.reduce_any(tf.stack(under_way)) & ~tf.reduce_any(tf.stack(lost))

        def one_round(number: Scalar, *places: Place) -> tuple[Any, ...]:
            seen = evaluate([place.trial.image for place in places])
            each = zip(places, seen, most, strict=True)
            return (number + 1, *(self._after(place, evaluation, limit) for place, evaluation, limit in each))

        start = tuple(place._replace(done=tf.constant(0)) for place in places)
        return tuple(tf.while_loop(goes_on, one_round, (tf.constant(0), *start))[1:])

    def _is_under_way(self, place: Place, most: Scalar) -> Scalar:
        return tf.logical_and(place.done < most, tf.logical_not(is_over(self.optimizer, place.descent)))

    def _after(self, place: Place, evaluation: Evaluation, most: Scalar) -> Place:
        """A picture with the answer to what it wanted to know, if it is still under way."""
        return tf.cond(self._is_under_way(place, most), lambda: self._answered(place, evaluation), lambda: place)

    def _answered(self, place: Place, evaluation: Evaluation) -> Place:
        (state, watch), optimizer = place.descent, self.optimizer
        trial = optimizer.judge(state, place.trial, evaluation)

        def stepped() -> Place:
            new = optimizer.finish(state, trial)
            seen = watched(watch, new.value)
            ready, first = optimizer.begin(new)
            return Place(Descent(ready, seen), first, place.done + new.steps - state.steps)

        return tf.cond(trial.over, stepped, lambda: place._replace(trial=trial))


@dataclass
class Asked:
    """Steps that a picture waits for."""

    place: Place
    targets: Targets
    most: int


class Seat:
    """Makes the steps of one picture, as a `Program` does, but together with those at the same table.

    Args:
        table: Where the others sit.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._place: Place | None = None
        self.asked: Asked | None = None
        self.answer: Advance | None = None

    @property
    def optimizer(self) -> AnyOptimizer:
        """Whose steps they are."""
        return self._table.joint.optimizer

    @property
    def alone(self) -> Program:
        """What would make them for this picture alone."""
        return self._table.joint.program

    @property
    def xla(self) -> bool:
        """Whether they are compiled with XLA."""
        return self.alone.xla

    @property
    def batch(self) -> int:
        """Images at a time."""
        return self._table.joint.count

    def advance(self, descent: Descent, targets: Targets, steps: int) -> Advance | None:
        """At most so many steps; None until all others at the table have asked as well."""
        if self.answer is None:
            if self._place is None or self._place.descent is not descent:
                self._place = self._table.joint.begun(descent)
            self.asked = Asked(self._place, targets, steps)
            self._table.serve()
        answer, self.answer = self.answer, None
        return answer

    def served(self, place: Place, made: int, seconds: float) -> None:
        """Keep what was made until this picture asks again."""
        self.asked, self._place = None, place
        self.answer = Advance(place.descent, made, seconds)


class Table:
    """Where pictures meet that are rendered together.

    With fewer pictures than places the program is filled up with copies that make no steps, so that what comes out
    does not depend on how many there are.

    Args:
        joint: The program that they share.
    """

    def __init__(self, joint: Joint) -> None:
        self.joint = joint
        self._seats: list[Seat] = []

    def seat(self) -> Seat:
        """A place for one picture."""
        self._seats.append(Seat(self))
        return self._seats[-1]

    def serve(self) -> None:
        """Make the steps of the coarsest pictures, if all have said what they wait for."""
        if not all(seat.asked for seat in self._seats):
            return
        waiting = [(seat, seat.asked) for seat in self._seats if seat.asked]
        size = min((_size(asked) for _, asked in waiting), key=math.prod)
        chosen = [(seat, asked) for seat, asked in waiting if _size(asked) == size][: self.joint.count]
        orders = [asked for _, asked in chosen]
        filler = Asked(orders[0].place, orders[0].targets, 0)
        orders += [filler] * (self.joint.count - len(orders))
        started = time.perf_counter()
        made = self.joint.advance(*zip(*((each.place, each.targets, each.most) for each in orders), strict=True))
        steps = [int(place.done) for place in made]
        seconds = time.perf_counter() - started
        for (seat, _), place, count in zip(chosen, made, steps, strict=False):
            seat.served(place, count, seconds)

    def in_turn(
        self, renders: Sequence[Generator[StepEvent, None, Made]], heard: Callable[[int, StepEvent], object]
    ) -> list[Made]:
        """Take renders to their ends, a call of each in turn.

        Args:
            renders: One for each seat, in their order.
            heard: Told of every event that brings something new, with the number of its render.

        Returns:
            What they return.
        """
        seats, under_way = list(self._seats), dict(enumerate(renders))
        results: dict[int, Made] = {}
        latest = dict.fromkeys(under_way, -1)
        try:
            for number in _rounds(under_way):
                try:
                    event = next(under_way[number])
                except StopIteration as end:
                    results[number] = end.value
                    self._seats.remove(seats[number])
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
    """The keys again and again, until none are left."""
    while under_way:
        yield from list(under_way)


def _size(asked: Asked) -> tuple[int, int]:
    height, width = asked.place.trial.image.shape[1:3]
    return height, width
