"""How long renders will take: from what the ledger has measured, else from measurements on another machine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import median

from styler.batch.ledger import DONE, Entry
from styler.batch.plan import Task
from styler.config import RenderConfig
from styler.objective.strength import is_photo
from styler.render.margin import padded_size
from styler.render.pyramid import plan_octaves
from styler.types import Size

STARTUP = 5.5  # seconds: until a Stylizer is ready 3.2, compiling 2.2; tests/benchmarks/bench_batch.py
RATES = {"compact": 2.0e-6, "vgg19": 2.4e-5, "vgg16": 2.0e-5}  # core seconds a pixel and step, on a Xeon at 2.5 GHz
STEP_PIXELS = (
    9_000  # pixels that take as long as what a step does whatever the size: tests/benchmarks/bench_together.py
)
UNKNOWN_RATE = RATES["vgg19"]


def work(config: RenderConfig, size: Size) -> float:
    """What time is proportional to: pixels times views and steps over all octaves, margins and a step's own cost in."""
    if is_photo(config):
        return 0.0
    octaves = plan_octaves(size, config.steps, config.scales)
    pixels = [config.views * math.prod(padded_size(octave.size)) for octave in octaves]
    return float(sum((count + STEP_PIXELS) * octave.steps for count, octave in zip(pixels, octaves, strict=True)))


def measured_rates(entries: Mapping[str, Entry]) -> dict[str, float]:
    """Network -> seconds a pixel and step of one worker, the median of what the ledger holds."""
    found: dict[str, list[float]] = {}
    for entry in entries.values():
        seconds, amount = entry.facts.get("seconds"), entry.facts.get("work")
        if entry.state == DONE and seconds and amount:
            found.setdefault(entry.facts.get("network", ""), []).append(seconds / amount)
    return {network: median(rates) for network, rates in found.items()}


def predicted_seconds(tasks: Iterable[Task], entries: Mapping[str, Entry], workers: int, threads: int) -> float:
    """Wall time of a run.

    Args:
        tasks: What is to be done.
        entries: Of the ledger, with the times of earlier runs.
        workers: How many compute at the same time.
        threads: Of each.
    """
    measured = measured_rates(entries)
    usual = {network: rate / max(1, threads) for network, rate in RATES.items()}
    seconds, listed = 0.0, list(tasks)
    for task in listed:
        network = task.job.config.network
        rate = measured.get(network, usual.get(network, UNKNOWN_RATE / max(1, threads)))
        seconds += rate * work(task.job.config, task.size)
    return STARTUP + seconds / max(1, workers) if listed else 0.0
