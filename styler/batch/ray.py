"""The Ray engine: actors on the nodes of a cluster render pictures and send them back to this machine."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from styler.batch.engine import Assignment, Begun, Broken, Finished, Lost, Message, Ready
from styler.batch.layout import ADDRESS, Resources
from styler.batch.recipe import digest
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
from styler.errors import BatchError, OutputError
from styler.images.atomic import write_bytes
from styler.recipe import with_names

BROKEN_STARTS = 3  # failed starts in a row after which the engine gives up
ANSWER = 10.0  # seconds to wait for a machine to answer; any suitable network is faster
LOCAL = "local"  # Ray's name for a new cluster on this machine only


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A worker as the driver sees it: an actor and its current work."""

    actor: Any
    placement: Placement
    started: bool  # whether it has ever been ready
    pending: Any  # Ray reference to the expected answer


class RayEngine:
    """Runs one actor per GPU of the cluster, or per group of CPU cores, and replaces actors that are lost.

    An actor waits until the cluster has room for it.

    Args:
        resources: Numbers of workers and threads; None chooses numbers that suit the cluster.
        tasks: Number of tasks, which is also the maximum number of actors.
        memory: Bytes of memory to request for each actor until the first picture shows how much one needs.
        make_studio: Module-level function that makes the studio in each actor.
    """

    def __init__(
        self,
        resources: Resources,
        tasks: int,
        memory: int,
        make_studio: StudioFactory = Stylizers,
    ) -> None:
        self._resources = resources
        self._tasks = tasks
        self._memory = memory
        self._make_studio = make_studio
        self._members: dict[int, _Member] = {}
        self._targets: dict[int, Path] = {}
        self._stored: dict[str, Any] = {}
        self._heard: list[Message] = []
        self._started = self._broken_starts = 0
        self._measured = 0
        self._connected = False

    @property
    def workers(self) -> int:
        """The number of workers, including those that are still starting."""
        return len(self._members)

    def __enter__(self) -> RayEngine:
        """Connect to the cluster and request all actors.

        Raises:
            BatchError: Ray is not installed, or there is no cluster at the address.
        """
        import ray

        self._connected = connect(self._resources.ray_address)
        for placement in cluster_layout(ray.cluster_resources(), self._resources, self._tasks):
            self._start(placement)
        return self

    def __exit__(self, *error: object) -> None:
        """Kill all actors, and close the connection if this engine opened it."""
        import ray

        for member in self._members.values():
            ray.kill(member.actor)
        self._members.clear()
        self._stored.clear()
        if self._connected:
            ray.shutdown()

    def give(
        self,
        worker: int,
        assignments: Sequence[Assignment],
        upcoming: Sequence[Path],
    ) -> None:
        """Send assignments to a ready worker; it gets files that its machine lacks from the object store."""
        member = self._members[worker]
        files = {}
        given = []
        for each in assignments:
            try:
                files.update(self._stored_files(each))
            except OSError as problem:  # the file has disappeared since the plan was made
                self._heard += [Begun(worker=worker, number=each.number), _broken(each, problem, worker)]
                continue
            given.append(each)
            self._targets[each.number] = each.target
            self._heard.append(Begun(worker=worker, number=each.number))
        if given:
            pending = member.actor.render.remote(given, files, tuple(upcoming))
            self._members[worker] = replace(member, started=True, pending=pending)
        else:
            self._heard.append(Ready(worker=worker))

    def messages(self, seconds: float) -> list[Message]:
        """Return new messages from the actors; wait up to `seconds` for the first one.

        Raises:
            BatchError: Several actors in a row died before they were ready.
        """
        import ray

        heard, self._heard = self._heard, []
        pending = {member.pending: worker for worker, member in self._members.items() if member.pending is not None}
        if pending:
            done, _ = ray.wait(list(pending), num_returns=1, timeout=0 if heard else seconds)
            for reference in done:
                heard += self._answered(pending[reference], reference)
        return heard

    def _answered(self, worker: int, reference: Any) -> list[Message]:
        """Turn the answer of an actor into messages; the last one says that the worker is ready again."""
        import ray

        member = self._members[worker]
        try:
            answers = ray.get(reference)
        except ray.exceptions.RayError as problem:
            return [self._replaced(worker, problem)]
        self._members[worker] = replace(member, pending=None)
        self._broken_starts = 0
        taken = [self._taken(replace(answer, worker=worker), files) for answer, files in answers]
        return [*taken, Ready(worker=worker)]

    def _taken(self, answer: Finished | Broken, files: Mapping[str, bytes]) -> Message:
        if isinstance(answer, Broken):
            return answer
        self._measured = max(self._measured, answer.peak_memory)
        return self._kept(answer, files)

    def _kept(self, answer: Finished, files: Mapping[str, bytes]) -> Message:
        """Write a picture that a worker has sent, after its masks."""
        target = self._targets.pop(answer.number)
        try:
            for name, data in files.items():
                write_bytes(target.with_name(name), data, overwrite=True)
        except OutputError as problem:
            for name in answer.masks:
                target.with_name(name).unlink(missing_ok=True)
            error = described(problem)
            passing = may_pass(problem)
            return Broken(
                worker=answer.worker,
                number=answer.number,
                error=error,
                may_pass=passing,
            )
        return answer

    def _replaced(self, worker: int, problem: Exception) -> Lost:
        import ray

        member = self._members.pop(worker)
        with suppress(ray.exceptions.RayError, ValueError):
            ray.kill(member.actor)
        reason = f"the Ray worker was lost: {first_line(problem)}"
        self._broken_starts += not member.started
        if self._broken_starts >= BROKEN_STARTS:
            message = f"{BROKEN_STARTS} Ray workers in a row ended before they could begin: {reason}"
            raise BatchError(message)
        self._start(member.placement)
        return Lost(worker=worker, reason=reason)

    def _start(self, placement: Placement) -> None:
        import ray

        resources: dict[str, Any] = {"num_cpus": placement.threads or 1, "memory": self._measured or self._memory}
        if placement.gpu is not None:
            resources["num_gpus"] = 1  # Ray shows each actor only its own GPU
        actor = ray.remote(Actor).options(**resources, max_restarts=0).remote(placement, self._make_studio)
        self._members[self._started] = _Member(
            actor=actor,
            placement=placement,
            started=False,
            pending=actor.ready.remote(),
        )
        self._started += 1

    def _stored_files(self, assignment: Assignment) -> dict[Path, tuple[str, Any]]:
        """Put the input files into the object store, each once.

        Returns:
            The SHA-256 of each file and a reference to its bytes in the object store, by path.

        Raises:
            OSError: A file cannot be read.
        """
        import ray

        for path, sha256 in assignment.digests.items():
            if sha256 not in self._stored:
                self._stored[sha256] = ray.put(path.read_bytes())
        return {path: (sha256, self._stored[sha256]) for path, sha256 in assignment.digests.items()}


