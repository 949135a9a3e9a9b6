"""How much of the teachers' activations the embedded network explains, through linear heads.

    python weights/measure_compact.py --fit DIR [DIR ...] --images DIR [DIR ...] --teachers DIR

The 1x1 heads are fitted by ridge regression on crops of the first images and judged on the second. A figure is
the share of a layer's variance, centered per channel, pooled over all images.
"""

import argparse
import json
import pathlib

import keras
import numpy as np
from PIL import Image

from styler.networks.compact import load_compact, to_inputs
from train_compact import COMPRESSED, REAL, TARGETS, build_teacher

SAMPLES = 4000  # positions of each fitting image that enter the regression


def open_image(path: pathlib.Path, side: int) -> np.ndarray:
    """Longer side `side`, sides divisible by 16, float32 0..1, (1, H, W, 3)."""
    with Image.open(path) as image:
        scale = side / max(image.size)
        size = tuple(max(64, round(extent * scale / 16) * 16) for extent in image.size)
        return np.asarray(image.convert("RGB").resize(size, Image.LANCZOS), np.float32)[None] / 255


class Pair:
    """Student and teachers on the same image."""

    def __init__(self, teachers: pathlib.Path, side: int) -> None:
        self.side, student = side, load_compact()
        self.student = keras.Model(student.input, {name: student.get_layer(name).output for name in TARGETS})
        self.teachers = [
            build_teacher(teachers / "vgg19_to_conv31.npz", REAL),
            build_teacher(teachers / "vgg19_16x.npz", COMPRESSED),
        ]

    def __call__(self, path: pathlib.Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Layer -> (student's, teacher's) activations, float64, (positions, channels)."""
        image = open_image(path, self.side)
        seen = {name: np.asarray(value) for name, value in self.student(to_inputs(image)).items()}
        wanted = {name: np.asarray(value) for t in self.teachers for name, value in t(image).items()}
        return {name: (flat(seen[name]), flat(wanted[name])) for name in TARGETS}


def flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1, array.shape[-1]).astype(np.float64)


def fit(pair: Pair, paths: list[pathlib.Path]) -> dict[str, np.ndarray]:
    """Slopes and, in the last row, offsets of the heads."""
    random, sums = np.random.default_rng(0), {}
    for path in paths:
        for name, (x, y) in pair(path).items():
            picked = random.integers(len(x), size=min(SAMPLES, len(x)))
            x1 = np.concatenate([x[picked], np.ones((len(picked), 1))], 1)
            xx, xy = sums.get(name, (0.0, 0.0))
            sums[name] = xx + x1.T @ x1, xy + x1.T @ y[picked]
    return {
        name: np.linalg.solve(xx + 1e-6 * np.trace(xx) / len(xx) * np.eye(len(xx)), xy)
        for name, (xx, xy) in sums.items()
    }


def explained(pair: Pair, heads: dict[str, np.ndarray], paths: list[pathlib.Path]) -> dict[str, float]:
    """Share of variance explained, pooled over images and channels of a layer."""
    errors = dict.fromkeys(TARGETS, 0.0)
    moments = {name: [0.0, 0.0, 0] for name in TARGETS}
    for path in paths:
        for name, (x, y) in pair(path).items():
            errors[name] += np.square(y - x @ heads[name][:-1] - heads[name][-1]).sum()
            first, second, count = moments[name]
            moments[name] = [first + y.sum(0), second + np.square(y).sum(0), count + len(y)]
    spread = {name: (second - first**2 / count).sum() for name, (first, second, count) in moments.items()}
    return {name: round(1 - errors[name] / spread[name], 4) for name in TARGETS}


def images(folders: list[pathlib.Path], most: int) -> list[pathlib.Path]:
    """At most `most` images, evenly from the sorted list."""
    found = sorted(path for folder in folders for path in folder.rglob("*.jpg"))
    return found[:: max(1, len(found) // most)][:most]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", type=pathlib.Path, nargs="+", required=True, help="images the heads are fitted on")
    parser.add_argument("--images", type=pathlib.Path, nargs="+", required=True, help="images to judge on")
    parser.add_argument("--teachers", type=pathlib.Path, required=True)
    parser.add_argument("--size", type=int, default=320, help="longer side of the images, pixels")
    parser.add_argument("--fitted", type=int, default=80, help="images the heads are fitted on, at most")
    args = parser.parse_args()
    pair = Pair(args.teachers, args.size)
    heads = fit(pair, images(args.fit, args.fitted))
    print(json.dumps(explained(pair, heads, images(args.images, 1000))))


if __name__ == "__main__":
    main()
