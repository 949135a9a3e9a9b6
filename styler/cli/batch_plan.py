"""Describe the plan of a batch, for `--dry-run` and `--verbose`."""

from __future__ import annotations

from collections import Counter

from styler.batch.forecast import predicted_seconds
from styler.batch.grouping import Grouping
from styler.batch.layout import absent_gpus, choose_layout
from styler.batch.ledger import read_ledger
from styler.batch.plan import Plan, Task, make_plan
from styler.batch.probe import known_grouping
from styler.cli.batch_request import BatchRequest
from styler.errors import shown

SHOWN = 20  # number of jobs to list without --verbose; they fit on a screen


def describe_batch(request: BatchRequest, *, verbose: bool) -> str:
    """Describe what a batch would do, one fact per line.

    Raises:
        StylerError: The batch cannot be carried out.
    """
    entries = read_ledger(request.output)
    plan = make_plan(
        request.jobs,
        request.output,
        entries,
        fast_shapes=request.fast_shapes,
        overwrite=request.overwrite,
    )
    lines = [f"jobs      {_counts(plan)}", *_jobs(plan, verbose)]
    if plan.tasks:
        placements = choose_layout(plan.tasks, request.resources, request.output)
        workers = len(placements)
        threads = placements[0].threads
        minutes = predicted_seconds(plan.tasks, entries, workers, threads) / 60
        shapes = len({task.size for task in plan.tasks})
        lines += [
            f"shapes    {shapes}{_together(known_grouping(plan.tasks, request.resources, request.output))}",
            f"workers   {workers} with {_threads(threads)}{_where(request.resources.engine)}",
            f"predicted {minutes:.1f} minutes",
        ]
        note = absent_gpus(task.job.config for task in plan.tasks)
        lines += [f"GPUs      {note}"] if note else []
    return "\n".join(lines)


def _together(grouping: Grouping | None) -> str:
    """Say how many pictures of equal shape are rendered together, if that was measured."""
    if grouping is None:
        return ""
    return ", one picture at a time" if grouping.count == 1 else f", up to {grouping.count} pictures together"


def _threads(threads: int) -> str:
    return "1 thread each" if threads == 1 else f"{threads or 'all'} threads each"


def _where(engine: str) -> str:
    return "" if engine == "local" else " if the cluster has only this machine; the cluster was not queried"


def _counts(plan: Plan) -> str:
    reasons = Counter(task.reason for task in plan.tasks)
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
    parts = [f"{len(plan.tasks)} to do" + (f" ({why})" if why else ""), f"{len(plan.done)} done"]
    if plan.refusals:
        parts.append(f"{len(plan.refusals)} impossible")
    return ", ".join(parts)


def _jobs(plan: Plan, verbose: bool) -> list[str]:
    lines = [f"  {shown(refusal.job.name)}  impossible: {refusal.error}" for refusal in plan.refusals]
    lines += [_line(task) for task in plan.tasks]
    if verbose or len(lines) <= SHOWN:
        return lines
    return [*lines[:SHOWN], f"  … and {len(lines) - SHOWN} more, see --verbose"]


def _line(task: Task) -> str:
    styles = " + ".join(map(shown, task.job.styles))
    size = f"{task.size.width}x{task.size.height}"
    return f"  {shown(task.job.name)}  {size}  {shown(task.job.content)} in {styles}  {task.reason}"
