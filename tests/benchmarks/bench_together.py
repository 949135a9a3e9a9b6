"""Whether pictures of equal shape cost less together: steps of 1, 2, 4 and 8 of them in a single tensor.

    python tests/benchmarks/bench_together.py [--sizes 128 256] [--threads 1] [--repeats 7] [--device auto]

The same programs as in a render: objective, optimizer and line search of each picture included. `an evaluation` is the
time of a call divided by the evaluations and pictures in it, `ratio` the same over that of pictures one by one, run by
run. `styler batch --fast-shapes` measures whole renders instead, in its own workers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from styler.config import RenderConfig
from styler.images.sizes import with_longer_side
from styler.losses.term import CONTENT, SMOOTHNESS, STYLE
from styler.networks import find_network
from styler.objective.objective import Targets
from styler.optimizers.descent import Descent, begun
from styler.render.engine import Engine
from styler.render.margin import padded_size
from styler.render.program import image_tensor
from styler.types import Size

ASPECT = Size(3, 4)
COUNTS = (1, 2, 4, 8)
EVALUATIONS = 5  # of each picture in a call
FACTORS = {CONTENT: 1.0, STYLE: 1.0, SMOOTHNESS: 1e-3}


def picture(engine: Engine, size: Size, seed: int) -> tuple[Descent, Targets]:
    """Where a render of noise starts, and what it is compared with."""
    random = np.random.default_rng(seed)
    photo, painting = (image_tensor(random.random((*padded_size(size), 3), np.float32)) for _ in range(2))
    objective, seen = engine.objective, engine.observe(photo)
    weights = {term.name: tf.constant(FACTORS[term.group] * term.share) for term in objective.terms}
    targets = Targets(
        objective.prepared(seen.stats, [engine.observe(painting).stats], [1.0]), seen.activations, weights
    )
    return begun(engine.program.optimizer.init(photo)), targets


def calls(engine: Engine, size: Size, count: int) -> Callable[[], float]:
    """A function that makes one call and says how long an evaluation of a picture took."""
    pictures = [picture(engine, size, seed) for seed in range(count)]
    if count == 1:
        ((descent, targets),) = pictures
        return lambda: timed(lambda: engine.program.single.advance(descent, targets, EVALUATIONS - 1).descent, 1)
    program = engine.batch(count).program
    members = [program.begun(descent) for descent, _ in pictures]
    goals = [targets for _, targets in pictures]
    return lambda: timed(lambda: program.advance(members, goals, [EVALUATIONS] * count)[0].descent, count)


def timed(call: Callable[[], Descent], count: int) -> float:
    started = time.perf_counter()
    made = call()
    float(made.state.value)
    return (time.perf_counter() - started) / (int(made.state.evaluations) * count)


def measure(engine: Engine, size: Size, repeats: int) -> list[dict[str, object]]:
    programs = {count: calls(engine, size, count) for count in COUNTS}
    for program in programs.values():
        program()
    rounds = [{count: programs[count]() for count in COUNTS} for _ in range(repeats)]
    return [
        {
            "network": engine.network.name,
            "size": f"{size.width}x{size.height}",
            "pictures": count,
            "milliseconds_an_evaluation": round(1000 * statistics.median(times[count] for times in rounds), 1),
            "ratio": round(statistics.median(times[count] / times[1] for times in rounds), 3),
        }
        for count in COUNTS
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--network", default="compact")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(asked.threads)
    tf.config.threading.set_inter_op_parallelism_threads(asked.threads)
    engine = Engine(RenderConfig(network=asked.network, device=asked.device), find_network(asked.network))
    print(f"{'network':<8} {'size':<8} {'pictures':>8} {'ms an evaluation':>16} {'ratio':>6}", flush=True)
    rows = []
    with tf.device(engine.device):
        for side in asked.sizes:
            for row in measure(engine, with_longer_side(ASPECT, side), asked.repeats):
                rows.append(row | {"threads": asked.threads, "device": engine.device})
                network, size, count, milliseconds, ratio = list(row.values())
                print(f"{network:<8} {size:<8} {count:>8} {milliseconds:>16} {ratio:>6}", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
