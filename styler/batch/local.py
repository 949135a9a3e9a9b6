"""The local engine: worker processes on this machine, each with its own TensorFlow."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from styler.batch.engine import Assignment, Begun, Broken, Lost, Message, Ready, Step
from styler.batch.worker import (
    Made,
    Pictures,
    Placement,
    Studio,
    StudioFactory,
    Stylizers,
    described,
    may_pass,
    render_assignments,
    written,
)
from styler.errors import BatchError
from styler.progress import StepEvent

BROKEN_STARTS = 3  # failed starts in a row after which the engine gives up
SPAWN = multiprocessing.get_context("spawn")  # a forked process may hang if its parent has run TensorFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A worker as the driver sees it."""

    process: SpawnProcess
    connection: Connection
    placement: Placement
    log: Path


class LocalEngine:
    """Runs one process for each placement and replaces processes that die.

    Args:
        placements: Threads and GPU of each worker.
        make_studio: Module-level function that makes the studio in each process.
    """

    def __init__(self, placements: Sequence[Placement], make_studio: StudioFactory = Stylizers) -> None:
        self._placements = list(placements)
        self._make_studio = make_studio
        self._members: dict[int, _Member] = {}
        self._proven: set[int] = set()
        self._started = self._broken_starts = 0

    @property
    def workers(self) -> int:
        """The number of workers."""
        return len(self._placements)

    def __enter__(self) -> LocalEngine:
        """Start all processes."""
        self._logs = temporary_folder("styler-batch-")
        for placement in self._placements:
            self._start(placement)
        return self

    def __exit__(self, *error: object) -> None:
        """Kill all processes and abandon any work in progress."""
        for member in self._members.values():
            member.process.kill()
        for member in self._members.values():
            member.process.join()
            member.connection.close()
        self._members.clear()
        self._logs.cleanup()

    def give(
        self,
        worker: int,
        assignments: Sequence[Assignment],
        upcoming: Sequence[Path],
    ) -> None:
        """Send assignments to a ready worker; if it has just died, `messages` reports that."""
        try:
            self._members[worker].connection.send((tuple(assignments), tuple(upcoming)))
        except OSError:
            return

    def messages(self, seconds: float) -> list[Message]:
        """Return new messages from the workers; wait up to `seconds` for the first one.

        Raises:
            BatchError: Several workers in a row died before they were ready.
        """
        sources: list[Any] = [member.connection for member in self._members.values()]
        sources += [member.process.sentinel for member in self._members.values()]
        wait(sources, seconds)
        heard: list[Message] = []
        for number, member in list(self._members.items()):
            gone = not member.process.is_alive()  # asked first, so that no message sent before the end is lost
            said = list(_received(member.connection))
            if said:
                self._proven.add(number)
                self._broken_starts = 0
            heard += said
            if gone:
                heard.append(self._replaced(number))
        return heard

    def _replaced(self, number: int) -> Lost:
        member = self._members.pop(number)
        member.process.join()
        member.connection.close()
        reason = _last_words(member)
        if number not in self._proven:
            self._broken_starts += 1
        if self._broken_starts >= BROKEN_STARTS:
            message = f"{BROKEN_STARTS} workers in a row ended before they could begin: {reason}. A script must call "
            raise BatchError(message + "render_batch under `if __name__ == '__main__':`")
        self._start(member.placement)
        return Lost(worker=number, reason=reason)

    def _start(self, placement: Placement) -> None:
        number = self._started
        self._started += 1
        ours, theirs = SPAWN.Pipe()
        log = Path(self._logs.name) / f"{number}.log"
        process = SPAWN.Process(
            target=serve,
            args=(theirs, number, placement, self._make_studio, log),
            daemon=True,
            name=f"styler-{number}",
        )
        _start_shielded(process)
        theirs.close()
        self._members[number] = _Member(
            process=process,
            connection=ours,
            placement=placement,
            log=log,
        )


