"""Judges renders by measures and by two networks that take no part in them; `docs/look.md` defines the columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from support import measures
from support.measures import Pixels

Network = Callable[[tf.Tensor], dict[str, tf.Tensor]]
"""From RGB in 0..1, (1, height, width, 3), to activations by layer."""

COMPRESSED, REAL = "vgg19_16x.npz", "vgg19_to_conv31.npz"  # archives that a folder of teachers holds
BLOCKS = ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1))  # convolutions of VGG-19's blocks
CONTENT_LAYER = "conv31"
CONTENT_CELL = 4  # positions that are averaged along each axis before contents are compared
LEAST_SIDE = 64  # pixels

MEASURED = ("noise", "fringe", "palette", "clipped", "weave")
SEEN = ("style", "real", "content")


def opened(path: Path) -> Image.Image:
    """Return an image as a viewer shows it, in 8-bit RGB, on white where it is transparent."""
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image)
    if "A" in upright.getbands():
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright.convert("RGBA"))
    return upright.convert("RGB")


def as_pixels(image: Image.Image) -> Pixels:
    """Return float32 RGB in 0..1, (height, width, 3)."""
    return np.asarray(image.convert("RGB"), np.float32) / 255


def with_side(image: Image.Image, longer: int) -> Image.Image:
    """Return an image with a given longer side, pixels.

    Raises:
        ValueError: The shorter side would be too short to judge.
    """
    scale = longer / max(image.size)
    width, height = (round(side * scale) for side in image.size)
    if min(width, height) < LEAST_SIDE:
        message = f"expected at least {LEAST_SIDE} pixels each way to judge, got {width}x{height}; use a larger size"
        raise ValueError(message)
    return image.resize((width, height), Image.Resampling.LANCZOS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Columns of one render, and the two networks behind some of them.

    Attributes:
        networks: The compressed and the real VGG-19; None leaves out the columns style, real and content.
    """

    networks: tuple[Network, Network] | None = None

    @classmethod
    def of(cls, teachers: Path | None) -> Judge:
        """Load the networks from a folder that holds both archives."""
        if teachers is None:
            return cls()
        return cls(networks=(network(teachers / COMPRESSED), network(teachers / REAL)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return MEASURED if self.networks is None else SEEN + MEASURED

    def row(self, photo: Path, paintings: Sequence[Path], result: Path) -> dict[str, float]:
        """Judge a result at its own size.

        Args:
            photo: The photo that was rendered.
            paintings: The paintings; style and real compare with the mean of their Gram matrices, the other columns
                with the first.
            result: The rendered picture.

        Returns:
            Value of each column.
        """
        picture = opened(result)
        side = max(picture.size)
        shown = as_pixels(picture)
        originals = [opened(path) for path in paintings]
        styles = [as_pixels(with_side(each, side)) for each in originals]
        original = as_pixels(with_side(opened(photo), side))
        row = {
            "noise": measures.noise(shown, styles[0]),
            "fringe": measures.fringe(shown, styles[0]),
            "palette": measures.palette_distance(shown, styles[0]),
            "clipped": measures.clipped(shown, as_pixels(originals[0])),
            "weave": measures.weave(shown, original, styles[0]),
        }
        return self.seen(original, styles, shown) | row

    def seen(self, photo: Pixels, paintings: Sequence[Pixels], result: Pixels) -> dict[str, float]:
        """Return the columns style, real and content; none without networks."""
        if self.networks is None:
            return {}
        compressed, real = self.networks
        return {
            "style": style_share(compressed, photo, paintings, result),
            "real": style_share(real, photo, paintings, result),
            "content": content_distance(real, result, photo),
        }


def network(archive: Path) -> Network:
    """Load a VGG-19 with reflection padding and maximum pooling, as deep as its archive reaches.

    Returns:
        Function to the first activations of each block, or to those of 1x1 heads on them where the archive has heads.
    """
    weights = dict(np.load(archive))

    def convolved(x: tf.Tensor, name: str) -> tf.Tensor:
        return tf.nn.conv2d(x, weights[f"{name}/kernel"], 1, "VALID") + weights[f"{name}/bias"]

    def firsts(image: tf.Tensor) -> dict[str, tf.Tensor]:
        x, found = convolved(image, "conv0"), {}
        for block, count in BLOCKS:
            for index in range(1, count + 1):
                name = f"conv{block}{index}"
                if f"{name}/kernel" not in weights:
                    return found
                x = tf.nn.relu(convolved(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT"), name))
                if index == 1:
                    found[name] = x
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        return found

    def activations(image: tf.Tensor) -> dict[str, tf.Tensor]:
        found = firsts(image)
        heads = {name: f"{name}_aux" for name in found if f"{name}_aux/kernel" in weights}
        return {name: tf.nn.relu(convolved(found[name], head)) for name, head in heads.items()} or found

    return activations


def gram(features: tf.Tensor) -> tf.Tensor:
    """Return the Gram matrix of activations, divided by the number of positions."""
    flat = tf.reshape(features, [-1, features.shape[-1]])
    return tf.matmul(flat, flat, transpose_a=True) / tf.cast(tf.shape(flat)[0], tf.float32)


def style_distance(network: Network, result: Pixels, paintings: Sequence[Pixels]) -> float:
    """Mean relative distance of Gram matrices over layers and two octaves; 0 for the painting itself."""
    distances = []
    for octave in (1, 2):
        got, *wanted = (
            network(tf.nn.avg_pool2d(image[None], octave, octave, "VALID")) for image in (result, *paintings)
        )
        for layer in got:
            target = tf.add_n([gram(each[layer]) for each in wanted]) / len(wanted)
            distances.append(float(tf.norm(gram(got[layer]) - target) / tf.norm(target)))
    return float(np.mean(distances))


def style_share(network: Network, photo: Pixels, paintings: Sequence[Pixels], result: Pixels) -> float:
    """Return the style distance that is left, as a share of the unstyled photo's."""
    return style_distance(network, result, paintings) / style_distance(network, photo, paintings)


def content_distance(network: Network, result: Pixels, photo: Pixels) -> float:
    """Mean cosine distance of centered, averaged activations; 0 is the photo, 1 is unrelated."""
    found = tf.image.resize(result[None], photo.shape[:2], "area")
    return float(1 - tf.reduce_mean(tf.reduce_sum(_layout(network, found) * _layout(network, photo[None]), -1)))


def _layout(network: Network, image: tf.Tensor) -> tf.Tensor:
    coarse = tf.nn.avg_pool2d(network(image)[CONTENT_LAYER], CONTENT_CELL, CONTENT_CELL, "VALID")
    return tf.math.l2_normalize(coarse - tf.reduce_mean(coarse, (1, 2), keepdims=True), -1)
