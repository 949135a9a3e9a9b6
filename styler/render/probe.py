"""A short measurement of what a configuration costs on this machine, in a process of its own.

A process of its own, because memory that TensorFlow has taken once it keeps, so that a peak can be told only from a
fresh start. The result stays in the user's cache folder for as long as machine, versions and network are the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from styler.config import RenderConfig
from styler.images.mapped import Array, mapped, release
from styler.images.picture import Picture
from styler.inputs import Inputs
from styler.memory import peak_memory, resident_memory
from styler.networks import find_network
from styler.networks.weights import find_weights
from styler.objective.objective import Targets
from styler.optimizers.base import step
from styler.optimizers.walk import Pieces
from styler.processors import count_processors
from styler.render.cost import Cost, Line
from styler.render.engine import DECISIVE, Engine
from styler.render.margin import MARGIN
from styler.render.renderer import Renderer
from styler.render.schedule import Schedule, unplanned
from styler.types import Evaluation, Scalar, Size

SIDES = (256, 512)  # pixels; the line of memory through both is within 10 % of what 1,024 and 1,448 pixels took
SLOW, SLOW_SIDE = 0.5, 384  # seconds a step at the first side beyond which the second is this
REPEATS = 3
SWEPT = 768  # pixels a side of the image that the optimizer is timed on: its buffers are larger than any cache
MOST_KEPT = 200  # measurements, half a kilobyte each: years of versions, networks and options
TIMEOUT = 300  # seconds: the embedded network takes 10, VGG19 30
READY = "styler-probe "


def probed(config: RenderConfig, kind: str) -> Cost | None:
    """The cost by the cache or by a measurement; None if it cannot be measured.

    Args:
        config: What it depends on are the fields that an engine is built from.
        kind: "whole" or "tiles".
    """
    identity = _identity(config, kind)
    cost = _kept(identity)
    if cost is None:
        cost = _measured_elsewhere(config, kind)
        if cost is not None:
            with suppress(OSError):
                _keep(_path(identity), {"conditions": identity, "cost": cost.to_dict()})
    return cost


def is_kept(config: RenderConfig, kind: str) -> bool:
    """Whether `probed` would take no time."""
    return _kept(_identity(config, kind)) is not None


def _kept(identity: dict[str, Any]) -> Cost | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(_path(identity).read_text("utf-8"))
        if kept["conditions"] == identity:
            return Cost.from_dict(kept["cost"])
    return None


def _identity(config: RenderConfig, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps({**conditions(config), "kind": kind}))
    return found


def _path(identity: dict[str, Any]) -> Path:
    return cache_folder() / f"cost-{hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]}.json"


def cache_folder() -> Path:
    """The user's folder for what can be worked out again, by the XDG base directory specification 0.8.

    Raises:
        FileNotFoundError: There is none: a user without a home folder, as containers have them.
    """
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(home) if home else Path.home() / ".cache") / "styler"
    except RuntimeError as cause:
        raise FileNotFoundError(str(cause)) from cause


def conditions(config: RenderConfig) -> dict[str, Any]:
    """All that a cost depends on."""
    import keras

    import styler

    return {
        "config": {name: value for name, value in config.to_dict().items() if name in DECISIVE},
        "weights": _weights_stamp(config.network),
        "machine": [platform.machine(), platform.processor(), _processor(), count_processors()],
        "versions": [platform.python_version(), styler.__version__, tf.__version__, keras.__version__, np.__version__],
        "environment": sorted(
            (k, v) for k, v in os.environ.items() if k.startswith(("TF_", "OMP_", "XLA_", "MALLOC_"))
        ),
    }


def _weights_stamp(network: str) -> list[Any]:
    path = Path(network)
    with suppress(OSError):
        found = path if path.exists() else find_weights(find_network(network).weights_file)
        return [found.stat().st_size, found.stat().st_mtime_ns]
    return []


def _processor() -> str:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return ""


def _keep(path: Path, values: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    beside.write_text(json.dumps(values), "utf-8")
    beside.replace(path)
    _forget(path.parent)


def _forget(folder: Path) -> None:
    """All but the latest measurements."""
    kept = sorted(folder.glob("cost-*.json"), key=lambda path: path.stat().st_mtime)
    for path in kept[:-MOST_KEPT]:
        path.unlink(missing_ok=True)


def _measured_elsewhere(config: RenderConfig, kind: str) -> Cost | None:
    command = [sys.executable, "-m", "styler.render.probe", kind, json.dumps(config.to_dict())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, env=environment, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    for line in done.stdout.splitlines():
        if line.startswith(READY):
            return Cost.from_dict(json.loads(line.removeprefix(READY)))
    return None


def measured(config: RenderConfig, kind: str) -> Cost:
    """The cost, measured in this process, which should do nothing else."""
    engine = Engine(config, find_network(config.network))
    return _whole(config, engine) if kind == "whole" else _tiles(engine)


def _whole(config: RenderConfig, engine: Engine) -> Cost:
    """A few steps of real renders in one piece, the second larger than the first."""
    start, firsts = resident_memory(), []

    def steps(side: int) -> list[float]:
        changed = config.changed(size=side, steps=2 + REPEATS, scales=1, tile="off", init="content", max_memory=None)
        first, *later = _step_times(Renderer(changed, engine), picture(side), unplanned(changed, Size(side, side)))
        firsts.append(first)
        return later

    pixels, pace, memory = _over_sides(steps, start)
    return Cost(memory=Line.through(pixels, memory), seconds=Line.through(pixels, pace), first=firsts[0] - pace[0])


def _step_times(renderer: Renderer, photo: Picture, schedule: Schedule) -> list[float]:
    """Seconds a step of each call; the first, with one step and the compiling, also counts all before it."""
    times, done, started = [], 0, time.perf_counter()
    for event in renderer.render(Inputs.of(photo, [photo]), schedule, event_every=1):
        now = time.perf_counter()
        times.append((now - started) / (event.step - done))
        started, done = now, event.step
    return times


def _over_sides(measure: Callable[[int], list[float]], start: int) -> tuple[list[float], list[float], list[float]]:
    """Pixels with margin, median seconds and memory beyond the start, at two sides."""
    first = _at_side(measure, SIDES[0], start)
    second = _at_side(measure, SIDES[1] if first[1] < SLOW else SLOW_SIDE, start)
    pixels, pace, memory = zip(first, second, strict=True)
    return list(pixels), list(pace), list(memory)


def _at_side(measure: Callable[[int], list[float]], side: int, start: int) -> tuple[float, float, float]:
    pace = statistics.median(measure(side))
    return float((side + 2 * MARGIN) ** 2), pace, float(peak_memory() - start)


def _tiles(engine: Engine) -> Cost:
    """Evaluations of images that are one tile, and the optimizer's own work by itself."""
    start, firsts = resident_memory(), []

    def evaluations(side: int) -> list[float]:
        first, *later = _evaluation_times(engine, side + 2 * MARGIN)
        firsts.append(first)
        return later

    pixels, pace, memory = _over_sides(evaluations, start)
    lines = {"memory": Line.through(pixels, memory), "seconds": Line.through(pixels, pace)}
    sweeps = _swept(engine, np.zeros), _swept(engine, lambda shape: mapped(shape))
    return Cost(**lines, first=firsts[0] - pace[0], sweep=sweeps)


