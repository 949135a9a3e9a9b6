"""Carry out a checked batch: show its progress and print a summary."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Generator

from styler.batch.batch import render_batch
from styler.batch.events import SKIPPED, BatchEvent, BatchObserver, Outcome
from styler.batch.layout import absent_gpus
from styler.batch.ledger import DONE, FAILED, read_ledger
from styler.batch.report import write_page
from styler.cli.batch_bars import BatchBars
from styler.cli.batch_lines import BatchLines
from styler.cli.batch_request import BatchRequest
from styler.cli.interrupt import Interrupt
from styler.cli.shell import command
from styler.errors import shown

ALL_DONE = 0
SOME_FAILED = 3
LONGEST_CELL = 60  # width of the column of names in the table of failures, in characters


def carry_out_batch(
    request: BatchRequest,
    words: list[str],
    *,
    progress: bool | None,
    quiet: bool,
) -> int:
    """Render a batch, write its report page, and list the failures.

    Args:
        request: The batch.
        words: Words of the command line; they are printed as the command that retries failed jobs.
        progress: Whether to show bars; None shows them if stderr is a terminal, and else prints a line for each job.
        quiet: Whether to print failures only.

    Returns:
        Exit status: 0 if all jobs are done, 3 if some failed.

    Raises:
        StylerError: An error prevents all jobs.
        KeyboardInterrupt: A signal was received; the jobs that were running have finished.
    """
    started = time.monotonic()
    outcomes: list[Outcome] = []
    again = f"styler {command(words)}"
    if not quiet and (note := absent_gpus(job.config for job in request.jobs)):
        _say(f"note: {note}")
    lines = progress is None and not quiet and not sys.stderr.isatty()
    with BatchBars(visible=False if quiet else progress) as bars:
        observer = _both(BatchLines(), bars) if lines else bars
        tell = None if quiet else lambda _: bars.say(stopping(bars.running))
        with Interrupt(tell) as interrupt:
            try:
                for outcome in _outcomes(request, observer, interrupt):
                    outcomes.append(outcome)
            finally:
                if outcomes:  # a batch that cannot be carried out writes no page
                    _write_page(request)
    if not quiet:
        _say(_summary(request, outcomes, time.monotonic() - started))
    failed = [outcome for outcome in outcomes if outcome.state == FAILED]
    if failed:
        _say(failure_table(failed))
        _say(f"to retry: {again}")
    if len(outcomes) < len(request.jobs):
        if interrupt.requested and not (quiet or failed):
            _say(f"to continue: {again}")
        interrupt.check()
    return SOME_FAILED if failed else ALL_DONE


def stopping(running: list[str]) -> str:
    """Describe what happens after the first Ctrl-C."""
    count = f"{len(running)} picture{'s' if len(running) > 1 else ''}"
    doing = f"finishing the {count} in progress ({', '.join(map(shown, running))})" if running else "stopping"
    return f"{doing} and starting no more; press Ctrl-C again to stop at once"


def _both(first: BatchObserver, second: BatchObserver) -> BatchObserver:
    """Return an observer that passes each event to two others."""

    def observe(event: BatchEvent) -> None:
        first(event)
        second(event)

    return observe


def _outcomes(request: BatchRequest, observer: BatchObserver, interrupt: Interrupt) -> Generator[Outcome, None, None]:
    resources = request.resources
    return render_batch(
        request.jobs,
        output=request.output,
        engine=resources.engine,
        workers=resources.workers,
        threads=resources.threads,
        retries=request.retries,
        fast_shapes=request.fast_shapes,
        overwrite=request.overwrite,
        ray_address=resources.ray_address,
        observer=observer,
        stop=lambda: interrupt.requested,
    )


def _write_page(request: BatchRequest) -> None:
    if request.report is not None:
        write_page(request.report, request.listed, request.output, read_ledger(request.output))


def _summary(request: BatchRequest, outcomes: list[Outcome], seconds: float) -> str:
    states = Counter(outcome.state for outcome in outcomes)
    parts = [f"{states[DONE]} rendered", f"{states[SKIPPED]} done before", f"{states[FAILED]} failed"]
    left = len(request.jobs) - len(outcomes)
    parts += [f"{left} left"] if left else []
    return f"{shown(request.output)}: {', '.join(parts)}, {seconds:.1f} s"


def failure_table(failed: list[Outcome]) -> str:
    """Return a table of the failed jobs with their names, numbers of tries and errors."""
    width = min(LONGEST_CELL, max(len("failed"), *(len(shown(outcome.job.name)) for outcome in failed)))
    rows: list[tuple[str, int | str, str]] = [("failed", "tries", "why")]
    rows += [(shown(outcome.job.name), outcome.attempts, outcome.error) for outcome in failed]
    return "\n".join(f"{name:<{width}}  {tries!s:>5}  {why}" for name, tries, why in rows)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
