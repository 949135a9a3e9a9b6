"""Events that a batch sends to its observer, and the outcomes of jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from styler.batch.jobs import Job

SKIPPED = "skipped"  # a third state, besides DONE and FAILED of the ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a job.

    Attributes:
        job: The job.
        state: "done", "failed", or "skipped" if it was done in an earlier run.
        path: Path of the picture.
        seconds: Render time in seconds; 0 if the job was not rendered.
        error: Why the job failed, in one line; empty otherwise.
        attempts: Number of tries in this run.
    """

    job: Job
    state: str
    path: Path
    seconds: float = 0.0
    error: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The batch has been planned: the number of all jobs, and of those left to do."""

    jobs: int
    todo: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A worker has started a job."""

    job: Job
    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """A running job has finished a step."""

    job: Job
    worker: int
    step: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A job has ended, either for good or until it is retried.

    Attributes:
        job: The job.
        worker: Number of the worker; None if no worker ran the job.
        outcome: Outcome of the job; None if it will be retried.
        reason: Why the job will be retried.
        seconds_left: Estimated seconds until the batch ends; None before the first measurement.
    """

    job: Job
    worker: int | None
    outcome: Outcome | None
    reason: str = ""
    seconds_left: float | None = None


BatchEvent: TypeAlias = Planned | Started | Stepped | Ended
BatchObserver: TypeAlias = Callable[[BatchEvent], object]
