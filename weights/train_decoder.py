"""Train the decoder of `compact`, which draws a picture in one pass, from random initialization.

    python weights/train_decoder.py --photos DIR --paintings DIR [--network FILE] [--steps N] [--minutes M]

The photo's features of blocks 3 and 4 are carried onto the painting's means and covariances by the transport map
between Gaussians and decoded. The picture's own statistics are compared with the painting's, its deep features with
the photo's; some pairs have the photo for a painting and must come out as they went in.

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

from compiled import Training, compiled, constant, convolve_by_products, exact_products
from image_bank import ImageBank, Windows, crops
from styler.networks.compact import FILENAME, CompactDesign, build_compact, to_inputs
from styler.networks.decoder import LAYERS as SEEN
from styler.networks.decoder import build_decoder
from training_loop import Length, common_options, train, write_archive

STYLE = tuple(f"block{block}_conv1" for block in range(1, 6))
CONTENT = "block4_conv2"
LAYERS = (*STYLE, CONTENT)
RIDGE = 1e-3  # share of the mean variance that is added to covariances: dead channels have a root, too
ROOT_STEPS, POLAR_STEPS = 22, 34  # condition numbers are at most channels / RIDGE = 160,000; each step takes a factor
# of 2.25 off in the one, of 1.5 in the other
SMOOTHNESS = 1.0
CELL = 8  # pixels; the decoder enlarges three times by 2
FAINT = 0.01  # mean detail below this, of 0..1, is weaker than four steps of 8 bits: hardly visible


class OnePass:
    """Encoder, decoder, optimizer and images; one `step` is one gradient step."""

    def __init__(self, args: argparse.Namespace) -> None:
        keras.utils.set_random_seed(args.seed)
        if args.products:
            convolve_by_products()
        self.args = args
        self.random = np.random.default_rng(args.seed)
        self.bank = ImageBank(args.photos, args.paintings, args.crop, self.random)
        keras.config.set_dtype_policy("float32" if args.precision == "float32" else "mixed_bfloat16")
        encoder = read_network(args.network, CompactDesign(pooling=args.pooling))
        self.decoder = build_decoder()
        if args.start:
            read_archive(args.start, self.decoder)
        keras.config.set_dtype_policy("float32")
        optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=1.0)
        self.training = Training(self.decoder, optimizer, self._loss, encoder)
        self._cut = compiled(lambda stack, windows: crops(stack, windows, args.crop) / 255)
        self._itself = compiled(decoded, self.decoder, encoder)

    def _windows(self, count: int, share: float) -> Windows:
        return self.bank.windows(self.bank.any(count, share), -0.2, 0.7)

    def step(self, step: int, rate: np.float32) -> dict[str, Any]:
        count = self.args.batch
        photos, paintings = self._windows(count, 0.7), self._windows(count, 0.2)
        own = max(1, count // 8)
        paintings = Windows(*(np.concatenate([a[:own], b[own:]]) for a, b in zip(photos, paintings, strict=True)))
        return self.training.step(rate, self._cut(self.bank.stack, photos), self._cut(self.bank.stack, paintings))

    def _loss(self, decoder: Callable, encoder: Callable, photos: Any, paintings: Any) -> tuple[Any, dict[str, Any]]:
        of_photos, of_paintings = encoder(to_inputs(photos)), encoder(to_inputs(paintings))
        image, carried = stylized(decoder, of_photos, of_paintings)
        seen = encoder(to_inputs(image))
        pairs = [(image, paintings), *((seen[name], of_paintings[name]) for name in STYLE)]
        style = sum(style_distance(*pair) for pair in pairs) / len(pairs)
        edges = relative_square(seen[SEEN[0]], carried[0])
        content = relative_square(seen[CONTENT], of_photos[CONTENT]) + 0.5 * edges
        own = max(1, self.args.batch // 8)
        itself = ops.mean(ops.abs(image[:own] - photos[:own]))
        slopes = ops.mean(ops.square(image[:, 1:] - image[:, :-1])) + ops.mean(
            ops.square(image[:, :, 1:] - image[:, :, :-1])
        )
        total = self.args.style * style + self.args.content * content + self.args.identity * itself
        grid = lattice(image)
        total += SMOOTHNESS * slopes + self.args.lattice * grid
        return total, {"style": style, "content": content, "itself": itself, "lattice": grid}

    def held_out(self) -> dict[str, float]:
        """Peak signal-to-noise ratio of photos and paintings decoded as themselves, no step has seen them; decibels."""
        images = self.bank.held_out
        itself = ops.convert_to_numpy(self._itself(images))
        return {"decibels": float(np.mean(-10 * np.log10(np.square(itself - images).mean((1, 2, 3)))))}

    def variables(self) -> list[Any]:
        return self.training.variables()

    def write(self, folder: pathlib.Path) -> None:
        write_archive(folder / "decoder.npz", self.decoder.layers)


def read_network(path: pathlib.Path, design: CompactDesign) -> keras.Model:
    """Network units -> the activations that count, by name; weights of a trained archive."""
    student = build_compact(design)
    with np.load(path, allow_pickle=False) as arrays:
        for name in design.layer_names():
            parts = (arrays[f"{name}/{part}"].astype(np.float32) for part in ("kernel", "bias"))
            student.get_layer(name).set_weights(list(parts))
    student.trainable = False
    return keras.Model(student.input, {name: student.get_layer(name).output for name in LAYERS})


def read_archive(path: pathlib.Path, model: keras.Model) -> None:
    """Give a model the kernels and biases of a trained archive."""
    with np.load(path, allow_pickle=False) as arrays:
        for layer in model.layers:
            if layer.weights:
                layer.set_weights([np.float32(arrays[f"{layer.name}/{part}"]) for part in ("kernel", "bias")])


def stylized(decoder: Callable, photos: dict[str, Any], paintings: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The picture, RGB 0..1, and the features it was decoded from."""
    carried = [constant(transported(photos[name], paintings[name])) for name in SEEN]
    return ops.cast(decoder(carried), "float32"), carried


