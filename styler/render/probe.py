"""Measures the cost of a configuration on this machine, by a short run in a separate process.

TensorFlow keeps memory once it has allocated it, so only a fresh process shows the true peak. The result is stored in
the user's cache folder and is valid as long as the machine, the versions and the network are the same.
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
from dataclasses import replace
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
from styler.render.schedule import unplanned
from styler.types import Evaluation, Scalar, Size

SIDES = (256, 512)  # pixels; a line through their memory is within 10 % of the memory at 1,024 and 1,448 pixels
SLOW = 0.5  # seconds per step at the first side; on slower machines, the second side is `SLOW_SIDE`
SLOW_SIDE = 384  # pixels
REPEATS = 3
SWEPT = 768  # pixels; side of the image that the optimizer is timed on: its buffers are larger than any CPU cache
MOST_KEPT = 200  # measurements of half a kilobyte each, enough for years of versions, networks and options
TIMEOUT = 300  # seconds; the built-in network takes 10, VGG-19 takes 30
READY = "styler-probe "


def probed(config: RenderConfig, kind: str) -> Cost | None:
    """Return the cost from the cache or from a measurement; None if it cannot be measured.

    Args:
        config: Options; only the fields that an engine is built from matter.
        kind: "whole" or "tiles".
    """
    identity = _identity(config, kind)
    kept = _kept(identity)
    if kept is not None:
        return kept
    cost = _measured_in_a_process(config, kind)
    if cost is not None:
        with suppress(OSError):
            _keep(identity, cost)
    return cost


def is_kept(config: RenderConfig, kind: str) -> bool:
    """Whether the cost is in the cache, so that `probed` takes no time."""
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
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
    return cache_folder() / f"cost-{digest[:16]}.json"


def cache_folder() -> Path:
    """Return the user's cache folder, as in the XDG base directory specification 0.8.

    Raises:
        FileNotFoundError: The user has no home folder, as in some containers.
    """
    home = os.environ.get("XDG_CACHE_HOME")
    if home:
        return Path(home) / "styler"
    try:
        return Path.home() / ".cache" / "styler"
    except RuntimeError as cause:
        raise FileNotFoundError(str(cause)) from cause


def conditions(config: RenderConfig) -> dict[str, Any]:
    """Return everything that the cost depends on."""
    import keras

    import styler

    prefixes = ("TF_", "OMP_", "XLA_", "MALLOC_")
    variables = [(name, value) for name, value in os.environ.items() if name.startswith(prefixes)]
    return {
        "config": {name: value for name, value in config.to_dict().items() if name in DECISIVE},
        "weights": _weights_stamp(config.network),
        "machine": [
            platform.machine(),
            platform.processor(),
            _processor(),
            count_processors(),
        ],
        "versions": [
            platform.python_version(),
            styler.__version__,
            tf.__version__,
            keras.__version__,
            np.__version__,
        ],
        "environment": sorted(variables),
    }


def _weights_stamp(network: str) -> list[Any]:
    """Return the size and modification time of the network's file; empty if it cannot be read."""
    path = Path(network)
    with suppress(OSError):
        found = path if path.exists() else find_weights(find_network(network).weights_file)
        status = found.stat()
        return [status.st_size, status.st_mtime_ns]
    return []


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.startswith("model name"):
                return value.strip()
    return ""


def _keep(identity: dict[str, Any], cost: Cost) -> None:
    """Write a measurement to the cache, and remove the oldest ones if there are more than `MOST_KEPT`."""
    path = _path(identity)
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {"conditions": identity, "cost": cost.to_dict()}
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    temporary.write_text(json.dumps(values), "utf-8")
    temporary.replace(path)
    kept = sorted(
        path.parent.glob("cost-*.json"),
        key=lambda path: path.stat().st_mtime,
    )
    for old in kept[:-MOST_KEPT]:
        old.unlink(missing_ok=True)


def _measured_in_a_process(config: RenderConfig, kind: str) -> Cost | None:
    options = json.dumps(config.to_dict())
    command = [sys.executable, "-m", "styler.render.probe", kind, options]
    path = os.pathsep.join(folder or "." for folder in sys.path)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            env={**os.environ, "PYTHONPATH": path},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    for line in done.stdout.splitlines():
        if line.startswith(READY):
            return Cost.from_dict(json.loads(line.removeprefix(READY)))
    return None


def measured(config: RenderConfig, kind: str) -> Cost:
    """Measure the cost in this process, which should do nothing else."""
    engine = Engine(config, find_network(config.network))
    if kind == "whole":
        return _measured_over_sides(lambda side: _step_times(config, engine, side))
    cost = _measured_over_sides(lambda side: _evaluation_times(engine, side + 2 * MARGIN))
    in_memory = _sweep_seconds(engine, np.zeros)
    in_files = _sweep_seconds(engine, mapped)
    return replace(cost, sweep=(in_memory, in_files))