class Actor:
    """A worker on a node of the cluster; it uses one studio for its whole life.

    Args:
        placement: Threads and GPU of the worker.
        make_studio: Function that makes the studio.
    """

    def __init__(self, placement: Placement, make_studio: StudioFactory) -> None:
        self._placement = placement
        self._studio: Studio = make_studio(placement)
        self._pictures = Pictures()
        self._folder = tempfile.TemporaryDirectory(prefix="styler-ray-")

    def ready(self) -> list[Any]:
        """Return no messages; the answer shows that the studio is ready."""
        return []

    def render(
        self,
        assignments: Sequence[Assignment],
        files: Mapping[Path, tuple[str, Any]],
        upcoming: Sequence[Path],
    ) -> list[tuple[Finished | Broken, dict[str, bytes]]]:
        """Render assignments; return a message and the bytes of the files of each, or the error that occurred."""
        here = (path for path in (*(each.inputs.photo for each in assignments), *upcoming) if path.is_file())
        self._pictures.read_ahead(here, assignments[0].max_pixels)
        answers: list[tuple[Finished | Broken, dict[str, bytes]]] = []
        moved = []
        for each in assignments:
            try:
                found = {path: self._localized(path, *files[path]) for path in each.digests}
            except Exception as error:  # any error fails this picture only, not the batch
                answers.append((_broken(each, error), {}))
                continue
            moved.append(relocated(each, found, Path(self._folder.name) / each.target.name))
        rendered = render_assignments(self._studio, self._pictures, moved, lambda number, event: None)
        return [*answers, *(self._sent(*each) for each in rendered)]

    def _sent(
        self,
        assignment: Assignment,
        made: Made | Exception,
        together: int,
    ) -> tuple[Finished | Broken, dict[str, bytes]]:
        if isinstance(made, Exception):
            return _broken(assignment, made), {}
        files = (*made.masks, assignment.target)
        try:
            finished = written(
                made,
                assignment,
                0,
                self._placement.threads,
                together,
            )
            return finished, {path.name: path.read_bytes() for path in files}
        except Exception as error:  # any error fails this picture only, not the batch
            return _broken(assignment, error), {}
        finally:
            for path in files:
                path.unlink(missing_ok=True)

    def _localized(
        self,
        path: Path,
        sha256: str,
        reference: Any,
    ) -> Path:
        import ray

        return localized(path, sha256, Path(self._folder.name), lambda: ray.get(reference))