def decoded(decoder: Callable, encoder: Callable, images: Any) -> Any:
    """Images as they come out with themselves for paintings."""
    seen = encoder(to_inputs(images))
    return stylized(decoder, seen, seen)[0]


def moments(features: Any) -> tuple[Any, Any, Any]:
    """Features as (B, positions, C), float32, their means (B, 1, C), their covariances (B, C, C)."""
    batch, height, width, channels = features.shape
    flat = ops.reshape(ops.cast(features, "float32"), (batch, height * width, channels))
    mean = ops.mean(flat, 1, keepdims=True)
    away = flat - mean
    return flat, mean, ops.matmul(ops.transpose(away, (0, 2, 1)), away) / (height * width)


def transported(features: Any, targets: Any) -> Any:
    """Features carried onto the targets' means and covariances by the least movement (Olkin & Pukelsheim 1982).

    The map is C^-1/2 (C^1/2 C* C^1/2)^1/2 C^-1/2, as in Lu et al., A Closed-form Solution to Universal Style Transfer
    (ICCV 2019). With the polar decomposition C*^1/2 C^1/2 = U H it is C^-1/2 U' C*^1/2, which squares no condition
    number and fits into float32.
    """
    flat, mean, covariance = moments(features)
    _, aim, target = moments(targets)
    with exact_products():
        root, inverse = roots(with_ridge(covariance))
        target_root, _ = roots(with_ridge(target))
        turn = orthogonal(ops.matmul(target_root, root))
        carry = ops.matmul(ops.matmul(inverse, ops.transpose(turn, (0, 2, 1))), target_root)
        carried = ops.matmul(flat - mean, carry) + aim
    return ops.reshape(carried, ops.shape(features))


def with_ridge(matrices: Any) -> Any:
    channels = matrices.shape[-1]
    height = RIDGE * ops.trace(matrices, axis1=1, axis2=2) / channels + 1e-8
    return matrices + height[:, None, None] * ops.eye(channels)


def roots(matrices: Any) -> tuple[Any, Any]:
    """Square roots and their inverses by coupled Newton-Schulz steps: products alone, which a GPU is made for.

    Higham, Functions of Matrices (SIAM 2008), eq. 6.35.
    """
    scale, unit = norms(matrices), ops.eye(matrices.shape[-1])
    root, inverse = matrices / scale, unit + ops.zeros_like(matrices)

    def closer(_, pair):
        root, inverse = pair
        change = 1.5 * unit - 0.5 * ops.matmul(inverse, root)
        return ops.matmul(root, change), ops.matmul(change, inverse)

    root, inverse = ops.fori_loop(0, ROOT_STEPS, closer, (root, inverse))
    return root * ops.sqrt(scale), inverse / ops.sqrt(scale)


