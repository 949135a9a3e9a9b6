r"""Whether the marks of results follow `--style-scale`, and whether `--style-match` keeps the look of a preview.

    python tests/benchmarks/bench_marks.py scale [--size 256] [--steps 30] [--pairs 0,1]
    python tests/benchmarks/bench_marks.py match [--size 512] [--small 128] [--steps 30] [--pairs 0,1]

`scale` renders six pairs of the examples at five scales. It prints the centroid of the spectrum of each result's luma,
in cycles per picture, and Spearman's rank correlation of scale and centroid, which is -1 if larger marks always lower
the centroid. `match` renders a preview, a plain large picture and a large picture that matches the preview. It prints
how far the large pictures, reduced, are from the preview (mean distance in OKLab, and FLIP if `flip-evaluator` is
installed), and the energy of the finest frequency band, divided by that of the plain one.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from styler.api import Stylizer
from styler.config import RenderConfig
from styler.images.oklab import to_oklab
from styler.images.picture import Pixels
from styler.images.resampling import resampled
from styler.types import Size

IMAGES = Path(__file__).resolve().parents[2] / "examples" / "images"
PAIRS = (
    ("lake", "swirls"),
    ("lake", "dots"),
    ("city", "woodcut"),
    ("city", "facets"),
    ("still_life", "swirls"),
    ("still_life", "woodcut"),
)
SCALES = (0.5, 0.7, 1.0, 1.4, 2.0)
LUMA = np.array([0.299, 0.587, 0.114])


def spectral_centroid(pixels: Pixels) -> float:
    """Mean frequency of the luma of an image (H, W, 3), weighted by power, in cycles per longer side."""
    luma = pixels @ LUMA
    height, width = luma.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    power = np.abs(np.fft.fft2((luma - luma.mean()) * window)) ** 2
    down, across = np.fft.fftfreq(height), np.fft.fftfreq(width)
    frequency = np.hypot(down[:, None], across) * max(height, width)
    return float((frequency * power).sum() / power.sum())


def finest_energy(pixels: Pixels) -> float:
    """Mean square of what an image loses if its luma is halved and doubled again."""
    luma = np.float32(pixels @ LUMA)[..., None]
    size = Size(*luma.shape[:2])
    lost = luma - resampled(resampled(luma, Size(size.height // 2, size.width // 2)), size)
    return float(np.mean(lost**2))


def measure_scale(studio: Stylizer, pairs: list[tuple[str, str]]) -> None:
    found = []
    print("pair".ljust(24), *(f"{scale:>7g}" for scale in SCALES), "    rho")
    for photo, painting in pairs:
        centroids = []
        for scale in SCALES:
            result = studio.changed(style_scale=(scale,)).render(IMAGES / f"{photo}.jpg", IMAGES / f"{painting}.jpg")
            centroids.append(spectral_centroid(result.picture.pixels))
        found.append(float(spearmanr(SCALES, centroids).statistic))
        row = " ".join(f"{centroid:7.2f}" for centroid in centroids)
        print(f"{photo} {painting}".ljust(24), row, f"{found[-1]:7.2f}", flush=True)
    print(f"median {np.median(found):.2f}, weakest {max(found):.2f}")


def measure_match(studio: Stylizer, pairs: list[tuple[str, str]], small: int) -> None:
    flip = import_module("flip_evaluator") if find_spec("flip_evaluator") else None
    print("pair".ljust(24), " oklab: plain, matching    flip: plain, matching    finest")
    for photo, painting in pairs:
        images = IMAGES / f"{photo}.jpg", IMAGES / f"{painting}.jpg"
        preview = studio.changed(size=small).render(*images).picture.pixels
        plain = studio.render(*images).picture.pixels
        matching = studio.changed(style_match=small).render(*images).picture.pixels
        seen = [resampled(pixels, Size(*preview.shape[:2])) for pixels in (plain, matching)]
        distances = [float(np.linalg.norm(to_oklab(each) - to_oklab(preview), axis=-1).mean()) for each in seen]
        flips = [np.nan, np.nan]
        if flip is not None:
            flips = [flip.evaluate(preview, each, "LDR", applyMagma=False)[1] for each in seen]
        finest = finest_energy(matching) / finest_energy(plain)
        row = "        ".join(f"{value:9.4f}" for value in (*distances, *flips))
        print(f"{photo} {painting}".ljust(24), row, f"{finest:9.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("scale", "match"))
    parser.add_argument("--size", type=int, default=256, help="longer side, pixels")
    parser.add_argument("--small", type=int, default=128, help="longer side of the preview, pixels")
    parser.add_argument("--steps", type=int, default=100, help="optimizer steps of each render")
    parser.add_argument("--pairs", default="0,1,2,3,4,5", help="numbers of pairs")
    args = parser.parse_args()
    studio = Stylizer(RenderConfig(size=args.size, steps=args.steps))
    pairs = [PAIRS[int(number)] for number in args.pairs.split(",")]
    if args.what == "scale":
        measure_scale(studio, pairs)
    else:
        measure_match(studio, pairs, args.small)


if __name__ == "__main__":
    main()