def _measured_over_sides(measure: Callable[[int], list[float]]) -> Cost:
    """Compute the cost from measurements at two sides, the second larger than the first.

    Args:
        measure: Returns the seconds of each call at a side; the first call also compiles.
    """
    start = resident_memory()
    pixels: list[float] = []
    seconds: list[float] = []
    memory: list[float] = []
    compiling = 0.0
    side = SIDES[0]
    for _ in SIDES:
        first, *later = measure(side)
        pixels.append(float((side + 2 * MARGIN) ** 2))
        seconds.append(statistics.median(later))
        memory.append(float(peak_memory() - start))
        if len(seconds) == 1:
            compiling = first - seconds[0]
        side = SIDES[1] if seconds[0] < SLOW else SLOW_SIDE
    return Cost(
        memory=Line.through(pixels, memory),
        seconds=Line.through(pixels, seconds),
        first=compiling,
    )


def _step_times(config: RenderConfig, engine: Engine, side: int) -> list[float]:
    """Time each step of a real render in one piece, in seconds; the first includes all work before it."""
    changed = config.changed(
        size=side,
        steps=2 + REPEATS,
        scales=1,
        tile="off",
        init="content",
        max_memory=None,
    )
    photo = picture(side)
    schedule = unplanned(changed, Size(side, side))
    renderer = Renderer(changed, engine)
    times = []
    done = 0
    started = time.perf_counter()
    for event in renderer.render(Inputs.of(photo, [photo]), schedule, event_every=1):
        now = time.perf_counter()
        times.append((now - started) / (event.step - done))
        started = now
        done = event.step
    return times


def _evaluation_times(engine: Engine, side: int) -> list[float]:
    """Time each evaluation of an image that is one tile, in seconds."""
    image = picture(side).pixels
    targets = one_tile_targets(engine, image)
    gradient = np.empty_like(image)
    tile = _one_tile(engine, side)
    times = []
    for _ in range(1 + REPEATS):
        started = time.perf_counter()
        engine.tiling.evaluate(image, targets, tile, gradient)
        times.append(time.perf_counter() - started)
    return times


def one_tile_targets(engine: Engine, image: Array) -> Targets:
    """Compute the targets for an image that serves as both the photo and the painting."""
    objective = engine.objective
    seen = engine.tiling.observe(
        image,
        _one_tile(engine, len(image)),
        lambda _, shape: np.zeros(shape, np.float32),
    )
    return Targets(
        prepared=objective.prepared(seen.stats, [seen.stats], [1.0]),
        activations=seen.activations,
        weights={term.name: term.share for term in objective.terms},
        regions=seen.regions,
    )


def _one_tile(engine: Engine, side: int) -> int:
    return max(2 * side, engine.tiling.view.smallest_tile)


def _sweep_seconds(engine: Engine, allocate: Callable[[tuple[int, ...]], Array]) -> float:
    """Measure the optimizer on the host with a full history, in seconds per step and pixel."""
    steps = REPEATS + engine.program.optimizer.history
    walk = Pieces(lambda _, shape: allocate(shape).astype(np.float32, copy=False), release)
    optimizer = engine.program.optimizer.on_host(walk, steps, None)
    center = picture(SWEPT, seed=1).pixels[None]
    image = walk.filled("iterate", picture(SWEPT).pixels[None])
    gradient = walk.buffer("gradient", image.shape)
    state = optimizer.init(image)
    times = []
    for _ in range(steps + 1):
        started = time.perf_counter()
        state = step(optimizer, state, lambda at: Evaluation(_parabola(at, gradient, center), gradient))
        times.append(time.perf_counter() - started)
    unused = np.empty_like(image)
    started = time.perf_counter()
    _parabola(image, unused, center)
    of_objective = time.perf_counter() - started
    of_optimizer = statistics.median(times[-REPEATS:]) - of_objective
    return max(0.0, of_optimizer) / SWEPT**2


def _parabola(image: Array, gradient: Array, center: Array) -> Scalar:
    """Compute a paraboloid with unequal curvatures and its gradient; L-BFGS needs more than a few steps for it."""
    curvature = np.linspace(1.0, 30.0, image.shape[1], dtype=np.float32)[:, None, None]
    offset = image - center
    np.multiply(curvature, offset, out=gradient)
    value = 0.5 * float(np.sum(gradient * offset, dtype=np.float64))
    return tf.constant(value, tf.float32)


def picture(side: int, seed: int = 0) -> Picture:
    """Make a square picture of noise; costs do not depend on the contents of a picture."""
    pixels = np.random.default_rng(seed).random((side, side, 3), np.float32)
    return Picture(pixels=pixels, name="probe")


def main(kind: str, config: str) -> None:
    """Measure a config and write the cost as one line to standard output."""
    cost = measured(RenderConfig.from_dict(json.loads(config)), kind)
    sys.stdout.write(f"{READY}{json.dumps(cost.to_dict())}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
