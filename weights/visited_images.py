"""Images that an optimizer visits: mixtures, noise, half-optimized renders, points of disagreement.

A network that is right on photos alone lets an optimizer cheat: it finds images that match for the network
and look wrong. These sources show the student such images while it still learns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from compiled import compiled, slope
from image_bank import ImageBank, Windows, crops
from styler.networks.compact import to_inputs

KINDS = 7  # of mixtures
BANDS = 6  # octaves of the noise among them
POOL_STEPS = 4  # steps of a render at each visit


class MixtureDraw(NamedTuple):
    """What k mixtures of each kind are made of; `amount` and the like are (k, 1, 1, 1), `blurs` are widths in pixels.

    Attributes:
        ones: The images changed, 6 k.
        others: What is mixed into the first 2 k of them.
        noises: Masks, bands from fine to coarse, fine noise and lightness noise, (3 + BANDS) k.
        bands: Amplitudes of the bands, (BANDS, k, 1, 1, 1).
        blurs: Of kinds 1, 3 and 6, (3 k,).
        amounts: Of kinds 1 to 3 and 5 to 6, five times (k, 1, 1, 1).
        colors: Random color matrices of kinds 2, 4, 5, (3 k, 3, 3).
        offsets: Of kinds 2 and 4, (2 k, 1, 1, 3).
    """

    ones: Windows
    others: Windows
    noises: Windows
    bands: np.ndarray
    blurs: np.ndarray
    amounts: list[np.ndarray]
    colors: np.ndarray
    offsets: np.ndarray


class Mixtures:
    """Cut-and-paste, swapped frequencies, random colors, sharpened images, noise of all kinds."""

    def __init__(self, bank: ImageBank) -> None:
        self.bank = bank
        self._made = compiled(self._make)

    def __call__(self, k: int) -> Any:
        """`k` of each kind, (KINDS k, side, side, 3), 0..1."""
        return self._made(self.bank.stack, self.bank.noise, self._draw(k))

    def _draw(self, k: int) -> MixtureDraw:
        bank, random = self.bank, self.bank.random
        one = (k, 1, 1, 1)
        cells = [2 ** random.uniform(0, 5, k), *(np.full(k, 2.0**band) for band in range(BANDS)), np.ones(2 * k)]
        spans = ((0.5, 1.8), (0.6, 2.0), (0.5, 3.0), (0.02, 0.25), (0.02, 0.12))
        widths = ((1, 4), (1, 3), (0.3, 2.5))
        return MixtureDraw(
            ones=bank.windows(bank.any(6 * k)),
            others=bank.windows(bank.any(2 * k)),
            noises=bank.noise_windows((3 + BANDS) * k, np.concatenate(cells)),
            bands=np.float32(random.uniform(0, 0.5, (BANDS, *one))),
            blurs=np.float32(np.concatenate([2 ** random.uniform(*span, k) for span in widths])),
            amounts=[np.float32(random.uniform(*span, one)) for span in spans],
            colors=np.stack([random_colors(random) for _ in range(3 * k)]).astype(np.float32),
            offsets=np.float32(random.uniform(0.2, 0.8, (2 * k, 1, 1, 3))),
        )

    def _make(self, stack: Any, noise: Any, draw: MixtureDraw) -> Any:
        side, k = self.bank.side, draw.blurs.shape[0] // 3
        ones = ops.split(crops(stack, draw.ones, side) / 255, 6)
        others = ops.split(crops(stack, draw.others, side) / 255, 2)
        noises = ops.split(crops(noise, draw.noises, side), 3 + BANDS)
        widths, colors = ops.reshape(draw.blurs, (3, k)), ops.split(draw.colors, 3)
        swapped, tinted, unsharp, fine, gray = draw.amounts
        bands = sum(each * amplitude for each, amplitude in zip(noises[1:-2], ops.unstack(draw.bands), strict=True))
        made = [
            ops.where(noises[0][..., :1] > 0, ones[0], others[0]),
            blur(ones[1], widths[0]) + (others[1] - blur(others[1], widths[0])) * swapped,
            recolored(ones[2] - 0.5, colors[0]) * tinted + draw.offsets[:k],
            ones[3] + (ones[3] - blur(ones[3], widths[1])) * unsharp,
            recolored(bands, colors[1]) + draw.offsets[k:],
            ones[4] + recolored(noises[-2], colors[2]) * fine,
            blur(ones[5], widths[2]) + noises[-1][..., :1] * gray,
        ]
        return ops.clip(ops.concatenate(made), 0, 1)


class RenderPool:
    """Renders under way: each visit moves some of them a few steps toward a painting's statistics.

    The pool keeps all ages from untouched photo to nearly finished, made with the student as it is now.

    Args:
        student: The network being trained, of network units.
        layers: Names of the layers whose statistics count.
        bank: Where photos and paintings come from.
        size: Renders in the pool.
    """

    def __init__(self, student: keras.Model, layers: tuple[str, ...], bank: ImageBank, size: int) -> None:
        self.bank, self.size = bank, size
        features = keras.Model(student.input, [student.get_layer(name).output for name in layers])
        self._moved = compiled(self._move, features)
        self.images, self.styles = bank.plain(size), bank.plain(size)

    def advance(self, count: int) -> Any:
        """Move `count` renders on, an eighth of them begun anew, and return them, float32 0..1."""
        random = self.bank.random
        picked = np.int32(random.choice(self.size, count, replace=False))
        begun = max(1, count // 8)
        fresh = self.bank.plain(2 * begun)
        rate = np.float32(0.02 * 2 ** random.uniform(-1, 1))
        self.images, self.styles, moved = self._moved(self.images, self.styles, picked, fresh, rate)
        return moved

    def _move(self, features: Callable, images: Any, styles: Any, picked: Any, fresh: Any, rate: Any) -> Any:
        begun = fresh.shape[0] // 2
        image = ops.concatenate([fresh[:begun], ops.take(images, picked[begun:], axis=0)])
        style = ops.concatenate([fresh[begun:], ops.take(styles, picked[begun:], axis=0)])
        wanted = features(to_inputs(style))
        for _ in range(POOL_STEPS):
            away = slope(lambda x: statistics_distance(features(to_inputs(x)), wanted), image)
            image = ops.clip(image - rate * normalized(away), 0, 1)
        places = picked[:, None]
        return ops.scatter_update(images, places, image), ops.scatter_update(styles, places, style), image


def statistics_distance(features: Any, wanted: Any) -> Any:
    """Squared differences of normalized Gram matrices, each layer weighing the same."""
    total = 0.0
    for got, target in zip(features, wanted, strict=True):
        gram, aim = (
            ops.einsum("bijc,bijd->bcd", f, f) / (f.shape[1] * f.shape[2])
            for f in (ops.cast(got, "float32"), ops.cast(target, "float32"))
        )
        total += ops.sum(ops.mean(ops.square(gram - aim), (1, 2)) / ops.mean(ops.square(aim), (1, 2)))
    return total


class Perturbation:
    """One or two steps toward where student and teachers disagree most, root-mean-square 0.01 to 0.1.

    Args:
        disagreement: `disagreement(*models, images)` -> scalar.
        models: What it is asked of.
        random: Where amplitudes come from.
    """

    def __init__(self, disagreement: Callable, models: list[keras.Model], random: np.random.Generator) -> None:
        def moved(*arguments):
            *bound, images, amplitude = arguments
            return ops.clip(images + amplitude * normalized(slope(lambda x: disagreement(*bound, x), images)), 0, 1)

        self.random, self._moved = random, compiled(moved, *models)

    def __call__(self, images: Any) -> Any:
        for _ in range(self.random.integers(1, 3)):
            amplitude = 10 ** self.random.uniform(-2, -1, (images.shape[0], 1, 1, 1))
            images = self._moved(images, np.float32(amplitude))
        return images


def normalized(away: Any) -> Any:
    """Scaled to root-mean-square 1 per image, single values bounded to 3."""
    size = ops.sqrt(ops.mean(ops.square(away), axis=(1, 2, 3), keepdims=True)) + 1e-12
    return ops.clip(away / size, -3, 3)


def random_colors(random: np.random.Generator) -> np.ndarray:
    axes, _ = np.linalg.qr(random.normal(size=(3, 3)))
    return axes * random.uniform(0.3, 1.3, 3)


def recolored(images: Any, matrices: Any) -> Any:
    """Each image's colors times its own matrix."""
    return ops.einsum("bijc,bcd->bijd", images, matrices)


def blur(images: Any, widths: Any) -> Any:
    """Gaussian blur, half as wide at one deviation as `widths`, one each, pixels; borders renormalized."""
    side = images.shape[1]
    places = np.arange(side, dtype=np.float32)
    away = np.square(places[:, None] - places)
    weights = ops.exp(-2.0 * away / ops.square(ops.convert_to_tensor(widths))[:, None, None])
    weights = weights / ops.sum(weights, -1, keepdims=True)
    return ops.einsum("bjw,biwc->bijc", weights, ops.einsum("bih,bhwc->biwc", weights, images))
