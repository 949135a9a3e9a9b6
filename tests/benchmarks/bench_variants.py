"""Ways to compute one step, each against the way the program does it, in alternating runs.

    python tests/benchmarks/bench_variants.py [--height 384 --width 512] [--repeats 9] [--json FILE]

A step is value and gradient of five Gram matrices of a 16-32-64-128-128 network (2-2-4-4-1 convolutions, random
weights, reflection padding, average pooling). `ratio` is the median over runs of a variant's time over that of the
program's way right beside it; below 1 is faster. What is set before TensorFlow starts (oneDNN, threads, XLA flags) is
run in processes of its own, the program's way beside each.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from styler.cli.app import prepare_environment

prepare_environment(["render"])

import numpy as np
import tensorflow as tf

from styler.losses import functional as F

WIDTHS, DEPTHS = (16, 32, 64, 128, 128), (2, 2, 4, 4, 1)
EDGES = [[0, 0], [1, 1], [1, 1], [0, 0]]
Step = Callable[[], float]


@dataclass(frozen=True)
class Way:
    """One way to compute a step; the defaults are the program's."""

    xla: bool = False
    open_size: bool = True
    variables: bool = True
    moments: str = "custom"  # custom | plain | einsum
    padding: str = "reflect"  # reflect | concat | same
    first: str = "conv"  # conv | patches | depth
    layout: str = "NHWC"
    recompute: bool = False
    dtype: Any = tf.float32
    relu: str = "fused"  # fused | output


