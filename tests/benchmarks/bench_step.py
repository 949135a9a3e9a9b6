"""One value and gradient of the objective against PyTorch, in alternating runs on one machine.

    python tests/benchmarks/bench_step.py [--sizes 256 384 512] [--repeats 9] [--json FILE]

Two networks of random weights, the same in both frameworks: VGG-19's channels and a 16x smaller one; five Gram
matrices; weights frozen. The program's side is its own: extractor, objective, compilation. PyTorch runs channels-last,
its faster layout here. A row is a size, a network and a way to run; `ratio` is its median time over PyTorch's, run by
run, so that a drifting machine does not decide; `rate` its operations a second as a share of those of a matrix product
of 2048 x 2048, which direct convolutions cannot pass and others can.
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

from styler.cli.app import prepare_environment

prepare_environment(["render"])

import numpy as np
import tensorflow as tf
import torch
import torch.nn.functional as tnf

from styler.features.extractor import FeatureExtractor
from styler.losses.base import per_position
from styler.losses.gram import GramLoss
from styler.losses.term import STYLE, Term
from styler.networks.compact import CompactDesign, build_compact
from styler.objective.compiled import Compiled
from styler.objective.objective import Objective
from styler.types import Evaluation

Layer = tuple[np.ndarray, bool, bool]  # kernel (3, 3, in, out), whether its output is a style layer, pool before it
Step = Callable[[], float]
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


def program_step(layers: list[Layer], depths: tuple[int, ...], image: np.ndarray, *, xla: bool) -> Step:
    """The program's own objective: extractor, Gram loss, compilation, everything but the optimizer."""
    widths = tuple(kernel.shape[-1] for kernel, style, _ in layers if style)
    design = CompactDesign(widths=widths, depths=depths)
    model = build_compact(design)
    for name, (kernel, _, _) in zip(design.layer_names(), layers, strict=True):
        model.get_layer(name).set_weights([kernel, np.zeros(kernel.shape[-1], np.float32)])
    model.trainable = False
    chosen = [f"block{block}_conv1" for block in range(1, len(depths) + 1)]
    objective = Objective(
        extract=FeatureExtractor(model, chosen),
        statistic=tuple(Term(name=name, group=STYLE, loss=GramLoss(), layer=name) for name in chosen),
        local=(),
    )

    def step(x: tf.Tensor) -> Evaluation:
        with tf.GradientTape() as tape:
            tape.watch(x)
            stats = objective.statistics(objective.read(x), {})
            value = tf.add_n([tf.reduce_sum(tf.square(per_position(each)["second"])) for each in stats.values()])
        return Evaluation(value, tape.gradient(value, x))

    tensor, compiled = tf.constant(image), Compiled(step, xla=xla)
    return lambda: float(compiled(tensor).value)


def torch_step(layers: list[Layer], image: np.ndarray) -> Step:
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


def operations(layers: list[Layer], image: np.ndarray) -> float:
    """Multiplications and additions of one value and gradient with respect to the image, direct convolutions.

    Each convolution and each Gram matrix counts once forward and once backward; weights have no gradient.
    """
    height, width, total = image.shape[1], image.shape[2], 0.0
    for kernel, style, pool in layers:
        height, width = (height // 2, width // 2) if pool else (height, width)
        total += 2.0 * 2.0 * kernel.size * height * width
        if style:
            total += 2.0 * 2.0 * kernel.shape[-1] ** 2 * height * width
    return total


def product_rate(side: int = 2048, repeats: int = 5) -> float:
    """Operations a second of a float32 matrix product here and now, the fastest of a few."""
    left = tf.random.stateless_uniform((side, side), (0, 1))
    multiply = tf.function(lambda: tf.reduce_sum(tf.matmul(left, left)))
    multiply()
    return 2.0 * side**3 / min(seconds(lambda: float(multiply())) for _ in range(repeats))


def seconds(step: Step) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def compare(name: str, side: int, repeats: int) -> list[dict[str, Any]]:
    layers = make_layers(*NETWORKS[name])
    image = np.random.default_rng(1).random((1, round(side / ASPECT), side, 3), np.float32)
    steps = {
        "torch": torch_step(layers, image),
        "graph": program_step(layers, NETWORKS[name][1], image, xla=False),
        "xla": program_step(layers, NETWORKS[name][1], image, xla=True),
    }
    first = {way: seconds(step) for way, step in steps.items()}
    values = {way: step() for way, step in steps.items()}
    for value in values.values():
        np.testing.assert_allclose(value, values["torch"], rtol=1e-3)
    times: dict[str, list[float]] = {way: [] for way in steps}
    for _ in range(repeats):
        for way, step in steps.items():
            times[way].append(seconds(step))
    rows, rate = [], product_rate()
    for way, taken in times.items():
        ratios = [mine / theirs for mine, theirs in zip(taken, times["torch"], strict=True)]
        median = statistics.median(taken)
        row = {"network": name, "longer_side": side, "way": way, "seconds": median}
        share = operations(layers, image) / rate / median
        rows.append(row | {"ratio": statistics.median(ratios), "first_call": first[way], "rate": share})
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
            "{network:6} {longer_side:5} {way:6} {seconds:8.4f} s  {ratio:5.2f}x  first {first_call:6.2f} s  "
            "{rate:5.2f} of the matrix-product rate".format(**row)
        )
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
