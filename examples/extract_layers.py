"""Extract the activations of several layers of a network in one pass.

python examples/extract_layers.py IMAGE
"""

import sys

import numpy as np
from PIL import Image

from styler import FeatureExtractor
from styler.networks import find_network


def main(path: str) -> None:
    pixels = np.asarray(Image.open(path).convert("RGB").resize((256, 192)), np.float32) / 255
    extractor = FeatureExtractor.of(find_network("compact"), ["block1_conv1", "block*_conv2"])
    for address, activations in extractor(pixels[None]).items():
        strongest = int(np.argmax(np.mean(activations, axis=(0, 1, 2))))
        print(f"{address:<14} {tuple(activations.shape)!s:<20} strongest channel {strongest}")


if __name__ == "__main__":
    main(sys.argv[1])
