"""Neural neighbor style transfer on the features of `compact`: a peer's algorithm, for `bench_public.py`.

Written anew from Kolkin, Kucera, Paris, Sykora, Shechtman and Shakhnarovich, "Neural Neighbor Style Transfer" (2022),
with the constants of the authors' program. From coarse to fine, every position of the photo takes the features of the
painting whose direction is nearest, and the image is changed until its own features point that way. A last pass at full
size matches each layer by itself, anew at every step.

It differs from the authors' program in three ways: `compact` takes the place of VGG-16; its activations are scaled to a
mean of 1, because layers weigh by their magnitude; and the transfer of color at the end is left out, as with the
program's `--dont_colorize`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from styler.features.extractor import FeatureExtractor
from styler.networks import find_network
from styler.types import Tensor

LAYERS = (
    "block1_conv1",
    "block2_conv1",
    "block2_conv2",
    "block3_conv1",
    "block3_conv2",
    "block4_conv1",
    "block4_conv2",
)
STEPS, LEARNING_RATE = 200, 2e-3  # Adam, at each scale and in the last pass
COARSEST = 64  # pixels; longer side of the first scale, 4 scales at 512 pixels and 5 at 1024
LEAST_SIDE = 32  # pixels that `compact` needs each way
PYRAMID = 8  # levels of the Laplacian pyramid that Adam changes, below the full size
PHOTO_SHARE = 0.75  # of the photo in the image whose neighbors are sought; the rest is the picture so far
CELL = 4  # pixels; side of a hypercolumn
SAMPLED = 64  # positions along the longer side that the last pass compares
ROWS_AT_ONCE = 1024  # positions whose distances to all of the painting are in memory

Loss = Callable[[Tensor, Tensor], Tensor]
"""From an image and the number of the step to a value."""


class NearestNeighbors:
    """The algorithm for one photo and painting."""

    def __init__(self, photo: Tensor, painting: Tensor) -> None:
        network = find_network("compact")
        self.photo, self.painting = photo, painting
        self.extractor = FeatureExtractor(network.build(None), LAYERS, preprocess=network.preprocess)
        found = [self.extractor(image) for image in (photo, painting)]
        self.scale = {name: 2 / sum(float(tf.reduce_mean(each[name])) for each in found) for name in LAYERS}

    def render(self, most: int = STEPS) -> Tensor:
        """Return the picture, (1, height, width, 3), with at most so many steps at each scale."""
        steps = min(most, STEPS)
        photos, paintings = halvings(self.photo), halvings(self.painting)
        paintings += paintings[-1:] * (len(photos) - len(paintings))
        image = photos[-1]
        for scale in reversed(range(len(photos))):
            sought = photos[scale]
            if scale < len(photos) - 1:
                image = resized(image, sought)
                drawn = image + sought - resized(halved(sought), sought)  # the photo's finest detail, to search with
                sought = PHOTO_SHARE * sought + (1 - PHOTO_SHARE) * drawn
            targets = self.nearest(sought, paintings[scale])
            image = descended(image, PYRAMID - scale, steps, lambda now, _, to=targets: self.column_loss(now, to))
        styles = [self.features(turned) for turned in rotations(paintings[0])]
        return descended(image, PYRAMID, steps, lambda now, step: self.layer_loss(now, styles, step))

    def features(self, image: Tensor) -> dict[str, Tensor]:
        return {name: value * self.scale[name] for name, value in self.extractor(image).items()}

    def columns(self, image: Tensor) -> Tensor:
        """Return hypercolumns, (positions, channels): all layers side by side, at a quarter of the size."""
        size = tf.shape(image)[1:3] // CELL
        found = self.features(image).values()
        joined = tf.concat([tf.image.resize(each, size) / each.shape[-1] for each in found], axis=-1)
        return tf.reshape(joined, [-1, joined.shape[-1]])

    def nearest(self, image: Tensor, painting: Tensor) -> Tensor:
        """Return the painting's nearest hypercolumn for each position of an image, as unit vectors."""
        styles = tf.concat([self.columns(turned) for turned in rotations(painting)], axis=0)
        return tf.math.l2_normalize(tf.gather(styles, nearest_rows(self.columns(image), styles)), -1)

    def column_loss(self, image: Tensor, targets: Tensor) -> Tensor:
        """Mean cosine distance of the hypercolumns from their targets."""
        own = tf.math.l2_normalize(self.columns(image), -1)
        return 1 - tf.reduce_mean(tf.reduce_sum(own * targets, axis=-1))

    def layer_loss(self, image: Tensor, styles: list[dict[str, Tensor]], step: Tensor) -> Tensor:
        """Sum over layers of the mean cosine distance to the nearest features, at a random grid of positions."""
        total = tf.constant(0.0)
        for layer, value in self.features(image).items():
            stride = max(1, max(value.shape[1:3]) // SAMPLED)
            offset = tf.random.stateless_uniform([2], [0, step], maxval=stride, dtype=tf.int32)
            own = unit_rows(sampled(value, offset, stride))
            wanted = unit_rows(tf.concat([sampled(each[layer], offset, stride) for each in styles], axis=0))
            picked = tf.gather(wanted, tf.argmax(tf.matmul(own, wanted, transpose_b=True), axis=-1))
            total += 1 - tf.reduce_mean(tf.reduce_sum(own * picked, axis=-1))
        return total


def nearest_rows(rows: Tensor, candidates: Tensor) -> Tensor:
    """Return for each row the index of the candidate at the least angle, both centered on their own mean."""
    wanted = unit_rows(candidates)
    own = unit_rows(rows)
    found = [
        tf.argmax(tf.matmul(own[start : start + ROWS_AT_ONCE], wanted, transpose_b=True), axis=-1)
        for start in range(0, own.shape[0], ROWS_AT_ONCE)
    ]
    return tf.concat(found, axis=0)


def unit_rows(rows: Tensor) -> Tensor:
    """Return rows less their mean, at length 1."""
    return tf.math.l2_normalize(rows - tf.reduce_mean(rows, axis=0), -1)


def sampled(features: Tensor, offset: Tensor, stride: int) -> Tensor:
    """Return the features at a grid of positions, (n, channels)."""
    grid = features[:, offset[0] :: stride, offset[1] :: stride]
    return tf.reshape(grid, [-1, features.shape[-1]])


def rotations(image: Tensor) -> list[Tensor]:
    return [tf.image.rot90(image, turns) for turns in range(4)]


def resized(image: Tensor, like: Tensor) -> Tensor:
    return tf.image.resize(image, like.shape[1:3])


def halved(image: Tensor) -> Tensor:
    return tf.image.resize(image, [max(1, side // 2) for side in image.shape[1:3]])


def halvings(image: Tensor) -> list[Tensor]:
    """Return an image at full, half, quarter … size, down to the first scale or what the network can see."""
    found = [image]
    while max(found[-1].shape[1:3]) >= 2 * COARSEST and min(found[-1].shape[1:3]) >= 2 * LEAST_SIDE:
        found.append(halved(found[-1]))
    return found


def laplacian(image: Tensor, levels: int) -> list[Tensor]:
    """Return the detail of each size from fine to coarse, and the coarse rest."""
    found = []
    for _ in range(levels):
        smaller = halved(image)
        found.append(image - resized(smaller, image))
        image = smaller
    return [*found, image]


def collapsed(pyramid: Any) -> Tensor:
    """Return the image that a pyramid adds up to."""
    image = pyramid[-1]
    for detail in reversed(pyramid[:-1]):
        image = detail + resized(image, detail)
    return image


def descended(image: Tensor, levels: int, steps: int, loss: Loss) -> Tensor:
    """Change an image by Adam on its Laplacian pyramid."""
    import keras

    pyramid = [tf.Variable(level) for level in laplacian(image, levels)]
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(pyramid)

    @tf.function(autograph=False)
    def advance(step: Tensor) -> None:
        with tf.GradientTape() as tape:
            value = loss(collapsed(pyramid), step)
        optimizer.apply(tape.gradient(value, pyramid), pyramid)

    for step in range(steps):
        advance(tf.constant(step))
    return collapsed(pyramid)
