"""Carry out a plan: send tasks to an engine, record progress in the ledger, and retry temporary failures."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from styler.batch.engine import Assignment, Begun, Broken, Engine, Finished, Lost, Message, Ready, Step
from styler.batch.events import BatchEvent, BatchObserver, Ended, Outcome, Started, Stepped
from styler.batch.forecast import work
from styler.batch.grouping import ALONE, Grouping
from styler.batch.ledger import DONE, FAILED, RETRYING, STARTED, Entry, Ledger
from styler.batch.plan import Task
from styler.batch.recipe import own_network, recipe_words

PATIENCE = 0.5  # seconds between checks of whether to stop
BYSTANDER = 10  # how often a task may lose its worker without using up a try, if it was probably not the cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How tasks are carried out.

    Attributes:
        folder: Output folder.
        retries: How many times to retry a task after an error that may be temporary.
        observer: Called with an event for every start, step and end of a job.
        stop: Called twice a second. When it returns true, no more tasks are started; running tasks finish.
    """

    folder: Path
    retries: int
    observer: BatchObserver
    stop: Callable[[], bool]


class Run:
    """One pass over the tasks of a plan.

    Args:
        tasks: Tasks in the order in which to start them.
        engine: Engine whose workers have been started.
        ledger: Open ledger.
        manner: Folder, retries and callbacks of the run.
        grouping: Which tasks are rendered together.
    """

    def __init__(
        self,
        tasks: list[Task],
        engine: Engine,
        ledger: Ledger,
        manner: Manner,
        grouping: Grouping = ALONE,
    ) -> None:
        self._tasks = tasks
        self._engine = engine
        self._ledger = ledger
        self._manner = manner
        self._together = grouping.count
        self._kinds = [grouping.kind(task) for task in tasks]
        self._queue = deque(range(len(tasks)))
        self._reserved: dict[int, list[int]] = {}  # worker -> tasks whose images it is reading ahead
        self._running: dict[int, int] = {}  # task -> worker
        self._idle: list[int] = []
        self._tries: Counter[int] = Counter()
        self._hurt: set[int] = set()  # tasks that failed or whose worker was lost
        self._bystanders: Counter[int] = Counter()
        self._work = [work(task.job.config, task.size) for task in tasks]
        self._left, self._begun_at = sum(self._work), 0.0

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcome of each task as soon as it is known.

        Raises:
            BatchError: No worker can be started, or the ledger cannot be written.
        """
        while self._queue or self._reserved or self._running:
            if self._manner.stop():
                self._queue.clear()
                self._reserved.clear()
            self._hand_out()
            for message in self._engine.messages(PATIENCE):
                yield from self._note(message)

    def _hand_out(self) -> None:
        while self._idle and (self._queue or self._reserved):
            worker = self._idle.pop(0)
            numbers = self._next_for(worker)
            for number in numbers:
                self._running[number] = worker
                self._tries[number] += 1
            self._engine.give(worker, [self._assignment(number) for number in numbers], self._read_ahead(worker))

    def _next_for(self, worker: int) -> list[int]:
        """Return the worker's reserved tasks, else the next in the queue, else those reserved for a busy worker."""
        if worker in self._reserved:
            return self._reserved.pop(worker)
        if self._queue:
            return self._taken()
        return self._reserved.pop(next(iter(self._reserved)))

    def _taken(self) -> list[int]:
        """Take the next task from the queue, with others to render together as long as all workers have enough.

        A task that failed before is retried alone, so that it cannot harm others.
        """
        first = self._queue.popleft()
        kind = self._kinds[first]
        others = list(islice(self._queue, self._together - 1))
        alike = kind is not None and all(self._kinds[number] == kind for number in others)
        enough = len(self._queue) + 1 >= self._together * self._engine.workers
        if not (alike and enough) or self._hurt.intersection((first, *others)):
            return [first]
        return [first, *(self._queue.popleft() for _ in others)]

    def _read_ahead(self, worker: int) -> list[Path]:
        if not self._queue:
            return []
        self._reserved[worker] = self._taken()
        files = [path for number in self._reserved[worker] for path in self._tasks[number].job.inputs.items]
        return [path.absolute() for path in files]

    def _assignment(self, number: int) -> Assignment:
        task = self._tasks[number]
        target = (self._manner.folder / task.job.name).absolute()
        target.parent.mkdir(parents=True, exist_ok=True)
        return Assignment(
            number=number,
            inputs=task.job.inputs.map(Path.absolute),
            config=task.job.config,
            shape=task.size if task.snapped else None,
            target=target,
            export=task.job.export,
            max_pixels=task.job.max_pixels,
            with_recipe=task.job.with_recipe,
            digests={path.absolute(): sha256 for path, sha256 in (task.digests | own_network(task.job)).items()},
            masks=tuple((self._manner.folder / mask).absolute() for mask in task.job.masks),
        )

    def _note(self, message: Message) -> Iterator[Outcome]:
        """Handle one message; ignore messages about tasks that their sender no longer runs."""
        if isinstance(message, Ready):
            self._idle.append(message.worker)
        elif isinstance(message, Lost):
            yield from self._note_lost(message)
        elif self._running.get(message.number) == message.worker:
            yield from self._note_task(message)

    def _note_task(self, message: Begun | Step | Finished | Broken) -> Iterator[Outcome]:
        job = self._tasks[message.number].job
        if isinstance(message, Begun):
            self._begun_at = self._begun_at or time.monotonic()
            self._log(
                message.number,
                STARTED,
                worker=message.worker,
                attempt=self._tries[message.number],
            )
            self._tell(Started(job=job, worker=message.worker))
        elif isinstance(message, Step):
            left = message.seconds_left
            event = Stepped(
                job=job,
                worker=message.worker,
                step=message.step,
                total=message.total,
                seconds_left=left,
            )
            self._tell(event)
        elif isinstance(message, Finished):
            yield self._finished(message)
        else:
            yield from self._broken(message.number, message.error, message.may_pass)

    def _finished(self, message: Finished) -> Outcome:
        task = self._tasks[message.number]
        self._log(
            message.number,
            DONE,
            worker=message.worker,
            attempt=self._tries[message.number],
            seconds=message.seconds,
            bytes=message.size,
            sha256=message.sha256,
            size=list(task.size),
            fast_shapes=task.snapped,
            threads=message.threads,
            together=message.together,
            peak_memory=message.peak_memory,
            network=task.job.config.network,
            work=self._work[message.number],
            **({"masks": message.masks} if message.masks else {}),
            **recipe_words(task.job),
        )
        return self._end(message.number, DONE, seconds=message.seconds)

    def _note_lost(self, message: Lost) -> Iterator[Outcome]:
        self._idle = [worker for worker in self._idle if worker != message.worker]
        if message.worker in self._reserved:
            self._queue.extendleft(reversed(self._reserved.pop(message.worker)))
        hit = [number for number, worker in self._running.items() if worker == message.worker]
        self._hurt.update(hit)
        for number in hit[:-1]:  # rendered together with the last one, or being written while that was computed
            self._bystanders[number] += 1
            self._tries[number] -= self._bystanders[number] <= BYSTANDER
        for number in hit:
            yield from self._broken(number, message.reason, True)

    def _broken(
        self,
        number: int,
        error: str,
        may_pass: bool,
    ) -> Iterator[Outcome]:
        task = self._tasks[number]
        if may_pass and self._tries[number] <= self._manner.retries and not self._manner.stop():
            worker = self._running.pop(number)
            self._hurt.add(number)
            self._log(
                number,
                RETRYING,
                attempt=self._tries[number],
                error=error,
            )
            self._queue.append(number)
            self._tell(
                Ended(
                    job=task.job,
                    worker=worker,
                    outcome=None,
                    reason=error,
                )
            )
            return
        self._log(
            number,
            FAILED,
            attempt=self._tries[number],
            error=error,
            **recipe_words(task.job),
        )
        yield self._end(number, FAILED, error=error)

    def _end(
        self,
        number: int,
        state: str,
        **facts: Any,
    ) -> Outcome:
        job = self._tasks[number].job
        worker = self._running.pop(number)
        path = self._manner.folder / job.name
        outcome = Outcome(
            job=job,
            state=state,
            path=path,
            attempts=self._tries[number],
            **facts,
        )
        self._left -= self._work[number]
        self._tell(
            Ended(
                job=job,
                worker=worker,
                outcome=outcome,
                seconds_left=self._seconds_left(),
            )
        )
        return outcome

    def _seconds_left(self) -> float | None:
        done = sum(self._work) - self._left
        return (time.monotonic() - self._begun_at) * self._left / done if done and self._begun_at else None

    def _log(
        self,
        number: int,
        state: str,
        **facts: Any,
    ) -> None:
        task = self._tasks[number]
        self._ledger.append(
            Entry(
                job=task.job.name,
                state=state,
                recipe=task.recipe,
                facts=facts,
            )
        )

    def _tell(self, event: BatchEvent) -> None:
        self._manner.observer(event)
