"""Distill the embedded network `compact` from two teachers, from random initialization.

    python weights/train_compact.py --photos DIR --paintings DIR --teachers DIR [--steps N]

The student (`styler.networks.compact`) learns to predict, through training-only linear 1x1 heads, the
activations of the real VGG-19 (relu1_1, relu2_1, relu3_1) and of a 16x compressed one (relu4_1, relu4_2,
relu5_1). Half of what it sees are photos and paintings, half are images like those that an optimizer visits
(`visited_images.py`), half of all are pushed to where student and teachers disagree most.

Backend-neutral Keras 3: `KERAS_BACKEND=tensorflow` or `jax`. Checkpoints go to `--work`, a folder that git
ignores; the same command continues where the last one stopped.
"""

import argparse
import json
import pathlib
import time

import keras
import numpy as np
from keras import ops

from styler.networks.compact import CompactDesign, build_compact, to_inputs
from visited_images import ImageSource, RenderPool, image_gradient, perturbed

REAL = {"conv11": "block1_conv1", "conv21": "block2_conv1", "conv31": "block3_conv1"}
COMPRESSED = {"conv41": "block4_conv1", "conv42": "block4_conv2", "conv51": "block5_conv1"}
TARGETS = tuple(REAL.values()) + tuple(COMPRESSED.values())
# Shallow layers are learned soonest; relu3_1 of the real network is the hardest, and edges hang on it.
LAYER_WEIGHTS = dict(zip(TARGETS, (1.5, 1.2, 2.0, 1.2, 1.0, 0.8), strict=True))
TEACHER_BLOCKS = ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1))
BUFFER = 12  # batches whose targets are used a second time: a teacher's pass costs twice a student's step


def build_teacher(path: pathlib.Path, names: dict[str, str]) -> keras.Model:
    """RGB 0..1 -> the named activations; reflection padding, max pooling (see the teachers' README)."""
    weights = dict(np.load(path))
    image = keras.Input((None, None, 3))

    def convolve(x, name):
        return ops.conv(x, weights[f"{name}/kernel"], padding="valid") + weights[f"{name}/bias"]

    x, found = convolve(image, "conv0"), {}
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
        return {name: (value - self.means[name]) / self.deviations[name] for name, value in outputs.items()}


