"""Draw pictures in one pass with the trained decoder, and say how well it gives a photo back.

    python weights/measure_decoder.py FOLDER PHOTO PAINTING [PHOTO PAINTING ...] [--size 512]

FOLDER gets one picture a pair. Printed: seconds of the second run, the first one warms up, and the peak
signal-to-noise ratio of the photo decoded with its own statistics, decibels.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time

import numpy as np
from keras import ops
from PIL import Image

from compiled import compiled
from styler.networks.compact import FILENAME, CompactDesign, to_inputs
from styler.networks.decoder import load_decoder
from train_decoder import read_network, stylized

MULTIPLE = 8  # pixels: the decoder enlarges three times by two


def open_image(path: pathlib.Path, size: int) -> np.ndarray:
    """Longer side about `size`, float32 0..1, (1, H, W, 3)."""
    with Image.open(path) as image:
        scale = size / max(image.size) / MULTIPLE
        sides = tuple(max(1, round(extent * scale)) * MULTIPLE for extent in image.size)
        return np.asarray(image.convert("RGB").resize(sides, Image.LANCZOS), np.float32)[None] / 255


def drawn(decoder, encoder, photo, painting):
    return stylized(decoder, encoder(to_inputs(photo)), encoder(to_inputs(painting)))[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("pairs", type=pathlib.Path, nargs="+")
    parser.add_argument("--size", type=int, default=512)
    args = parser.parse_args()
    encoder = read_network(pathlib.Path(__file__).with_name(FILENAME), CompactDesign())
    draw = compiled(drawn, load_decoder(), encoder)
    args.folder.mkdir(parents=True, exist_ok=True)
    for photo, painting in zip(args.pairs[::2], args.pairs[1::2], strict=True):
        content, style = (open_image(path, args.size) for path in (photo, painting))
        itself = ops.convert_to_numpy(draw(content, content))
        draw(content, style)
        started = time.perf_counter()
        picture = ops.convert_to_numpy(draw(content, style))[0]
        seconds = time.perf_counter() - started
        Image.fromarray(np.uint8(np.round(picture * 255))).save(args.folder / f"{photo.stem}-{painting.stem}.png")
        decibels = -10 * np.log10(np.square(itself - content).mean())
        row = {"photo": photo.stem, "painting": painting.stem, "seconds": seconds, "decibels": float(decibels)}
        print(json.dumps({key: round(v, 3) if isinstance(v, float) else v for key, v in row.items()}), flush=True)


if __name__ == "__main__":
    main()
