"""Measure which numbers of workers, threads and grouped pictures are fastest, if the batch is long enough for that."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median

from styler.batch.engine import Assignment, Broken, Engine, Finished, Lost, Ready
from styler.batch.forecast import RATES, UNKNOWN_RATE, predicted_seconds
from styler.batch.grouping import ALONE, COUNTS, GAIN, Grouping, largest_of_many
from styler.batch.layout import (
    ENGINES,
    STATISTICS,
    Resources,
    choose_layout,
    count_cores,
    most_together,
    uses_gpus,
)
from styler.batch.ledger import Entry
from styler.batch.local import LocalEngine, temporary_folder
from styler.batch.plan import Task
from styler.batch.recipe import own_network, statistics_tag, without_shared
from styler.batch.worker import Placement
from styler.errors import OutputError
from styler.images.atomic import write_atomically

WORTH = 600.0  # seconds that a run must take to be probed; two layouts take 26 s, tests/benchmarks/bench_batch.py
RENDERS = 3  # renders of each worker; the first one also compiles and is not counted
SECONDS = 2.0  # target time of a probe render: longer than timing noise, shorter than the start of a worker
SHORTEST = 1e-3  # lower bound on a measured time, in seconds; a render with nothing to do takes 0
FEWEST_STEPS = 4
MOST_STEPS = 100
PATIENCE = 0.5  # seconds between checks of whether to stop
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
    """Return resources with the fastest measured numbers of workers and threads.

    The resources are returned unchanged if workers or threads were given, on GPUs, on a cluster, on one core, and for
    short runs. Measurements are stored in the output folder.

    Args:
        tasks: Tasks to do.
        resources: Requested resources.
        folder: Output folder.
        entries: Ledger entries, from which the length of the run is predicted.
        stop: Returns true when the measurement should be abandoned.
        rate: Measures pictures per second; by default `pictures_a_second`.
    """
    if resources.engine != "local" or resources.workers or resources.threads or uses_gpus(tasks):
        return resources
    usual = choose_layout(tasks, resources, folder)
    if count_cores() == 1 or predicted_seconds(tasks, entries, len(usual), usual[0].threads) < WORTH:
        return resources
    task = typical(tasks)
    path = folder / STATISTICS / REMEMBERED
    key = layout_key(task, len(usual))
    found = _remembered(path).get(key) or _best(task, usual, rate or _until(stop))
    if stop():
        return resources
    _remember(path, key, found)
    return replace(resources, workers=found[0], threads=found[1])


def grouped(
    tasks: Sequence[Task],
    resources: Resources,
    folder: Path,
    entries: Mapping[str, Entry],
    stop: Callable[[], bool],
    rate: Callable[[Task, int], float],
) -> Resources:
    """Return resources with the number of pictures of equal shape to render as one tensor.

    The number is above 1 only with `--fast-shapes`, and only if that was measured to be faster, now or by an earlier
    run in the same folder. A new measurement is made only if the run is long enough to pay for it.

    Args:
        tasks: Tasks to do.
        resources: Resources with settled numbers of workers and threads.
        folder: Output folder.
        entries: Ledger entries, from which the length of the run is predicted.
        stop: Returns true when the measurement should be abandoned.
        rate: Measures pictures per second for a task and a number of pictures rendered together.
    """
    known = known_grouping(tasks, resources, folder)
    task = worth_measuring(tasks, resources, folder)
    if known is not None or task is None:
        return replace(resources, grouping=known or ALONE)
    layout = choose_layout(tasks, resources, folder)
    if predicted_seconds(tasks, entries, len(layout), layout[0].threads) < WORTH:
        return resources
    count = _fastest_count(task, most_together(tasks, task, len(layout)), rate)
    if stop():
        return resources
    _remember(folder / STATISTICS / REMEMBERED, grouping_key(task, resources, layout), (count, len(layout)))
    return replace(resources, grouping=_grouping(task, count))


def known_grouping(tasks: Sequence[Task], resources: Resources, folder: Path) -> Grouping | None:
    """Return the grouping that an earlier run in this folder measured; None if there is none."""
    task = worth_measuring(tasks, resources, folder)
    if task is None:
        return None
    key = grouping_key(task, resources, choose_layout(tasks, resources, folder))
    found = _remembered(folder / STATISTICS / REMEMBERED).get(key)
    return None if found is None else _grouping(task, found[0])


def worth_measuring(tasks: Sequence[Task], resources: Resources, folder: Path) -> Task | None:
    """Return the largest task of a kind that has enough tasks for every worker; None if there is none."""
    return largest_of_many(tasks, COUNTS[0] * len(choose_layout(tasks, resources, folder)))


def _grouping(task: Task, count: int) -> Grouping:
    pixels = task.size.height * task.size.width
    return Grouping(
        count=count,
        program=without_shared(task.job.config),
        pixels=pixels,
    )


def _fastest_count(task: Task, most: int, rate: Callable[[Task, int], float]) -> int:
    """Return the fastest number of pictures per tensor; try larger ones while they give more pictures per second."""
    best = 1
    fastest = 0.0
    for count in (1, *(count for count in COUNTS if count <= most)):
        found = rate(task, count)
        if found < GAIN * fastest or not found:
            break
        best = count
        fastest = found
    return best


def grouping_key(task: Task, resources: Resources, layout: Sequence[Placement]) -> str:
    """Return the key under which a grouping is stored: a hash of engine, machine, threads, program and size."""
    address = "" if resources.engine == ENGINES[0] else resources.ray_address
    words = [resources.engine, address, layout[0].threads, layout_key(task, len(layout))]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


def typical(tasks: Sequence[Task]) -> Task:
    """Return a task of the most frequent combination of program and size."""
    kinds = Counter((without_shared(task.job.config), task.size) for task in tasks)
    commonest = kinds.most_common(1)[0][0]
    return next(task for task in tasks if (without_shared(task.job.config), task.size) == commonest)


def candidates(workers: int, cores: int) -> list[tuple[int, int]]:
    """Return (workers, threads) pairs; the number of workers is halved from pair to pair, down to one."""
    counts = []
    while workers:
        counts.append(workers)
        workers //= 2
    return [(count, max(1, cores // count)) for count in counts]


def _best(task: Task, usual: Sequence[Placement], rate: Rate) -> tuple[int, int]:
    """Return the fastest (workers, threads); stop at the first pair that is slower than the one before."""
    best = (len(usual), usual[0].threads)
    fastest = 0.0
    for workers, threads in candidates(len(usual), count_cores()):
        found = rate(task, [replace(usual[0], threads=threads, statistics=None)] * workers)
        if found < fastest:
            break
        best = (workers, threads)
        fastest = found
    return best


def _until(stop: Callable[[], bool]) -> Rate:
    return lambda task, placements: pictures_a_second(task, LocalEngine(placements), stop)


def pictures_a_second(
    task: Task,
    engine: Engine,
    stop: Callable[[], bool],
    together: int = 1,
) -> float:
    """Measure pictures per second with short renders of a task by all workers at once.

    Args:
        task: Task to render repeatedly.
        engine: Engine that is not started yet.
        stop: Returns true when the measurement should be abandoned.
        together: Number of pictures in one tensor.

    Returns:
        Pictures per second; 0 if a render fails, if pictures could not be rendered together, or on `stop`.
    """
    times: dict[int, list[float]] = {}
    with temporary_folder("styler-probe-") as folder, engine:
        begun = 0
        while len(times) < engine.workers or min(map(len, times.values())) < RENDERS * together:
            if stop():
                return 0.0
            for message in engine.messages(PATIENCE):
                if isinstance(message, Broken | Lost):
                    return 0.0
                if isinstance(message, Ready):  # keep all workers busy until the slowest is done, as in a real run
                    numbers = range(begun, begun + together)
                    engine.give(message.worker, [_assignment(task, number, Path(folder)) for number in numbers], [])
                    begun += together
                elif isinstance(message, Finished):
                    if message.together != together:
                        return 0.0
                    times.setdefault(message.worker, []).append(message.seconds)
    return sum(1 / max(median(seconds[together:]), SHORTEST) for seconds in times.values())


def _assignment(task: Task, number: int, folder: Path) -> Assignment:
    config = task.job.config
    if config.steps:
        rate = RATES.get(config.network, UNKNOWN_RATE) * task.size.height * task.size.width
        steps = max(FEWEST_STEPS, min(MOST_STEPS, int(SECONDS / rate)))
        config = config.changed(steps=steps, scales=1)
    return Assignment(
        number=number,
        inputs=task.job.inputs.map(Path.absolute),
        config=config,
        shape=task.size if task.snapped else None,
        target=folder / f"{number}.png",
        export=task.job.export,
        max_pixels=task.job.max_pixels,
        with_recipe=False,
        digests={path.absolute(): sha256 for path, sha256 in (task.digests | own_network(task.job)).items()},
    )


def layout_key(task: Task, workers: int) -> str:
    """Return the key under which a layout is stored: a hash of the machine, the program and the size."""
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
    """Add a measurement to the file; if the file cannot be written, the next run measures again."""
    text = json.dumps({**_remembered(path), key: layout}, indent=1) + "\n"
    with suppress(OSError, OutputError):
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, lambda file: file.write(text.encode()), overwrite=True)
