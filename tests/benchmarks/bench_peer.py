"""The strongest peer's algorithm on our network: how good, how slow.

    python tests/benchmarks/bench_peer.py FOLDER --content PHOTO … --style PAINTING … [--size 512] [--steps N]

Renders the first photo with the first painting, the second with the second and so on, and writes
`<content>-<style>.png` and `seconds.json` (by pair: seconds of each octave, steps, without start-up) to FOLDER; pairs
whose picture is there already are left out, so that a long run can be stopped and continued.

The algorithm and its constants are those of crowsonkb's style-transfer-pytorch, written anew: Adam at 0.02 with
averaged iterates, 1,000 steps at 128 pixels and 500 at each finer octave, Gaussian Wasserstein-2 with layer weights
256:64:16:4:1, content weight 0.015, nine-point total variation of weight 2. Its constants suit a VGG-19 whose
activations are around 1, so the activations of `compact` are scaled to a mean of 1 over the pictures given. Its matrix
roots are iterated; these are exact, which is no slower here.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from styler.features.extractor import FeatureExtractor
from styler.images.reading import read_image
from styler.images.resampling import resampled
from styler.images.sizes import no_larger, octaves, with_longer_side
from styler.images.writing import to_pil, write_image
from styler.losses import functional as F
from styler.losses.matrix_root import matrix_root, trace_of_root
from styler.losses.smoothness import nine_point_variation
from styler.networks import find_network
from styler.optimizers import Adam, AdamState
from styler.optimizers.base import step
from styler.render.program import image_tensor
from styler.types import Evaluation, Size, Tensor

STYLE_WEIGHTS = (256, 64, 16, 4, 1)
CONTENT_LAYER = "block4_conv2"
CONTENT_WEIGHT, TV_WEIGHT, RIDGE = 0.015, 2.0, 1e-4
FIRST_STEPS, STEPS, SMALLEST, STEPS_A_CALL = 1000, 500, 128, 25


class Gaussian(NamedTuple):
    """Mean, root of the covariance and its trace, float64."""

    mean: Tensor
    root: Tensor
    trace: Tensor


class Peer:
    """The objective on `compact`, with one compiled program for all octaves and pairs."""

    def __init__(self, pictures: list[Tensor]) -> None:
        network = find_network("compact")
        self.style_layers = [name for name, _ in network.style_layers]
        self.content_layer = CONTENT_LAYER
        layers = list(dict.fromkeys([*self.style_layers, self.content_layer]))
        self.raw = FeatureExtractor(network.build(None), layers, preprocess=network.preprocess)
        found = [self.raw(picture) for picture in pictures]
        self.scale = {name: len(found) / sum(float(tf.reduce_mean(each[name])) for each in found) for name in layers}
        self.adam = Adam()
        self._advance: Callable[..., AdamState] | None = None

    def features(self, image: Tensor) -> dict[str, Tensor]:
        return {name: value * self.scale[name] for name, value in self.raw(image).items()}

    def gaussians(self, style: Tensor) -> dict[str, Gaussian]:
        features, found = self.features(style), {}
        for name in self.style_layers:
            mean, covariance = moments(features[name])
            found[name] = Gaussian(mean, matrix_root(covariance), tf.linalg.trace(covariance))
        return found

    def value(self, image: Tensor, content: Tensor, styles: dict[str, Gaussian]) -> Tensor:
        features, size = self.features(image), tf.shape(image)[1:3]
        total = CONTENT_WEIGHT * tf.reduce_mean(tf.square(features[self.content_layer] - content))
        for name, weight in zip(self.style_layers, STYLE_WEIGHTS, strict=True):
            total += weight / sum(STYLE_WEIGHTS) * distance(features[name], styles[name])
        return total + TV_WEIGHT * nine_point_variation(image, size, size)

    def advance(self, state: AdamState, content: Tensor, styles: dict[str, Gaussian], steps: Tensor) -> AdamState:
        def evaluate(image: Tensor) -> Evaluation:
            with tf.GradientTape() as tape:
                tape.watch(image)
                value = self.value(image, content, styles)
            return Evaluation(value, tape.gradient(value, image))

        body = lambda done, current: (done + 1, step(self.adam, current, evaluate))  # noqa: E731
        return tf.while_loop(lambda done, _: done < steps, body, (0, state))[1]

    def compiled(self, *args: Any) -> AdamState:
        if self._advance is None:
            self._advance = tf.function(self.advance, input_signature=tf.nest.map_structure(open_size, args))
        return self._advance(*args)


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance with the ridge, float64."""
    count = tf.cast(F.positions(features), tf.float64)
    first, outer = F.moment_sums(features)
    mean, second = tf.cast(first, tf.float64) / count[..., None], tf.cast(outer, tf.float64) / count[..., None, None]
    return mean, F.covariance(mean, second) + RIDGE * tf.eye(features.shape[-1], dtype=tf.float64)