def _evaluation_times(engine: Engine, side: int) -> list[float]:
    image = picture(side).pixels
    targets = one_tile_targets(engine, image)
    gradient, times = np.empty_like(image), []
    for _ in range(1 + REPEATS):
        started = time.perf_counter()
        engine.tiling.evaluate(image, targets, _one_tile(engine, side), gradient)
        times.append(time.perf_counter() - started)
    return times


def one_tile_targets(engine: Engine, image: Array) -> Targets:
    """What an image is compared with when it is its own photo and painting."""
    seen = engine.tiling.observe(image, _one_tile(engine, len(image)), lambda _, shape: np.zeros(shape, np.float32))
    objective = engine.objective
    aims = objective.aims(seen.stats, [seen.stats], [1.0])
    return Targets(aims, seen.kept, {term.name: term.share for term in objective.terms}, seen.regions)


def _one_tile(engine: Engine, side: int) -> int:
    return max(2 * side, engine.tiling.view.smallest_tile)


def _swept(engine: Engine, allocate: Callable[[tuple[int, ...]], Array]) -> float:
    """Seconds a step and pixel that the optimizer takes when its history is full."""
    steps = REPEATS + engine.program.optimizer.history
    walk = Pieces(lambda _, shape: allocate(shape).astype(np.float32, copy=False), release)
    optimizer = engine.program.optimizer.on_host(walk, steps, None)
    aim, image = picture(SWEPT, seed=1).pixels[None], walk.filled("iterate", picture(SWEPT).pixels[None])
    gradient, state = walk.buffer("gradient", image.shape), optimizer.init(image)
    times = []
    for _ in range(steps + 1):
        started = time.perf_counter()
        state = step(optimizer, state, lambda at: Evaluation(_parabola(at, gradient, aim), gradient))
        times.append(time.perf_counter() - started)
    empty = _timed(lambda: _parabola(image, np.empty_like(image), aim))
    return max(0.0, statistics.median(times[-REPEATS:]) - empty) / SWEPT**2


def _parabola(image: Array, slope: Array, aim: Array) -> Scalar:
    """A curved valley that takes L-BFGS more than a few steps."""
    curvature = np.linspace(1.0, 30.0, image.shape[1], dtype=np.float32)[:, None, None]
    np.multiply(curvature, image - aim, out=slope)
    return tf.constant(0.5 * float(np.sum(slope * (image - aim), dtype=np.float64)), tf.float32)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def picture(side: int, seed: int = 0) -> Picture:
    """A square of noise, since costs do not depend on what is in a picture."""
    pixels = np.random.default_rng(seed).random((side, side, 3), np.float32)
    return Picture(pixels=pixels, name="probe")


def main(kind: str, config: str) -> None:
    """Measure and write one line to standard output."""
    cost = measured(RenderConfig.from_dict(json.loads(config)), kind)
    sys.stdout.write(f"{READY}{json.dumps(cost.to_dict())}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
