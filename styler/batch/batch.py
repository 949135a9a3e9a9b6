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

RETRIES = 2  # one accident may strike twice; a job that loses its worker three times is the likely cause


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
    """Render many pictures; what an earlier run has done is skipped.

    The output folder holds a ledger, `styler-ledger.jsonl`. Workers are processes of their own: a script that calls
    this must do so under `if __name__ == "__main__":`.

    Args:
        jobs: `Job` objects, or mappings with `content`, `style` and any options of `RenderConfig`.
        output: Folder of the pictures; made if it is not there.
        engine: "local" for processes of this machine, "ray" for a Ray cluster.
        workers: How many pictures are rendered at the same time; None for what suits the machine.
        threads: That each worker computes with; None for what suits the machine.
        retries: How often a job is tried again when the cause may pass.
        fast_shapes: Move sizes by up to 2 % to a grid, so that pictures share compiled programs.
        overwrite: Replace pictures that were made otherwise than they would be now, and files that no batch has made.
        ray_address: "auto", "local" or the address of a cluster.
        observer: Hears of every start, step and end.
        stop: Asked twice a second; true lets what runs finish and begins nothing more.

    Yields:
        What became of each job: those that are done already first, the others as they end.

    Raises:
        BatchError: No jobs, another batch in this folder, or an engine that cannot work.
        OutputError: Two jobs with one output, or files that would be replaced without `overwrite`.
        StylerError: Options that no image could fit.
    """
    listed = [*_listed(jobs)]
    check_batch(listed)
    resources = Resources(engine=engine, workers=workers, threads=threads, ray_address=ray_address)
    resources.check()
    manner = Manner(folder=Path(output), retries=retries, observer=observer or _unheard, stop=stop or (lambda: False))
    return _outcomes(listed, manner, resources, fast_shapes, overwrite)


def _listed(jobs: Iterable[Job | Mapping[str, Any]]) -> Iterator[Job]:
    for number, job in enumerate(jobs, 1):
        if isinstance(job, Job):
            yield job
        else:
            yield from jobs_of_rows([Row(options=job, place=f"job {number}")], base=Path())


def _unheard(_event: object) -> None:
    """The observer of those who gave none."""


def check_batch(jobs: Sequence[Job]) -> None:
    """Refuse what can be refused without looking at images or outputs.

    Raises:
        StylerError: No jobs, collisions, unknown networks or layers.
    """
    check_jobs(jobs)
    check_collisions(jobs)


def prepared_folder(folder: Path) -> Path:
    """The output folder, made if it is not there.

    Raises:
        OutputError: It cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        message = f"cannot make the output folder {shown(folder)}: {cause.strerror}"
        raise OutputError(message) from cause
    if not os.access(folder, os.W_OK):
        message = f"the output folder {shown(folder)} is not writable"
        raise OutputError(message)
    return folder


def _outcomes(
    jobs: list[Job], manner: Manner, resources: Resources, fast_shapes: bool, overwrite: bool
) -> Generator[Outcome, None, None]:
    with opened_ledger(prepared_folder(manner.folder)) as ledger:
        plan = make_plan(jobs, manner.folder, ledger.entries, fast_shapes=fast_shapes, overwrite=overwrite)
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
    tasks: list[Task], manner: Manner, resources: Resources, ledger: Ledger
) -> Generator[Outcome, None, None]:
    with make_engine(tasks, resources, manner.folder) as engine:
        yield from Run(tasks, engine, ledger, manner, resources.grouping).outcomes()


def _measured(tasks: list[Task], resources: Resources, manner: Manner, entries: Mapping[str, Entry]) -> Resources:
    """Resources with what is fastest here, by what is known of it or a probe."""
    found = settled(tasks, resources, manner.folder, entries, manner.stop)

    def rate(task: Task, together: int) -> float:
        return pictures_a_second(task, make_engine(tasks, found, manner.folder), manner.stop, together)

    return grouped(tasks, found, manner.folder, entries, manner.stop, rate)


def _known(plan: Plan, manner: Manner, ledger: Ledger) -> Iterator[Outcome]:
    """The outcomes that need no rendering."""
    for job, entry in plan.done:
        if ledger.entries[job.name].state != DONE:  # begun otherwise since, and given up
            ledger.append(entry)
        outcome = Outcome(job=job, state=SKIPPED, path=manner.folder / job.name)
        manner.observer(Ended(job=job, worker=None, outcome=outcome))
        yield outcome
    for refusal in plan.refusals:
        yield _refused(refusal, manner, ledger)


def _refused(refusal: Refusal, manner: Manner, ledger: Ledger) -> Outcome:
    job, error = refusal.job, str(refusal.error)
    facts = {"error": error, "attempt": 0, **recipe_words(job)}
    ledger.append(Entry(job=job.name, state=FAILED, recipe=refusal.recipe, facts=facts))
    outcome = Outcome(job=job, state=FAILED, path=manner.folder / job.name, error=error)
    manner.observer(Ended(job=job, worker=None, outcome=outcome))
    return outcome


def make_engine(tasks: Sequence[Task], resources: Resources, folder: Path) -> Engine:
    """The engine that was asked for, its workers not started yet."""
    if resources.engine == "ray":
        from styler.batch.ray import RayEngine

        return RayEngine(resources, len(tasks), worker_memory(tasks))
    return LocalEngine(choose_layout(tasks, resources, folder))


def fetch_weights(tasks: Iterable[Task]) -> None:
    """Get published weights that are not here, once and not in every worker.

    Raises:
        WeightsError: They cannot be had.
    """
    for network in dict.fromkeys(task.job.config.network for task in tasks):
        if network in APPLICATIONS:
            fetched(network)


def remove_partials(folder: Path, entries: Mapping[str, Entry]) -> None:
    """Remove half-written files of workers that were killed while they wrote."""
    for name, entry in entries.items():
        if entry.state != DONE:
            path = folder / name
            for partial in path.parent.glob(f".{glob.escape(path.stem[:LONGEST_STEM])}-*.partial"):
                partial.unlink(missing_ok=True)
