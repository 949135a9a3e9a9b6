"""Workers and threads for this machine, measured on the batch's own renders where the batch is long enough to pay."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median

from styler.batch.engine import Assignment, Broken, Finished, Lost, Ready
from styler.batch.forecast import RATES, UNKNOWN_RATE, predicted_seconds
from styler.batch.layout import STATISTICS, Resources, choose_layout, count_cores, uses_gpus
from styler.batch.ledger import Entry
from styler.batch.local import LocalEngine
from styler.batch.plan import Task
from styler.batch.recipe import statistics_tag, without_shared
from styler.batch.worker import Placement, StudioFactory, Stylizers
from styler.errors import OutputError
from styler.images.atomic import write_atomically

WORTH = 600.0  # seconds of a run that pays for a probe: two layouts take 26 s, tests/benchmarks/bench_batch.py
RENDERS = 3  # of each worker; the first also compiles and does not count
SECONDS = 2.0  # of a probe's render: long against the noise of the clock, short against starting a worker
SHORTEST = 1e-3  # seconds, the ledger's resolution: a render that has nothing to do takes none
FEWEST_STEPS, MOST_STEPS = 4, 100
PATIENCE = 0.5  # seconds between two looks at whether to stop
REMEMBERED = "layout.json"

Rate = Callable[[Task, Sequence[Placement]], float]


def settled(
    tasks: Sequence[Task],
    resources: Resources,
    folder: Path,
    entries: Mapping[str, Entry],
    stop: Callable[[], bool],
    rate: Rate | None = None,
) -> Resources:
    """Resources with workers and threads filled in where a probe has measured them; else as they are.

    Nothing is measured if workers or threads were asked for, on GPUs, on a cluster, on one core, or for short runs.
    What was measured is remembered in the output folder.

    Args:
        tasks: What is to be done.
        resources: As asked for.
        folder: Of the outputs.
        entries: Of the ledger, for the prediction of how long the run will take.
        stop: Whether to give up.
        rate: Measures pictures a second; `pictures_a_second` if left out.
    """
    if resources.engine != "local" or resources.workers or resources.threads or uses_gpus(tasks):
        return resources
    usual = choose_layout(tasks, resources, folder)
    if count_cores() == 1 or predicted_seconds(tasks, entries, len(usual), usual[0].threads) < WORTH:
        return resources
    task, path = typical(tasks), folder / STATISTICS / REMEMBERED
    key = layout_key(task, len(usual))
    found = _remembered(path).get(key) or _best(task, usual, rate or _until(stop))
    if stop():
        return resources
    _remember(path, key, found)
    return replace(resources, workers=found[0], threads=found[1])


def typical(tasks: Sequence[Task]) -> Task:
    """One of the most frequent kind: the same program at the same size."""
    kinds = Counter((without_shared(task.job.config), task.size) for task in tasks)
    commonest = kinds.most_common(1)[0][0]
    return next(task for task in tasks if (without_shared(task.job.config), task.size) == commonest)


def candidates(workers: int, cores: int) -> list[tuple[int, int]]:
    """(workers, threads) from as many workers as there may be down to one, halved each time."""
    counts = []
    while workers:
        counts.append(workers)
        workers //= 2
    return [(count, max(1, cores // count)) for count in counts]


def _best(task: Task, usual: Sequence[Placement], rate: Rate) -> tuple[int, int]:
    """The fastest layout; stops at the first that is slower than the one before."""
    best, fastest = (len(usual), usual[0].threads), 0.0
    for workers, threads in candidates(len(usual), count_cores()):
        found = rate(task, [replace(usual[0], threads=threads, statistics=None)] * workers)
        if found < fastest:
            break
        best, fastest = (workers, threads), found
    return best


def _until(stop: Callable[[], bool]) -> Rate:
    return lambda task, placements: pictures_a_second(task, placements, stop)


def pictures_a_second(
    task: Task, placements: Sequence[Placement], stop: Callable[[], bool], make_studio: StudioFactory = Stylizers
) -> float:
    """Short renders of a task by all workers at once; 0 if one of them fails."""
    times: dict[int, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="styler-probe-") as folder, LocalEngine(placements, make_studio) as engine:
        begun = 0
        while len(times) < len(placements) or min(map(len, times.values())) < RENDERS:
            if stop():
                return 0.0
            for message in engine.messages(PATIENCE):
                if isinstance(message, Broken | Lost):
                    return 0.0
                if isinstance(message, Ready):  # all go on until the slowest has enough: they shall hinder each other
                    engine.give(message.worker, _assignment(task, begun, Path(folder)), [])
                    begun += 1
                elif isinstance(message, Finished):
                    times.setdefault(message.worker, []).append(message.seconds)
    return sum(1 / max(median(seconds[1:]), SHORTEST) for seconds in times.values())


def _assignment(task: Task, number: int, folder: Path) -> Assignment:
    config = task.job.config
    rate = RATES.get(config.network, UNKNOWN_RATE) * task.size.height * task.size.width
    steps = max(FEWEST_STEPS, min(MOST_STEPS, int(SECONDS / rate)))
    return Assignment(
        number=number,
        content=task.job.content.absolute(),
        styles=tuple(style.absolute() for style in task.job.styles),
        config=config.changed(steps=steps, scales=1),
        shape=task.size if task.snapped else None,
        target=folder / f"{number}.png",
        export=task.job.export,
        max_pixels=task.job.max_pixels,
        with_recipe=False,
        digests={},
    )


def layout_key(task: Task, workers: int) -> str:
    """What a measured layout holds for: the machine, the program, the size."""
    machine = [os.uname().nodename, count_cores(), workers]
    words = json.dumps([machine, statistics_tag(task.job.config), task.size])
    return hashlib.sha256(words.encode()).hexdigest()


def _remembered(path: Path) -> dict[str, tuple[int, int]]:
    try:
        found = json.loads(path.read_text("utf-8"))
        return {str(key): (int(workers), int(threads)) for key, (workers, threads) in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _remember(path: Path, key: str, layout: tuple[int, int]) -> None:
    """Add to the file; one that cannot be written costs the next run its probe and nothing else."""
    text = json.dumps({**_remembered(path), key: layout}, indent=1) + "\n"
    with suppress(OSError, OutputError):
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, lambda file: file.write(text.encode()), overwrite=True)
