"""Whether pictures of equal shape cost less together: one step of 1, 2, 4 and 8 of them in a single tensor.

    python tests/benchmarks/bench_together.py [--sizes 128 256] [--threads 1] [--repeats 7] [--json FILE]

A step is the value and the gradient of the default objective; `a picture` is its time divided by the pictures, `ratio`
the same over that of one picture alone, run by run. What a batch of pictures could gain at most: a batched optimizer
would add its own cost, and no picture of a batch could end before the others.
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
from styler.networks import find_network
from styler.render.compiled import Compiled
from styler.render.engine import make_objective
from styler.render.margin import padded_size
from styler.render.objective import Targets, Weights
from styler.types import Size

ASPECT = Size(3, 4)
COUNTS = (1, 2, 4, 8)


def step(count: int, size: Size, network: str) -> Callable[[], float]:
    """A function that makes one step and says how long it took."""
    config = RenderConfig(network=network)
    objective = make_objective(config, find_network(network))
    random = np.random.default_rng(0)
    images = tf.constant(random.random((count, *padded_size(size), 3), np.float32))
    seen = Compiled(objective.observe)(tf.constant(random.random((1, *padded_size(size), 3), np.float32)))
    content = {name: repeated(target, count) for name, target in seen.content.items()}
    weights = Weights(*(tf.constant(weight) for weight in (1.0, 1.0, 1e-3)))
    targets = Targets(content, objective.blend([seen.style], [1.0]), weights)
    evaluate = Compiled(lambda image, goals: objective.at(goals)(image))
    evaluate(images, targets)

    def timed() -> float:
        started = time.perf_counter()
        float(evaluate(images, targets).value)
        return time.perf_counter() - started

    return timed


def repeated(target: object, count: int) -> object:
    """A target of one picture as that of several."""
    return tf.nest.map_structure(lambda part: tf.repeat(part, count, 0) if len(part.shape) == 4 else part, target)


def measure(size: Size, network: str, repeats: int) -> list[dict[str, object]]:
    steps = {count: step(count, size, network) for count in COUNTS}
    rounds = [{count: steps[count]() / count for count in COUNTS} for _ in range(repeats)]
    return [
        {
            "network": network,
            "size": f"{size.width}x{size.height}",
            "pictures": count,
            "milliseconds_a_picture": round(1000 * statistics.median(times[count] for times in rounds), 1),
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
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(asked.threads)
    tf.config.threading.set_inter_op_parallelism_threads(asked.threads)
    print(f"{'network':<8} {'size':<8} {'pictures':>8} {'ms a picture':>13} {'ratio':>6}", flush=True)
    rows = []
    for side in asked.sizes:
        for row in measure(with_longer_side(ASPECT, side), asked.network, asked.repeats):
            rows.append(row | {"threads": asked.threads})
            network, size, count, milliseconds, ratio = list(row.values())
            print(f"{network:<8} {size:<8} {count:>8} {milliseconds:>13} {ratio:>6}", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
