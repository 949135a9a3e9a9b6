"""Render many pictures from Python: `render_batch`."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from styler.batch.engine import Engine
from styler.batch.events import SKIPPED, BatchObserver, Ended, Outcome, Planned
from styler.batch.jobs import Job, Row, check_collisions, jobs_of_rows
from styler.batch.layout import ADDRESS, Resources, choose_layout, worker_memory
from styler.batch.ledger import DONE, FAILED, Entry, Ledger, opened_ledger
from styler.batch.local import LocalEngine
from styler.batch.plan import Plan, Refusal, Task, check_jobs, make_plan
from styler.batch.probe import grouped, pictures_a_second, settled
from styler.batch.recipe import recipe_words
from styler.batch.run import Manner, Run
from styler.errors import OutputError, shown
from styler.images.atomic import LONGEST_STEM
from styler.networks.published import APPLICATIONS
from styler.networks.weights import fetched
from styler.types import PathLike

RETRIES = 2  # a job that loses its worker three times is probably the cause


def render_batch(
    jobs: Iterable[Job | Mapping[str, Any]],
    *,
    output: PathLike = ".",
    engine: str = "local",
    workers: int | None = None,
    threads: int | None = None,
    retries: int = RETRIES,
    fast_shapes: bool = False,
    overwrite: bool = False,
    ray_address: str = ADDRESS,
    observer: BatchObserver | None = None,
    stop: Callable[[], bool] | None = None,
) -> Generator[Outcome, None, None]:
    """Render many pictures and skip those that an earlier run has finished.

    Progress is recorded in the file `styler-ledger.jsonl` in the output folder. Workers are separate processes, so a
    script must call this function under `if __name__ == "__main__":`.

    Args:
        jobs: `Job` objects, or mappings with `content`, `style` and any options of `RenderConfig`.
        output: Folder for the pictures; created if it does not exist.
        engine: "local" for processes on this machine, "ray" for a Ray cluster.
        workers: Number of pictures to render at the same time; None chooses a number that suits the machine.
        threads: Number of threads per worker; None chooses a number that suits the machine.
        retries: How many times to retry a job after an error that may be temporary.
        fast_shapes: Change sizes by up to 2 % to fit a grid, so that pictures can share compiled programs.
        overwrite: Replace pictures that were made with other options, inputs or versions, and files that no batch
            has made.
        ray_address: "auto", "local" or the address of a cluster.
        observer: Called with an event for every start, step and end of a job.
        stop: Called twice a second. When it returns true, no more jobs are started; running jobs finish.

    Yields:
        The outcome of each job. Jobs that are already done come first; the others follow as they end.

    Raises:
        BatchError: There are no jobs, another batch is running in this folder, or the engine cannot work.
        OutputError: Two jobs have the same output, or files would be replaced without `overwrite`.
        StylerError: The options are invalid, whatever the images are.
    """
    listed = [*_listed(jobs)]
    check_batch(listed)
    resources = Resources(
        engine=engine,
        workers=workers,
        threads=threads,
        ray_address=ray_address,
    )
    resources.check()
    manner = Manner(
        folder=Path(output),
        retries=retries,
        observer=observer or _unheard,
        stop=stop or (lambda: False),
    )
    return _outcomes(
        listed,
        manner,
        resources,
        fast_shapes,
        overwrite,
    )


def _listed(jobs: Iterable[Job | Mapping[str, Any]]) -> Iterator[Job]:
    for number, job in enumerate(jobs, 1):
        if isinstance(job, Job):
            yield job
        else:
            yield from jobs_of_rows([Row(options=job, place=f"job {number}")], base=Path())


def _unheard(_event: object) -> None:
    """Ignore an event; used when no observer was given."""


def check_batch(jobs: Sequence[Job]) -> None:
    """Check everything that can be checked without looking at images or outputs.

    Raises:
        StylerError: There are no jobs, two jobs have the same output, or a network or layer is unknown.
    """
    check_jobs(jobs)
    check_collisions(jobs)


def prepared_folder(folder: Path) -> Path:
    """Create the output folder if it does not exist, and return it.

    Raises:
        OutputError: The folder cannot be created or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        message = f"cannot create the output folder {shown(folder)}: {cause.strerror}"
        raise OutputError(message) from cause
    if not os.access(folder, os.W_OK):
        message = f"the output folder {shown(folder)} is not writable"
        raise OutputError(message)
    return folder


