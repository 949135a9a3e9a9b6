"""What a batch tells while it runs, and what becomes of a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from styler.batch.jobs import Job

SKIPPED = "skipped"  # beside the ledger's DONE and FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: The job.
        state: "done"; "skipped", since it was done before; or "failed".
        path: Of the picture.
        seconds: Of rendering it, 0 if it failed.
        error: Why it failed, one line; empty otherwise.
        attempts: How often it was tried in this run.
    """

    job: Job
    state: str
    path: Path
    seconds: float = 0.0
    error: str = ""
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The plan is made: how many jobs there are and how many are left to do."""

    jobs: int
    todo: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A worker has begun with a job."""

    job: Job
    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """A running job has come further."""

    job: Job
    worker: int
    step: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A job has ended, for now or for good.

    Attributes:
        outcome: What became of it; None if it will be tried again.
        reason: Why it will be tried again.
        seconds_left: Estimate for the rest of the batch; None before the first measurement.
    """

    job: Job
    worker: int | None
    outcome: Outcome | None
    reason: str = ""
    seconds_left: float | None = None


BatchEvent: TypeAlias = Planned | Started | Stepped | Ended
BatchObserver: TypeAlias = Callable[[BatchEvent], object]
