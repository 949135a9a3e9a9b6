"""Distill the embedded network `compact` from two teachers, from random initialization.

    python weights/train_compact.py --photos DIR --paintings DIR --teachers DIR [--steps N] [--minutes M]

The student (`styler.networks.compact`) learns to predict, through training-only linear 1x1 heads, the
activations of the real VGG-19 (relu1_1, relu2_1, relu3_1) and of a 16x compressed one (relu4_1, relu4_2,
relu5_1). Part of the training images are photos and paintings; the others resemble those that an optimizer passes
through (`visited_images.py`). A quarter of all batches are moved to where student and teachers disagree most.

Backend-neutral Keras 3: `KERAS_BACKEND=tensorflow` or `jax`. Checkpoints go to `--work`, a folder that git
ignores; the same command continues where the last one stopped.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from compiled import Training, compiled, convolve_by_products
from image_bank import ImageBank
from styler.networks.compact import CompactDesign, build_compact, to_inputs
from training_loop import Length, common_options, train, write_archive
from visited_images import KINDS, Mixtures, Perturbation, RenderPool

REAL = {"conv11": "block1_conv1", "conv21": "block2_conv1", "conv31": "block3_conv1"}
COMPRESSED = {"conv41": "block4_conv1", "conv42": "block4_conv2", "conv51": "block5_conv1"}
TARGETS = tuple(REAL.values()) + tuple(COMPRESSED.values())
# Shallow layers are learned soonest; relu3_1 of the real network is the hardest, and edges hang on it.
LAYER_WEIGHTS = dict(zip(TARGETS, (1.5, 1.2, 2.0, 1.2, 1.0, 0.8), strict=True))
TEACHER_BLOCKS = ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1))
SMALLEST_BATCH = KINDS + 5  # one mixture of each kind, three renders, two crops
FITTED = 20_000  # positions of a layer that its head is first fitted to


def build_teacher(path: pathlib.Path, names: dict[str, str], dtype: str = "float32") -> keras.Model:
    """RGB 0..1 -> the named activations; reflection padding, max pooling (see the teachers' README)."""
    weights = dict(np.load(path))
    image = keras.Input((None, None, 3))

    def convolve(x, name):
        kernel, bias = (ops.convert_to_tensor(weights[f"{name}/{part}"], dtype) for part in ("kernel", "bias"))
        return ops.conv(x, kernel, padding="valid") + bias

    # The first, 1x1, turns 0..1 into -124..152, more than short mantissas hold.
    x = ops.conv(image, weights["conv0/kernel"], padding="valid") + weights["conv0/bias"]
    x, found = ops.cast(x, dtype), {}
    for block, count in TEACHER_BLOCKS:
        for name in (f"conv{block}{index}" for index in range(1, count + 1)):
            if set(names) <= set(found):
                return keras.Model(image, {names[n]: found[n] for n in names})
            x = ops.relu(convolve(ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect"), name))
            found[name] = x
        x = ops.max_pool(x, 2, 2, padding="valid")
    return keras.Model(image, {names[n]: found[n] for n in names})


def layer_variances(teacher_outputs: dict[str, np.ndarray]) -> dict[str, float]:
    """Variance of each layer around its channel means: errors are normalized per layer, not per channel."""
    return {name: float(np.var(value, axis=(0, 1, 2)).mean()) for name, value in teacher_outputs.items()}


class Normalization:
    """Teacher activations with channel means removed and a variance of 1 over each layer."""

    def __init__(self, examples: dict[str, np.ndarray]) -> None:
        self.means = {name: value.mean((0, 1, 2)) for name, value in examples.items()}
        self.deviations = {name: variance**0.5 for name, variance in layer_variances(examples).items()}

    def __call__(self, outputs):
        return {n: (ops.cast(outputs[n], "float32") - self.means[n]) / self.deviations[n] for n in TARGETS}


def fit_heads(distiller: keras.Model, features: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    """Start every head at the ridge regression from the untrained student's features."""
    for name in TARGETS:
        flat = (array[name].reshape(-1, array[name].shape[-1]) for array in (features, wanted))
        x, y = (array[:: 1 + len(array) // FITTED].astype(np.float64) for array in flat)
        mean_x, mean_y = x.mean(0), y.mean(0)
        covariance = (x - mean_x).T @ (x - mean_x)
        ridge = 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        slope = np.linalg.solve(covariance + ridge, (x - mean_x).T @ (y - mean_y))
        distiller.get_layer(f"{name}_head").set_weights([slope[None, None], mean_y - mean_x @ slope])


def build_distiller(student: keras.Model, widths: dict[str, int]) -> keras.Model:
    """RGB 0..1 -> predicted teacher activations."""
    image = keras.Input((None, None, 3))
    extractor = keras.Model(student.input, {name: student.get_layer(name).output for name in TARGETS})
    features = extractor(to_inputs(image))
    heads = {name: keras.layers.Conv2D(widths[name], 1, name=f"{name}_head") for name in TARGETS}
    return keras.Model(image, {name: heads[name](features[name]) for name in TARGETS})


class Distillation:
    """Student, teachers, optimizer and image sources; one `step` is one gradient step."""

    def __init__(self, args: argparse.Namespace) -> None:
        keras.utils.set_random_seed(args.seed)
        if args.products:
            convolve_by_products()
        self.args = args
        self.random = np.random.default_rng(args.seed)
        self.bank = ImageBank(args.photos, args.paintings, args.crop, self.random)
        dtype = args.precision
        teachers = [
            build_teacher(args.teachers / "vgg19_to_conv31.npz", REAL, dtype),
            build_teacher(args.teachers / "vgg19_16x.npz", COMPRESSED, dtype),
        ]
        self._activations = compiled(joined, *teachers)
        examples = self.bank.plain(min(48, 3 * args.batch))
        self.normalization = Normalization(self.activations(examples))
        keras.config.set_dtype_policy("float32" if dtype == "float32" else "mixed_bfloat16")
        self.student = build_compact(args.design)
        self.distiller = build_distiller(self.student, {n: len(mean) for n, mean in self.normalization.means.items()})
        keras.config.set_dtype_policy("float32")
        self._predicted = compiled(lambda model, images: model(images), self.distiller)
        features = keras.Model(self.student.input, {n: self.student.get_layer(n).output for n in TARGETS})
        seen = compiled(lambda model, images: model(to_inputs(images)), features)(examples)
        fit_heads(self.distiller, as_numpy(seen), as_numpy(self.normalization(self.activations(examples))))
        optimizer = keras.optimizers.AdamW(1e-3, weight_decay=1e-4, global_clipnorm=5.0)
        self.training = Training(self.distiller, optimizer, self._loss, *teachers)
        self.mixtures = Mixtures(self.bank)
        self.pool = RenderPool(self.student, TARGETS, self.bank, args.pool)
        self.perturbed = Perturbation(self._disagreement, [self.distiller, *teachers], self.random)

    def activations(self, images: Any) -> dict[str, np.ndarray]:
        """The teachers', float32."""
        return as_numpy(self._activations(images))

    def errors(self, student: Callable, real: Callable, compressed: Callable, images: Any) -> dict[str, Any]:
        """Mean squared errors of the student, normalized by layer."""
        wanted, predicted = self.normalization(joined(real, compressed, images)), student(images)
        return {n: ops.mean(ops.square(wanted[n] - ops.cast(predicted[n], "float32"))) for n in TARGETS}

    def _loss(self, *models_and_images: Any) -> tuple[Any, dict[str, Any]]:
        errors = self.errors(*models_and_images)
        total = sum(LAYER_WEIGHTS[name] * error for name, error in errors.items())
        return total, {"loss": total}

    def _disagreement(self, *models_and_images: Any) -> Any:
        return sum(self.errors(*models_and_images).values())

    def fresh_batch(self, step: int) -> Any:
        """Photos and paintings, mixtures, noise, half-optimized renders; perturbed in every fourth batch."""
        count, k = self.args.batch, max(1, self.args.batch // 3 // KINDS)
        if step <= self.args.plain_steps:
            return self.bank.plain(count)
        renders = count // 4
        parts = [self.bank.plain(count - renders - KINDS * k), self.mixtures(k), self.pool.advance(renders)]
        batch = ops.concatenate(parts)
        return self.perturbed(batch) if self.random.random() < 0.25 else batch

    def step(self, step: int, rate: np.float32) -> dict[str, Any]:
        return self.training.step(rate, self.fresh_batch(step))

    def held_out(self) -> dict[str, float]:
        """Share of each layer's variance left unexplained on images that no step has seen."""
        images = self.bank.held_out
        wanted = as_numpy(self.normalization(self.activations(images)))
        predicted = as_numpy(self._predicted(images))
        return {n: float(np.mean((wanted[n] - predicted[n]) ** 2)) / layer_variances(wanted)[n] for n in TARGETS}

    def variables(self) -> list[Any]:
        return self.training.variables()

    def write(self, folder: pathlib.Path) -> None:
        write_archive(folder / "compact.npz", self.student.layers)


def joined(real: Callable, compressed: Callable, images: Any) -> dict[str, Any]:
    """Both teachers' activations by the student's names."""
    return {**real(images), **compressed(images)}


def as_numpy(arrays: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: ops.convert_to_numpy(ops.cast(array, "float32")) for name, array in arrays.items()}


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def parse() -> argparse.Namespace:
    default = CompactDesign()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parsed = common_options(parser)
    parser.add_argument("--teachers", type=pathlib.Path, required=True, help="folder of the teachers' archives")
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--plain-steps", type=int, default=600, help="first steps on photos and paintings alone")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--crop", type=int, default=96, help="side of the training crops, pixels")
    parser.add_argument("--pool", type=int, default=96, help="half-optimized renders kept")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--widths", type=numbers, default=default.widths, help="channels of the five blocks")
    parser.add_argument("--depths", type=numbers, default=default.depths, help="convolutions of the five blocks")
    parser.add_argument("--pooling", choices=("binomial", "average"), default=default.pooling)
    args = parsed()
    if args.batch < SMALLEST_BATCH:
        parser.error(f"expected --batch of at least {SMALLEST_BATCH}, got {args.batch}: every kind of image is in it")
    args.design = CompactDesign(widths=args.widths, depths=args.depths, pooling=args.pooling)
    return args


def main() -> None:
    args = parse()
    train(Distillation(args), Length(args.steps, args.minutes), args.learning_rate, args.work, args.report_every)


if __name__ == "__main__":
    main()