def orthogonal(matrices: Any) -> Any:
    """The orthogonal factors of polar decompositions, by Newton-Schulz steps (Higham, eq. 8.20)."""
    unit = ops.eye(matrices.shape[-1])

    def closer(_, factor):
        square = ops.matmul(ops.transpose(factor, (0, 2, 1)), factor)
        return ops.matmul(factor, 1.5 * unit - 0.5 * square)

    return ops.fori_loop(0, POLAR_STEPS, closer, matrices / norms(matrices))


def norms(matrices: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(matrices), (1, 2), keepdims=True))


def style_distance(features: Any, targets: Any) -> Any:
    """Differences of means, deviations and covariances, each relative to the target's and bounded by `huber`."""
    _, mean, covariance = moments(features)
    _, aim, target = (constant(part) for part in moments(targets))
    spread, wanted = (ops.diagonal(each, axis1=1, axis2=2) for each in (covariance, target))
    total, energy = ops.sum(wanted, -1), ops.sum(ops.square(target), (1, 2))
    scale = total + 0.5 * ops.mean(total) + 1e-3  # flat paintings would blow a relative difference up
    parts = (
        ops.sum(ops.square(ops.sqrt(spread + 1e-6) - ops.sqrt(wanted + 1e-6)), -1) / scale,
        ops.sum(ops.square(mean - aim), (1, 2)) / scale,
        ops.sum(ops.square(covariance - target), (1, 2)) / (energy + 0.5 * ops.mean(energy) + 1e-6),
    )
    return ops.mean(sum(huber(part) for part in parts))


def huber(square: Any) -> Any:
    """A square up to 1, twice its root beyond."""
    return ops.where(square < 1, square, 2 * ops.sqrt(ops.maximum(square, 1e-6)) - 1)


def lattice(images: Any) -> Any:
    """How much fine detail depends on its place in a grid of `CELL` pixels, which enlargements by 2 leave behind.

    Detail is what a binomial filter takes away. It is divided by its mean size in each cell, so that flat areas, where
    a lattice is seen, count as much as busy ones. Without a lattice its mean over all cells, and that of its absolute
    value, are the same at each place; the result is the variance of both over the places.
    """
    fine = images - blurred(images)
    batch, height, width, channels = fine.shape
    cells = ops.reshape(fine, (batch, height // CELL, CELL, width // CELL, CELL, channels))
    cells /= ops.mean(ops.abs(cells), (2, 4), keepdims=True) + FAINT
    profiles = ops.stack([ops.mean(each, (0, 1, 3)) for each in (cells, ops.abs(cells))])
    return ops.mean(ops.var(profiles, (1, 2)))


def blurred(images: Any) -> Any:
    """[1, 4, 6, 4, 1] / 16 along both axes, edges mirrored; Burt & Adelson 1983."""
    for axis in (1, 2):
        reach = [(0, 0)] * 4
        reach[axis] = (2, 2)
        padded, length = ops.pad(images, reach, "reflect"), images.shape[axis]
        taps = (ops.take(padded, np.arange(i, i + length), axis=axis) for i in range(5))
        images = sum(weight / 16 * tap for weight, tap in zip((1, 4, 6, 4, 1), taps, strict=True))
    return images


def relative_square(features: Any, targets: Any) -> Any:
    """Mean squared difference over the targets' variance."""
    got, wanted = (ops.cast(each, "float32") for each in (features, targets))
    return ops.mean(ops.square(got - wanted)) / ops.var(wanted)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parsed = common_options(parser)
    shipped = pathlib.Path(__file__).with_name(FILENAME)
    parser.add_argument("--network", type=pathlib.Path, default=shipped, help="trained archive of compact")
    parser.add_argument("--pooling", choices=("binomial", "average"), default=CompactDesign().pooling)
    parser.add_argument("--start", type=pathlib.Path, help="decoder to train on from; default: random weights")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, default=128, help="side of the training crops, pixels")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--style", type=float, default=2.0, help="weight of the painting's statistics")
    parser.add_argument("--content", type=float, default=0.25, help="weight of the photo's deep features")
    parser.add_argument("--lattice", type=float, default=20.0, help="weight against patterns of a fixed grid")
    parser.add_argument("--identity", type=float, default=1.5, help="weight of pictures that should not change")
    return parsed()


def main() -> None:
    args = parse()
    train(OnePass(args), Length(args.steps, args.minutes), args.learning_rate, args.work, args.report_every)


if __name__ == "__main__":
    main()
