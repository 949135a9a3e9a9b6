"""Cost of extraction as ratios within one run, which a busy machine moves less than seconds.

    python tests/benchmarks/bench_features.py [--size 224] [--pairs 30] [--json FILE]

Random weights. Each ratio is the median over alternating pairs, one call of each side after the other.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from styler.features.extractor import FeatureExtractor
from styler.features.graph import GraphExtractor
from styler.networks import NETWORKS

STYLE = [f"block{block}_conv1" for block in range(1, 6)]
LIMITS = {
    "5 layers, ours / by hand": 1.05,
    "block3_conv1 / whole": 0.40,
    "20 tensors / the deepest": 1.20,
    "operations, ours / by hand": 1.0,
    "traces after three batch sizes": 1.0,
}


def ratio(ours: Callable[[], object], theirs: Callable[[], object], pairs: int) -> float:
    """Median of ours over the median of theirs, called in turns."""
    for warm in (ours, theirs):
        warm()
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(pairs):
        order = (0, 1) if turn % 2 else (1, 0)
        for side in order:
            started = time.perf_counter()
            (ours, theirs)[side]()
            seconds[side].append(time.perf_counter() - started)
    return statistics.median(seconds[0]) / statistics.median(seconds[1])


def by_hand(model: keras.Model, names: list[str]) -> Callable[[tf.Tensor], object]:
    """What one would write without this package."""
    return tf.function(
        keras.Model(model.input, [model.get_layer(name).output for name in names]),
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)],
    )


def operations(function: object) -> int:
    graph = function.get_concrete_function().graph
    return sum(each.type != "Identity" for each in graph.get_operations())


def keras_ratios(size: int, pairs: int) -> dict[str, float]:
    model = NETWORKS["vgg19"].build_untrained(None)
    image = tf.constant(np.random.default_rng(0).random((1, size, size, 3), np.float32))
    ours, theirs = FeatureExtractor(model, STYLE), by_hand(model, STYLE)
    early, whole = FeatureExtractor(model, ["block3_conv1"]), FeatureExtractor(model, ["block5_pool"])
    found = {
        "5 layers, ours / by hand": ratio(lambda: ours(image), lambda: theirs(image), pairs),
        "block3_conv1 / whole": ratio(lambda: early(image), lambda: whole(image), pairs),
        "operations, ours / by hand": operations(ours._source._compiled) / operations(theirs),
    }
    for batch in (2, 3):
        ours(tf.repeat(image[:, :32, :32], batch, 0))
    return {**found, "traces after three batch sizes": float(ours._source._compiled.experimental_get_tracing_count())}


def chain(length: int) -> tf.Graph:
    """Convolutions one after the other, named c1, c2, ..."""
    graph, random = tf.Graph(), np.random.default_rng(0)
    with graph.as_default():
        x = tf.compat.v1.placeholder(tf.float32, (None, None, None, 16), "image")
        for index in range(1, length + 1):
            kernel = tf.constant(random.normal(0, 0.1, (3, 3, 16, 16)).astype(np.float32))
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"), name=f"c{index}")
    return graph


def graph_ratio(size: int, pairs: int) -> dict[str, float]:
    graph, names = chain(20), [f"c{index}" for index in range(1, 21)]
    image = tf.constant(np.random.default_rng(0).random((1, size, size, 16), np.float32))
    many, deepest = GraphExtractor(graph, names), GraphExtractor(graph, names[-1:])
    return {"20 tensors / the deepest": ratio(lambda: many(image), lambda: deepest(image), pairs)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {**keras_ratios(options.size, options.pairs), **graph_ratio(options.size, options.pairs)}
    for name, value in found.items():
        print(f"{name:<32} {value:6.3f}  at most {LIMITS[name]:.2f}  {'ok' if value <= LIMITS[name] else 'MISSED'}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
