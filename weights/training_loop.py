"""The loop of a training: learning rates by steps done or by the clock, reports, checkpoints to go on from."""

from __future__ import annotations

import argparse
import json
import pathlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

WARM_UP = 0.02  # share of the run in which the learning rate rises from none
LAST = 0.01  # what is left of the learning rate at the end


class Run(Protocol):
    """What is trained."""

    def step(self, step: int, rate: np.float32) -> dict[str, Any]:
        """One gradient step; named scalars, which may still be under way on the device."""

    def held_out(self) -> dict[str, float]:
        """How good it is on what no step has seen."""

    def variables(self) -> list[Any]:
        """All Keras variables that change."""

    def write(self, folder: pathlib.Path) -> None:
        """Write what the training is for."""


@dataclass(frozen=True)
class Length:
    """A run ends after so many steps or so many minutes, whichever comes first."""

    steps: int
    minutes: float

    def done(self, step: int, seconds: float) -> float:
        """Share of the run that lies behind, 0 to 1 and beyond."""
        return max(step / self.steps, seconds / 60 / self.minutes)


def learning_rate(done: float) -> float:
    """Share of the highest learning rate: a short rise, then half a cosine down to `LAST`."""
    if done < WARM_UP:
        return 0.02 + done / WARM_UP
    fall = min(1.0, (done - WARM_UP) / (1 - WARM_UP))
    return LAST + (1 - LAST) * 0.5 * (1 + float(np.cos(np.pi * fall)))


def train(run: Run, length: Length, highest: float, work: pathlib.Path, every: float) -> None:
    """Train to the end of `length`, from the checkpoint in `work` if there is one.

    Args:
        run: What is trained.
        length: Of all, the time before an interruption included.
        highest: Learning rate.
        work: Folder of checkpoint, log and result.
        every: Seconds between checkpoints.
    """
    work.mkdir(parents=True, exist_ok=True)
    step, before = restore(run, work / "checkpoint.npz")
    started, reported, logs, seconds = None, time.monotonic(), {}, before
    while (done := length.done(step, seconds)) < 1:
        step, last = step + 1, logs
        logs = run.step(step, np.float32(highest * learning_rate(done)))
        wait_for(last if started else logs)  # at most one step is under way
        started = started or time.monotonic()  # compiling the first step is no training
        seconds = before + time.monotonic() - started
        if time.monotonic() - reported >= every:
            report(run, step, seconds, logs, work)
            reported = time.monotonic()
    report(run, step, seconds, logs, work)


def wait_for(logs: dict[str, Any]) -> None:
    """Return when the device has worked out these scalars."""
    for value in logs.values():
        float(value)


def report(run: Run, step: int, seconds: float, logs: dict[str, Any], work: pathlib.Path) -> None:
    """Print and log a row, save everything."""
    row = {"step": step, "seconds": round(seconds)} | {name: float(value) for name, value in logs.items()}
    row = {name: round(value, 4) for name, value in (row | run.held_out()).items()}
    print(json.dumps(row), flush=True)
    with (work / "log.jsonl").open("a") as log:
        log.write(json.dumps(row) + "\n")
    arrays = {f"v{i:04d}": np.asarray(v) for i, v in enumerate(run.variables())}
    partial = work / "checkpoint.partial.npz"
    np.savez(partial, step=step, seconds=seconds, **arrays)
    partial.replace(work / "checkpoint.npz")
    run.write(work)


def restore(run: Run, path: pathlib.Path) -> tuple[int, float]:
    """Steps and seconds done."""
    if not path.exists():
        return 0, 0.0
    with np.load(path, allow_pickle=False) as arrays:
        for i, variable in enumerate(run.variables()):
            variable.assign(arrays[f"v{i:04d}"])
        return int(arrays["step"]), float(arrays["seconds"])


def write_archive(path: pathlib.Path, layers: list[Any]) -> None:
    """Float16 kernels and biases, `layer/kernel` in height, width, in, out order."""
    parts = ((layer.name, *layer.get_weights()) for layer in layers if layer.weights)
    arrays = {}
    for name, kernel, bias in parts:
        arrays |= {f"{name}/kernel": np.float16(kernel), f"{name}/bias": np.float16(bias)}
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)
    partial.replace(path)


def common_options(parser: argparse.ArgumentParser) -> Callable[[], argparse.Namespace]:
    """Options of every training."""
    parser.add_argument("--photos", type=pathlib.Path, required=True, help="folder of photos")
    parser.add_argument("--paintings", type=pathlib.Path, required=True, help="folder of pictures of paintings")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("weights/training"), help="checkpoints")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end by the clock")
    parser.add_argument("--report-every", type=float, default=60, help="seconds between checkpoints")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="of activations")
    parser.add_argument("--products", action="store_true", help="convolve by matrix products, for XLA on a GPU")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args
