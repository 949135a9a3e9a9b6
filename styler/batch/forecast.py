"""Predict render times from the times in the ledger or, if it has none, from measurements on another machine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import median

from styler.batch.ledger import DONE, Entry
from styler.batch.plan import Task
from styler.config import RenderConfig
from styler.objective.strength import is_photo, passes
from styler.render.margin import padded_size
from styler.render.pyramid import octaves_of
from styler.types import Size

STARTUP = 5.5  # seconds: 3.2 until a Stylizer is ready, 2.2 to compile; tests/benchmarks/bench_batch.py
RATES = {"compact": 2.0e-6, "vgg19": 2.4e-5, "vgg16": 2.0e-5}  # core seconds per pixel and step, on a 2.5 GHz Xeon
STEP_PIXELS = 9_000  # fixed cost of a step, as a number of pixels; tests/benchmarks/bench_together.py
ONE_PASS = 2.5  # steps that take as long as drawing a picture in one pass: docs/instant.md
UNKNOWN_RATE = RATES["vgg19"]


def work(config: RenderConfig, size: Size) -> float:
    """Return the amount of work of a render, to which its time is proportional.

    The amount is the number of pixels times views and steps, summed over all octaves. It includes margins, the
    fixed cost of each step and the picture of one pass that a render may start from.
    """
    if is_photo(config):
        return 0.0
    drawn = passes(config.strength) if config.needs_decoder else 0
    one_pass = ONE_PASS * drawn * math.prod(padded_size(size))
    if not config.steps:
        return one_pass
    octaves = octaves_of(config, size, config.steps)
    pixels = [config.views * math.prod(padded_size(octave.size)) for octave in octaves]
    steps = sum((count + STEP_PIXELS) * octave.steps for count, octave in zip(pixels, octaves, strict=True))
    return float(one_pass + steps)


def measured_rates(entries: Mapping[str, Entry]) -> dict[str, float]:
    """Return the median seconds per pixel and step of one worker for each network in the ledger."""
    found: dict[str, list[float]] = {}
    for entry in entries.values():
        seconds = entry.facts.get("seconds")
        amount = entry.facts.get("work")
        if entry.state == DONE and seconds and amount:
            found.setdefault(entry.facts.get("network", ""), []).append(seconds / amount)
    return {network: median(rates) for network, rates in found.items()}


def predicted_seconds(
    tasks: Iterable[Task],
    entries: Mapping[str, Entry],
    workers: int,
    threads: int,
) -> float:
    """Predict the wall time of a run in seconds.

    Args:
        tasks: Tasks to do.
        entries: Ledger entries with the times of earlier runs.
        workers: Number of workers.
        threads: Number of threads per worker.
    """
    measured = measured_rates(entries)
    usual = {network: rate / max(1, threads) for network, rate in RATES.items()}
    seconds = 0.0
    listed = list(tasks)
    for task in listed:
        network = task.job.config.network
        rate = measured.get(network, usual.get(network, UNKNOWN_RATE / max(1, threads)))
        seconds += rate * work(task.job.config, task.size)
    return STARTUP + seconds / max(1, workers) if listed else 0.0