def distance(features: Tensor, target: Gaussian) -> Tensor:
    """Mean squared shift of the means, and the mean over channels of the covariances' distance."""
    mean, covariance = moments(features)
    product = target.root @ covariance @ target.root
    overlap = trace_of_root((product + tf.linalg.matrix_transpose(product)) / 2)
    spread = (target.trace + tf.linalg.trace(covariance) - 2 * overlap) / features.shape[-1]
    return tf.cast(tf.reduce_mean(tf.square(mean - target.mean)) + tf.reduce_mean(spread), tf.float32)


def open_size(tensor: Tensor) -> tf.TensorSpec:
    tensor = tf.convert_to_tensor(tensor)
    shape = [1, None, None, tensor.shape[-1]] if len(tensor.shape) == 4 else tensor.shape
    return tf.TensorSpec(shape, tensor.dtype)


def render(peer: Peer, content: Any, style: Any, size: int, most: int | None) -> tuple[Any, list[dict[str, Any]]]:
    final, state, rows = with_longer_side(content.size, size), None, []
    for index, side in enumerate(octaves(max(final), SMALLEST, None)):
        shape = with_longer_side(final, side)
        photo = image_tensor(resampled(content.pixels, shape))
        painting = image_tensor(resampled(style.pixels, no_larger(style.size, side)))
        targets = peer.features(photo)[peer.content_layer], peer.gaussians(painting)
        state = peer.adam.init(photo) if state is None else carried(peer, state, shape)
        steps = min(STEPS if index else FIRST_STEPS, most or FIRST_STEPS)
        state = peer.compiled(state, *targets, tf.constant(1))  # the first call also compiles
        started = time.perf_counter()
        for done in range(1, steps, STEPS_A_CALL):
            state = peer.compiled(state, *targets, tf.constant(min(STEPS_A_CALL, steps - done)))
            float(state.value)
        pace = (time.perf_counter() - started) / (steps - 1)
        rows.append({"size": list(shape), "steps": steps, "seconds_a_step": pace})
    return peer.adam.answer(state), rows


def carried(peer: Peer, state: AdamState, shape: Size) -> AdamState:
    image = tf.clip_by_value(tf.image.resize(peer.adam.answer(state), shape, "bicubic"), 0.0, 1.0)
    return peer.adam.resample(state, image)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--content", type=Path, nargs="+", required=True)
    parser.add_argument("--style", type=Path, nargs="+", required=True)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, help="most steps an octave, to time it only")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    pairs = list(zip(args.content, args.style, strict=True))
    pictures = {path: read_image(path) for pair in pairs for path in pair}
    peer = Peer([image_tensor(resampled(p.pixels, with_longer_side(p.size, args.size))) for p in pictures.values()])
    log = args.folder / "seconds.json"
    rows = json.loads(log.read_text()) if log.exists() else {}
    for content, style in pairs:
        name = f"{content.stem}-{style.stem}"
        if (args.folder / f"{name}.png").exists():
            continue
        image, rows[name] = render(peer, pictures[content], pictures[style], args.size, args.steps)
        write_image(to_pil(image[0].numpy()), args.folder / f"{name}.png")
        log.write_text(json.dumps(rows, indent=2))
        total = sum(row["steps"] * row["seconds_a_step"] for row in rows[name])
        print(f"{name}: {total:.0f} s for {sum(row['steps'] for row in rows[name])} steps", flush=True)


if __name__ == "__main__":
    main()