def temporary_folder(prefix: str) -> tempfile.TemporaryDirectory[str]:
    """Create a temporary folder that is deleted after use.

    Raises:
        BatchError: The folder cannot be created.
    """
    try:
        return tempfile.TemporaryDirectory(prefix=prefix)
    except OSError as cause:
        message = f"cannot create a folder for temporary files: {cause.strerror or cause}; name another in TMPDIR"
        raise BatchError(message) from cause


def _start_shielded(process: SpawnProcess) -> None:
    """Start a process with SIGINT blocked until it ignores SIGINT, since Ctrl-C reaches the whole process group."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _received(connection: Connection) -> list[Message]:
    """Return all messages that have arrived; drop one that was cut off when the worker died."""
    heard: list[Message] = []
    try:
        while connection.poll():
            heard.append(connection.recv())
    except (EOFError, OSError):
        pass
    return heard


def _last_words(member: _Member) -> str:
    """Describe how a process ended, with the last line that it wrote to stderr."""
    code = member.process.exitcode or 0
    try:
        lines = member.log.read_text("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    said = next((f": {line.strip()}" for line in reversed(lines) if line.strip()), "")
    if code >= 0:
        return f"the worker exited with status {code}{said}"
    hint = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
    return f"the worker was killed by {signal.Signals(-code).name}{hint}{said}"


def serve(
    connection: Connection,
    number: int,
    placement: Placement,
    make_studio: StudioFactory,
    log: Path,
) -> None:
    """Run a worker process until the driver closes the connection."""
    _settle(log)
    _Server(connection, number, placement, make_studio(placement)).run()


def _settle(log: Path) -> None:
    """Ignore Ctrl-C (the driver handles it), send output to a log, and end the process when the driver ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    threading.Thread(target=_follow_the_driver, daemon=True).start()


def _follow_the_driver() -> None:
    driver = multiprocessing.parent_process()
    if driver is not None:
        driver.join()
        os.kill(os.getpid(), signal.SIGKILL)  # a gentler signal would not interrupt a running computation


class _Server:
    """Renders assignments until the driver closes the connection, writing one picture while rendering the next."""

    def __init__(
        self,
        connection: Connection,
        number: int,
        placement: Placement,
        studio: Studio,
    ) -> None:
        self._connection = connection
        self._number = number
        self._placement = placement
        self._studio = studio
        self._pictures = Pictures()
        self._writer = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
        self._speaking = threading.Lock()

    def run(self) -> None:
        """Carry out assignments until the batch ends."""
        while True:
            self._tell(Ready(worker=self._number))
            try:
                assignments, upcoming = self._connection.recv()
            except EOFError:
                return
            for each in assignments:
                self._tell(Begun(worker=self._number, number=each.number))
            files = [path for each in assignments for path in each.inputs.items]
            self._pictures.read_ahead((*files, *upcoming), assignments[0].max_pixels)
            self._carry_out(assignments)

    def _carry_out(self, assignments: Sequence[Assignment]) -> None:
        for assignment, made, together in render_assignments(
            self._studio, self._pictures, assignments, self._tell_step
        ):
            if isinstance(made, Exception):
                self._tell_broken(assignment, made)
                continue
            if self._writing is not None:
                self._writing.result()  # only one picture at a time may wait to be written
            self._writing = self._writer.submit(self._write, made, assignment, together)

    def _write(
        self,
        made: Made,
        assignment: Assignment,
        together: int,
    ) -> None:
        try:
            self._tell(
                written(
                    made,
                    assignment,
                    self._number,
                    self._placement.threads,
                    together,
                )
            )
        except Exception as error:  # any error fails this picture only, not the batch
            self._tell_broken(assignment, error)

    def _tell_step(self, number: int, event: StepEvent) -> None:
        left = event.seconds_left
        self._tell(
            Step(
                worker=self._number,
                number=number,
                step=event.step,
                total=event.total,
                seconds_left=left,
            )
        )

    def _tell_broken(self, assignment: Assignment, error: Exception) -> None:
        broken = Broken(
            worker=self._number,
            number=assignment.number,
            error=described(error),
            may_pass=may_pass(error),
        )
        self._tell(broken)

    def _tell(self, message: Message) -> None:
        with self._speaking:
            self._connection.send(message)