def _broken(assignment: Assignment, error: Exception, worker: int = 0) -> Broken:
    return Broken(
        worker=worker,
        number=assignment.number,
        error=described(error),
        may_pass=may_pass(error),
    )


def localized(
    path: Path,
    sha256: str,
    folder: Path,
    fetch: Callable[[], bytes],
) -> Path:
    """Return a local path to a file: the same path if this machine has the same bytes there, else a fetched copy.

    Args:
        path: Path on the driver's machine.
        sha256: SHA-256 of the file.
        folder: Folder for fetched files. They keep their names, because the suffix may determine the format.
        fetch: Function that returns the bytes.
    """
    if digest(path) == sha256:
        return path
    copy = folder / sha256 / path.name
    if not copy.exists():
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(fetch())
    return copy


def relocated(assignment: Assignment, here: Mapping[Path, Path], target: Path) -> Assignment:
    """Return an assignment with paths that are valid on this machine."""
    inputs = assignment.inputs.map(here.__getitem__)
    config = with_names(assignment.config, inputs.map(str))
    network = Path(config.network).absolute()
    return replace(
        assignment,
        inputs=inputs,
        config=config.changed(network=str(here[network])) if network in here else config,
        target=target,
        masks=tuple(target.with_name(mask.name) for mask in assignment.masks),
    )


def cluster_layout(cluster: Mapping[str, float], resources: Resources, tasks: int) -> list[Placement]:
    """Return a placement for each actor.

    Args:
        cluster: Total resources of the cluster, as returned by `ray.cluster_resources`.
        resources: Requested numbers of workers and threads.
        tasks: Number of tasks.
    """
    gpus = int(cluster.get("GPU", 0))
    cores = int(cluster.get("CPU", 1))
    threads = resources.threads or (0 if gpus else 1)
    count = resources.workers or gpus or max(1, cores // max(1, threads))
    return [Placement(threads=threads, gpu=0 if gpus else None)] * min(count, tasks)


def connect(address: str) -> bool:
    """Connect to a cluster unless this process is already connected.

    Returns:
        Whether this call made the connection.

    Raises:
        BatchError: Ray is not installed, or no cluster answers.
    """
    try:
        import ray
    except ImportError as cause:
        message = "the Ray engine needs Ray: pip install 'styler[ray]'"
        raise BatchError(message) from cause
    if ray.is_initialized():
        return False
    check_address(address)
    settings: dict[str, Any] = {"include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level="ERROR",
            **settings,
        )
    except (ConnectionError, RuntimeError, ValueError, OSError) as cause:
        message = f"no Ray cluster answers at {address}: {first_line(cause)}. Start one with ray start --head, or pass "
        raise BatchError(message + f"--ray-address {LOCAL}") from cause
    return True


def check_address(address: str) -> None:
    """Check that something listens at an address, since Ray itself would retry for minutes.

    Raises:
        BatchError: The address is malformed, or nothing answers.
    """
    if address in (ADDRESS, LOCAL) or "://" in address:
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        message = f"--ray-address: expected {ADDRESS}, {LOCAL} or HOST:PORT, got {address!r}"
        raise BatchError(message)
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER).close()
    except (OSError, OverflowError) as cause:
        message = f"no Ray cluster answers at {address}: {cause}. Start one with ray start --head, or pass "
        raise BatchError(message + f"--ray-address {LOCAL}") from cause


def first_line(problem: BaseException) -> str:
    """Return the first non-empty line of an error, or its class if it has no text."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[0] if lines else type(problem).__name__