def fit_heads(distiller: keras.Model, features: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    """Start every head at the ridge regression from the untrained student's features."""
    for name in TARGETS:
        x, y = (array[name].reshape(-1, array[name].shape[-1]).astype(np.float64) for array in (features, wanted))
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


def mean_square(target, predicted):
    return ops.mean(ops.square(target - predicted))


class Distillation:
    """Student, teachers, optimizer and image sources; one `step` is one gradient step."""

    def __init__(self, args: argparse.Namespace) -> None:
        keras.utils.set_random_seed(args.seed)
        self.args = args
        self.random = np.random.default_rng(args.seed)
        self.source = ImageSource(args.photos, args.paintings, args.crop, self.random)
        self.teachers = [
            build_teacher(args.teachers / "vgg19_to_conv31.npz", REAL),
            build_teacher(args.teachers / "vgg19_16x.npz", COMPRESSED),
        ]
        examples = self.source.plain(48)
        self.normalization = Normalization(self.activations(examples))
        first = self.targets(examples)
        self.student = build_compact(args.design)
        self.distiller = build_distiller(self.student, {n: v.shape[-1] for n, v in first.items()})
        schedule = keras.optimizers.schedules.CosineDecay(
            1e-4,
            args.steps,
            alpha=0.02,
            warmup_target=args.learning_rate,
            warmup_steps=min(300, args.steps // 4),
        )
        self.distiller.compile(
            optimizer=keras.optimizers.AdamW(schedule, weight_decay=1e-4, global_clipnorm=5.0),
            loss=dict.fromkeys(TARGETS, mean_square),
            loss_weights=LAYER_WEIGHTS,
            jit_compile=keras.backend.backend() == "jax",  # TensorFlow's plain graph is faster on a CPU
        )
        self.pool = RenderPool(self.student, TARGETS, self.source, args.pool)
        fit_heads(self.distiller, dict(zip(TARGETS, self.pool.predict(examples), strict=True)), first)
        self.disagreement = image_gradient(self.distiller, self._disagreement)
        self.buffer: list[tuple[np.ndarray, dict[str, np.ndarray]]] = []

    def activations(self, images: np.ndarray) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for teacher in self.teachers:
            found.update(teacher.predict_on_batch(images))
        return found

    def targets(self, images: np.ndarray) -> dict[str, np.ndarray]:
        return self.normalization(self.activations(images))

    def _disagreement(self, predicted, image):
        """Sum of normalized errors of student and teachers on one batch."""
        wanted = self.normalization({**self.teachers[0](image), **self.teachers[1](image)})
        return ops.sum(ops.stack([mean_square(wanted[n], predicted[n]) for n in TARGETS]))

    def fresh_batch(self, step: int) -> np.ndarray:
        """Photos and paintings, mixtures, noise, half-optimized renders; perturbed in every other batch."""
        count = self.args.batch
        renders = count // 4 if step > self.args.plain_steps else 0
        mixtures = count // 3 if step > self.args.plain_steps else 0
        images = [self.source.plain(count - renders - mixtures), self.source.mixtures(mixtures)]
        if renders:
            images.append(self.pool.advance(renders))
        batch = np.concatenate(images)
        if step > self.args.plain_steps and self.random.random() < 0.25:
            batch = perturbed(batch, self.disagreement, self.random)
        return batch

    def step(self, step: int) -> dict[str, float]:
        if step % 2 or not self.buffer:
            images = self.fresh_batch(step)
            wanted = self.targets(images)
            self.buffer = [*self.buffer[-BUFFER + 1 :], (images, wanted)]
        else:
            images, wanted = self.buffer[self.random.integers(len(self.buffer))]
        return self.distiller.train_on_batch(images, wanted, return_dict=True)

    def held_out(self) -> dict[str, float]:
        """Share of each layer's variance left unexplained on images that no step has seen."""
        images = self.source.held_out
        wanted, predicted = self.targets(images), self.distiller.predict_on_batch(images)
        return {n: float(np.mean((wanted[n] - predicted[n]) ** 2)) / layer_variances(wanted)[n] for n in TARGETS}

    def variables(self):
        return [*self.distiller.variables, *self.distiller.optimizer.variables]

    def save(self, path: pathlib.Path, step: int) -> None:
        arrays = {f"v{i:04d}": np.asarray(v) for i, v in enumerate(self.variables())}
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, step=step, **arrays)
        partial.replace(path)
        write_weights(self.student, path.with_name("compact.npz"))

    def restore(self, path: pathlib.Path) -> int:
        if not path.exists():
            return 0
        with np.load(path, allow_pickle=False) as arrays:
            for i, variable in enumerate(self.variables()):
                variable.assign(arrays[f"v{i:04d}"])
            return int(arrays["step"])


def write_weights(student: keras.Model, path: pathlib.Path) -> None:
    """Float16 kernels and biases, `layer/kernel` in height, width, in, out order."""
    arrays = {}
    for layer in student.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            arrays[f"{layer.name}/kernel"], arrays[f"{layer.name}/bias"] = (
                np.float16(kernel),
                np.float16(bias),
            )
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)
    partial.replace(path)


def train(args: argparse.Namespace) -> None:
    run = Distillation(args)
    args.work.mkdir(parents=True, exist_ok=True)
    checkpoint = args.work / "checkpoint.npz"
    run.distiller.optimizer.build(run.distiller.trainable_variables)
    first, started = run.restore(checkpoint), time.monotonic()
    for step in range(first + 1, args.steps + 1):
        logs = run.step(step)
        if step % args.report_every == 0 or step == args.steps:
            row = {
                "step": step,
                "seconds": round(time.monotonic() - started),
                "loss": round(float(logs["loss"]), 4),
            }
            row |= {name: round(value, 4) for name, value in run.held_out().items()}
            print(json.dumps(row), flush=True)
            with (args.work / "log.jsonl").open("a") as log:
                log.write(json.dumps(row) + "\n")
            run.save(checkpoint, step)


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def parse() -> argparse.Namespace:
    default = CompactDesign()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=pathlib.Path, required=True, help="folder of photos")
    parser.add_argument("--paintings", type=pathlib.Path, required=True, help="folder of pictures of paintings")
    parser.add_argument("--teachers", type=pathlib.Path, required=True, help="folder of the teachers' archives")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("weights/training"), help="checkpoints")
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--plain-steps", type=int, default=600, help="first steps on photos and paintings alone")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--crop", type=int, default=96, help="side of the training crops, pixels")
    parser.add_argument("--pool", type=int, default=96, help="half-optimized renders kept")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--report-every", type=int, default=200, help="steps between checkpoints")
    parser.add_argument("--widths", type=numbers, default=default.widths, help="channels of the five blocks")
    parser.add_argument("--depths", type=numbers, default=default.depths, help="convolutions of the five blocks")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.design = CompactDesign(widths=args.widths, depths=args.depths)
    return args


if __name__ == "__main__":
    train(parse())