def _outcomes(
    jobs: list[Job],
    manner: Manner,
    resources: Resources,
    fast_shapes: bool,
    overwrite: bool,
) -> Generator[Outcome, None, None]:
    with opened_ledger(prepared_folder(manner.folder)) as ledger:
        plan = make_plan(
            jobs,
            manner.folder,
            ledger.entries,
            fast_shapes=fast_shapes,
            overwrite=overwrite,
        )
        manner.observer(Planned(jobs=len(jobs), todo=len(plan.tasks)))
        remove_partials(manner.folder, ledger.entries)
        yield from _known(plan, manner, ledger)
        if plan.tasks:
            try:
                fetch_weights(plan.tasks)
                found = _measured(plan.tasks, resources, manner, ledger.entries)
                yield from _carried_out(plan.tasks, manner, found, ledger)
            finally:
                remove_partials(manner.folder, ledger.entries)


def _carried_out(
    tasks: list[Task],
    manner: Manner,
    resources: Resources,
    ledger: Ledger,
) -> Generator[Outcome, None, None]:
    with make_engine(tasks, resources, manner.folder) as engine:
        yield from Run(
            tasks,
            engine,
            ledger,
            manner,
            resources.grouping,
        ).outcomes()


def _measured(
    tasks: list[Task],
    resources: Resources,
    manner: Manner,
    entries: Mapping[str, Entry],
) -> Resources:
    """Return resources with the fastest settings for this machine, from earlier measurements or a new one."""
    found = settled(
        tasks,
        resources,
        manner.folder,
        entries,
        manner.stop,
    )

    def rate(task: Task, together: int) -> float:
        return pictures_a_second(task, make_engine(tasks, found, manner.folder), manner.stop, together)

    return grouped(
        tasks,
        found,
        manner.folder,
        entries,
        manner.stop,
        rate,
    )


def _known(plan: Plan, manner: Manner, ledger: Ledger) -> Iterator[Outcome]:
    """The outcomes that need no rendering."""
    for job, entry in plan.done:
        if ledger.entries[job.name].state != DONE:  # a later run with other options started the job but gave up
            ledger.append(entry)
        outcome = Outcome(
            job=job,
            state=SKIPPED,
            path=manner.folder / job.name,
        )
        manner.observer(
            Ended(
                job=job,
                worker=None,
                outcome=outcome,
            )
        )
        yield outcome
    for refusal in plan.refusals:
        yield _refused(refusal, manner, ledger)


def _refused(refusal: Refusal, manner: Manner, ledger: Ledger) -> Outcome:
    job = refusal.job
    error = str(refusal.error)
    facts = {"error": error, "attempt": 0, **recipe_words(job)}
    ledger.append(
        Entry(
            job=job.name,
            state=FAILED,
            recipe=refusal.recipe,
            facts=facts,
        )
    )
    outcome = Outcome(
        job=job,
        state=FAILED,
        path=manner.folder / job.name,
        error=error,
    )
    manner.observer(
        Ended(
            job=job,
            worker=None,
            outcome=outcome,
        )
    )
    return outcome


def make_engine(tasks: Sequence[Task], resources: Resources, folder: Path) -> Engine:
    """Return the requested engine; its workers are not started yet."""
    if resources.engine == "ray":
        from styler.batch.ray import RayEngine

        return RayEngine(resources, len(tasks), worker_memory(tasks))
    return LocalEngine(choose_layout(tasks, resources, folder))


def fetch_weights(tasks: Iterable[Task]) -> None:
    """Download missing weights once, before the workers start.

    Raises:
        WeightsError: The weights cannot be downloaded.
    """
    for network in dict.fromkeys(task.job.config.network for task in tasks):
        if network in APPLICATIONS:
            fetched(network)


def remove_partials(folder: Path, entries: Mapping[str, Entry]) -> None:
    """Remove incomplete files that killed workers left behind."""
    for name, entry in entries.items():
        if entry.state != DONE:
            path = folder / name
            for partial in path.parent.glob(f".{glob.escape(path.stem[:LONGEST_STEM])}-*.partial"):
                partial.unlink(missing_ok=True)