WAYS = {
    "program": Way(),
    "XLA": Way(xla=True, open_size=False),
    "XLA, channels first": Way(xla=True, open_size=False, layout="NCHW"),
    "channels first": Way(layout="NCHW", open_size=False),
    "shape fixed in the trace": Way(open_size=False),
    "weights as constants": Way(variables=False),
    "Gram: TensorFlow's gradient": Way(moments="plain"),
    "Gram: einsum": Way(moments="einsum"),
    "reflection by concatenation": Way(padding="concat"),
    "no reflection, zeros in the convolution": Way(padding="same"),
    "first layer as patches and a matrix product": Way(first="patches"),
    "first layer on 2 x 2 pixels as 12 channels": Way(first="depth"),
    "blocks computed again in the gradient": Way(recompute=True),
    "activations in bfloat16": Way(dtype=tf.bfloat16),
    "ReLU's gradient from its output": Way(relu="output"),
}
ENVIRONMENTS = {
    "weights not told to be constant": {"TF_ONEDNN_ASSUME_FROZEN_WEIGHTS": "0"},
    "oneDNN off": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "one thread within an operation": {"TF_NUM_INTRAOP_THREADS": "1"},
    "one operation at a time": {"TF_NUM_INTEROP_THREADS": "1"},
    "XLA, fast mathematics": {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true", "WAY": "XLA"},
    "XLA, oneDNN off": {"TF_ENABLE_ONEDNN_OPTS": "0", "WAY": "XLA"},
}


def kernels() -> list[tuple[np.ndarray, bool]]:
    """Kernels, and whether a block begins with each."""
    random, channels, made = np.random.default_rng(0), 3, []
    for width, depth in zip(WIDTHS, DEPTHS, strict=True):
        for index in range(depth):
            kernel = random.normal(0, (2 / (9 * channels)) ** 0.5, (3, 3, channels, width))
            made.append((kernel.astype(np.float32), index == 0))
            channels = width
    return made


@tf.custom_gradient
def relu_by_output(x: tf.Tensor) -> Any:
    y = tf.nn.relu(x)
    return y, lambda upstream: tf.where(y > 0, upstream, tf.zeros_like(upstream))


def padded(x: tf.Tensor, way: Way) -> tf.Tensor:
    if way.padding == "concat":
        x = tf.concat([x[:, 1:2], x, x[:, -2:-1]], 1)
        return tf.concat([x[:, :, 1:2], x, x[:, :, -2:-1]], 2)
    edges = EDGES if way.layout == "NHWC" else [[0, 0], [0, 0], [1, 1], [1, 1]]
    return x if way.padding == "same" else tf.pad(x, edges, "REFLECT")


def convolved(x: tf.Tensor, kernel: tf.Tensor, way: Way) -> tf.Tensor:
    if kernel.shape[2] == 3 and way.first == "patches":
        patches = tf.image.extract_patches(padded(x, way), [1, 3, 3, 1], [1] * 4, [1] * 4, "VALID")
        return tf.matmul(patches, tf.reshape(kernel, [1, 27, -1]))
    if kernel.shape[2] == 3 and way.first == "depth":
        return folded_convolution(x, kernel, way)
    mode = "SAME" if way.padding == "same" else "VALID"
    return tf.nn.conv2d(padded(x, way), kernel, 1, mode, data_format=way.layout)


def folded_convolution(x: tf.Tensor, kernel: tf.Tensor, way: Way) -> tf.Tensor:
    """Each 2 x 2 pixels as one position of 12 channels, four outputs at once; the same sums."""
    out = kernel.shape[3]
    places = tf.pad(tf.nn.space_to_depth(tf.pad(x, EDGES, "REFLECT"), 2), [[0, 0]] * 4)
    folded = np.zeros((2, 2, 12, 4 * out), np.float32)
    values = np.asarray(kernel)
    for dy, dx, ky, kx in np.ndindex(2, 2, 3, 3):
        row, column = dy + ky, dx + kx
        at = 3 * (2 * (row % 2) + column % 2)
        start = out * (2 * dy + dx)
        folded[row // 2, column // 2, at : at + 3, start : start + out] = values[ky, kx]
    return tf.nn.depth_to_space(tf.nn.conv2d(places, folded, 1, "VALID"), 2)


def second_moment(features: tf.Tensor, way: Way) -> tf.Tensor:
    if way.layout == "NCHW":
        features = tf.transpose(features, [0, 2, 3, 1])
    features = tf.cast(features, tf.float32)
    if way.moments == "custom":
        return F.moment_sums(features)[1]
    flat = tf.reshape(features, [1, -1, features.shape[-1]])
    if way.moments == "einsum":
        return tf.einsum("bnc,bnd->bcd", flat, flat)
    return tf.matmul(flat, flat, transpose_a=True)


def make_step(way: Way, image: np.ndarray) -> Step:
    weights = [(tf.Variable(k) if way.variables and way.first == "conv" else tf.constant(k), b) for k, b in kernels()]
    relu = relu_by_output if way.relu == "output" else tf.nn.relu
    pool_shape = [1, 2, 2, 1] if way.layout == "NHWC" else [1, 1, 2, 2]

    def block(x: tf.Tensor, begin: int, end: int) -> tuple[tf.Tensor, tf.Tensor]:
        for place in range(begin, end):
            x = relu(convolved(x, tf.cast(weights[place][0], way.dtype), way))
            if place == begin:
                gram = second_moment(x, way)
        return x, gram

    def value(x: tf.Tensor) -> tf.Tensor:
        total, begin = 0.0, 0
        x = tf.cast(x, way.dtype)
        positions = tf.cast(tf.size(x) // 3, tf.float32)
        for depth in DEPTHS:
            if begin:
                x = tf.nn.avg_pool2d(x, pool_shape, pool_shape, "VALID", data_format=way.layout)
                positions /= 4.0
            run = lambda x, begin=begin, depth=depth: block(x, begin, begin + depth)  # noqa: E731
            x, gram = (tf.recompute_grad(run) if way.recompute else run)(x)
            total += tf.reduce_sum(tf.square(gram / positions))
            begin += depth
        return total

    def step(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            result = value(x)
        return result, tape.gradient(result, x)

    tensor = tf.constant(image if way.layout == "NHWC" else image.transpose(0, 3, 1, 2))
    signature = [tf.TensorSpec([1, None, None, 3])] if way.open_size else None
    compiled = tf.function(step, input_signature=signature, jit_compile=way.xla, autograph=False)
    return lambda: float(compiled(tensor)[0])


def seconds(step: Step) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def compared(way: Way, image: np.ndarray, repeats: int) -> dict[str, Any]:
    ours, theirs = make_step(Way(), image), make_step(way, image)
    try:
        first = seconds(theirs)
    except (tf.errors.OpError, ValueError, TypeError) as problem:
        return {"failed": str(problem).splitlines()[0][:120]}
    difference = abs(theirs() / ours() - 1)
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(repeats)]
    ratio = statistics.median(b / a for a, b in pairs)
    return {
        "ratio": ratio,
        "seconds": statistics.median(b for _, b in pairs),
        "first_call": first,
        "relative_difference": difference,
    }


def alone(way: Way, image: np.ndarray, repeats: int) -> dict[str, float]:
    step = make_step(way, image)
    first = seconds(step)
    return {"first_call": first, "seconds": statistics.median(seconds(step) for _ in range(repeats))}


def in_processes(settings: dict[str, str], arguments: list[str]) -> dict[str, Any]:
    """A setting and the program's way, each in processes of its own, by turns."""
    settings = dict(settings)
    way = settings.pop("WAY", "program")
    ours, theirs = [], []
    for _ in range(3):
        ours.append(child("program", {}, arguments))
        theirs.append(child(way, settings, arguments))
    ratios = [b["seconds"] / a["seconds"] for a, b in zip(ours, theirs, strict=True)]
    found = statistics.median(row["seconds"] for row in theirs)
    return {"ratio": statistics.median(ratios), "seconds": found, "first_call": theirs[0]["first_call"]}


def child(way: str, settings: dict[str, str], arguments: list[str]) -> dict[str, float]:
    command = [sys.executable, __file__, *arguments, "--alone", way]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def cached_compilation(arguments: list[str]) -> dict[str, Any]:
    """First call with XLA, without and with what an earlier process left in a cache on disk."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"TF_XLA_FLAGS": f"--tf_xla_persistent_cache_directory={folder}"}
        cold, warm = (child("XLA", settings, arguments) for _ in range(2))
        files = len(list(Path(folder).rglob("*")))
    return {
        "first_call": warm["first_call"],
        "cold": cold["first_call"],
        "ratio": warm["seconds"] / cold["seconds"],
        "seconds": warm["seconds"],
        "files": files,
    }


def shown(name: str, row: dict[str, Any]) -> None:
    if "failed" in row:
        print(f"{name:46} cannot be run: {row['failed']}", flush=True)
        return
    print(f"{name:46} {row['ratio']:5.2f}x  {row['seconds']:.4f} s  first {row['first_call']:5.2f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--height", type=int, default=384)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--alone", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    image = np.random.default_rng(1).random((1, args.height, args.width, 3), np.float32)
    if args.alone:
        print(json.dumps(alone(WAYS[args.alone], image, args.repeats)))
        return
    arguments = [f"--{name}={getattr(args, name)}" for name in ("height", "width", "repeats")]
    rows = {}
    for name, way in WAYS.items():
        rows[name] = compared(way, image, args.repeats)
        shown(name, rows[name])
    odd = np.random.default_rng(1).random((1, args.height + 7, args.width + 9, 3), np.float32)
    rows["sides no multiple of 16"] = {"pixels": odd.size / image.size} | beside(image, odd, args.repeats)
    shown("sides no multiple of 16", rows["sides no multiple of 16"])
    for name, settings in ENVIRONMENTS.items():
        rows[name] = in_processes(settings, arguments)
        shown(name, rows[name])
    rows["XLA, cache on disk"] = cached_compilation(arguments)
    shown("XLA, cache on disk", rows["XLA, cache on disk"])
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2))


def beside(image: np.ndarray, odd: np.ndarray, repeats: int) -> dict[str, Any]:
    """Time a pixel of an image with odd sides over that of an even one."""
    ours, theirs = make_step(replace(Way()), image), make_step(Way(), odd)
    first = seconds(theirs)
    ours()
    pairs = [(seconds(ours) / image.size, seconds(theirs) / odd.size) for _ in range(repeats)]
    ratio = statistics.median(b / a for a, b in pairs)
    return {"ratio": ratio, "seconds": statistics.median(b for _, b in pairs) * odd.size, "first_call": first}


if __name__ == "__main__":
    main()
