"""One value and gradient of the objective against PyTorch, in alternating runs on one machine.

    python tests/benchmarks/bench_step.py [--sizes 256 384 512] [--repeats 9] [--json FILE]

Two networks of random weights, the same in both frameworks: VGG-19's channels and a 16x smaller one; five Gram
matrices; weights frozen. PyTorch runs channels-last, its faster layout here. A row is a size, a network and a way to
run; `ratio` is its median time over PyTorch's, run by run, so that a drifting machine does not decide.
PyTorch is needed for this script only: `pip install torch`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import torch
import torch.nn.functional as tnf

Layer = tuple[np.ndarray, bool, bool]  # kernel (3, 3, in, out), whether its output is a style layer, pool before it
NETWORKS = {
    "vgg19": ((64, 128, 256, 512, 512), (2, 2, 4, 4, 1)),
    "small": ((16, 32, 64, 128, 128), (2, 2, 4, 4, 1)),
}
ASPECT = 4 / 3


def make_layers(widths: tuple[int, ...], depths: tuple[int, ...]) -> list[Layer]:
    random, layers, channels = np.random.default_rng(0), [], 3
    for block, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        for index in range(depth):
            scale = (2 / (9 * channels)) ** 0.5
            kernel = random.normal(0, scale, (3, 3, channels, width)).astype(np.float32)
            layers.append((kernel, index == 0, index == 0 and block > 0))
            channels = width
    return layers


def tensorflow_step(layers: list[Layer], image: np.ndarray, *, xla: bool) -> Callable[[], float]:
    kernels = [tf.constant(kernel) for kernel, _, _ in layers]
    edges = [[0, 0], [1, 1], [1, 1], [0, 0]]

    def value(x: tf.Tensor) -> tf.Tensor:
        total = 0.0
        for kernel, (_, style, pool) in zip(kernels, layers, strict=True):
            x = tf.nn.avg_pool2d(x, 2, 2, "VALID") if pool else x
            x = tf.nn.relu(tf.nn.conv2d(tf.pad(x, edges, "REFLECT"), kernel, 1, "VALID"))
            if style:
                flat = tf.reshape(x, [-1, x.shape[-1]])
                gram = tf.matmul(flat, flat, transpose_a=True) / tf.cast(tf.shape(flat)[0], tf.float32)
                total += tf.reduce_sum(tf.square(gram))
        return total

    @tf.function(jit_compile=xla)
    def step(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            result = value(x)
        return result, tape.gradient(result, x)

    tensor = tf.constant(image)
    return lambda: float(step(tensor)[0])


def torch_step(layers: list[Layer], image: np.ndarray) -> Callable[[], float]:
    layout = {"memory_format": torch.channels_last}
    kernels = [torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()).contiguous(**layout) for kernel, _, _ in layers]
    tensor = torch.from_numpy(image.transpose(0, 3, 1, 2).copy()).contiguous(**layout)

    def step() -> float:
        x = leaf = tensor.detach().requires_grad_(True)
        total = torch.zeros(())
        for kernel, (_, style, pool) in zip(kernels, layers, strict=True):
            x = tnf.avg_pool2d(x, 2) if pool else x
            x = tnf.relu(tnf.conv2d(tnf.pad(x, (1, 1, 1, 1), mode="reflect"), kernel))
            if style:
                flat = x[0].permute(1, 2, 0).reshape(-1, x.shape[1])
                gram = flat.T @ flat / flat.shape[0]
                total = total + gram.square().sum()
        torch.autograd.grad(total, leaf)
        return float(total)

    return step


def seconds(step: Callable[[], float]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def compare(name: str, side: int, repeats: int) -> list[dict[str, Any]]:
    layers = make_layers(*NETWORKS[name])
    image = np.random.default_rng(1).random((1, round(side / ASPECT), side, 3), np.float32)
    steps = {
        "torch": torch_step(layers, image),
        "graph": tensorflow_step(layers, image, xla=False),
        "xla": tensorflow_step(layers, image, xla=True),
    }
    first = {way: seconds(step) for way, step in steps.items()}
    values = {way: step() for way, step in steps.items()}
    for value in values.values():
        np.testing.assert_allclose(value, values["torch"], rtol=1e-3)
    times: dict[str, list[float]] = {way: [] for way in steps}
    for _ in range(repeats):
        for way, step in steps.items():
            times[way].append(seconds(step))
    rows = []
    for way, taken in times.items():
        ratios = [mine / theirs for mine, theirs in zip(taken, times["torch"], strict=True)]
        median = statistics.median(taken)
        row = {"network": name, "longer_side": side, "way": way, "seconds": median}
        rows.append(row | {"ratio": statistics.median(ratios), "first_call": first[way]})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024], help="longer sides, pixels")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows = [row for name in args.networks for side in args.sizes for row in compare(name, side, args.repeats)]
    for row in rows:
        print(
            "{network:6} {longer_side:5} {way:6} {seconds:8.4f} s  {ratio:5.2f}x  first {first_call:6.2f} s".format(
                **row
            )
        )
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
