"""The checks of `styler doctor`."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator

from styler.errors import StylerError
from styler.memory import available_memory, total_memory
from styler.networks import NETWORKS
from styler.networks.compact import FILENAME
from styler.networks.weights import find_weights, load_verified
from styler.processors import count_processors
from styler.render.report import versions
from styler.types import Tensor

Check = tuple[str, str, bool]
LARGEST_ERROR = 1e-3  # relative error; a different order of float32 sums causes about 1e-6


def checkup() -> Iterator[Check]:
    """Run the checks one by one; yield the name and outcome of each, and whether it passed."""
    found = versions()
    yield "versions", ", ".join(f"{name} {version}" for name, version in found.items()), True
    processors = f"{count_processors()} of {os.cpu_count()} processors"
    yield "system", f"{platform.system()} {platform.machine()}, {processors}", True
    yield _memory()
    yield _devices()
    yield _weights()
    yield from (_self_test(xla) for xla in (False, True))


def _memory() -> Check:
    free, total = (_gib(amount) for amount in (available_memory(), total_memory()))
    return "memory", f"{free} free of {total}", True


def _gib(amount: int | None) -> str:
    return "an unknown amount" if amount is None else f"{amount / 2**30:.1f} GiB"


def _devices() -> Check:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    return "devices", "cpu" + "".join(f", {name}" for name in names), True


def _weights() -> Check:
    try:
        arrays = load_verified(FILENAME)
    except StylerError as problem:
        return "weights", str(problem), False
    count = sum(array.size for array in arrays.values())
    return "weights", f"{find_weights(FILENAME)}, {count:,} parameters, checksum correct", True


def _self_test(xla: bool) -> Check:
    """Compile a gradient of the embedded network and compare it with the uncompiled gradient."""
    name = "xla" if xla else "graph"
    try:
        seconds, error = _gradient_error(xla)
    except Exception as problem:  # any error of a broken installation is a result of the test
        return name, f"{type(problem).__name__}: {str(problem).splitlines()[0]}", False
    return name, f"compiled and ran in {seconds:.1f} s, relative error {error:.1e}", error < LARGEST_ERROR


def _gradient_error(xla: bool) -> tuple[float, float]:
    """Return the seconds of the first compiled call and the relative difference from the uncompiled gradient."""
    import numpy as np
    import tensorflow as tf

    spec = NETWORKS["compact"]
    model = spec.build(None)
    image = tf.constant(np.random.default_rng(0).random((1, 64, 64, 3)), tf.float32)

    def slope(pixels: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            value = tf.reduce_mean(tf.square(model(spec.preprocess(pixels))))
        return tape.gradient(value, pixels)

    plain = slope(image)
    started = time.perf_counter()
    compiled = tf.function(slope, jit_compile=xla)(image)
    seconds = time.perf_counter() - started
    return seconds, float(tf.norm(compiled - plain) / tf.norm(plain))
