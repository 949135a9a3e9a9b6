"""Put the trained network into `weights/` with its checksum.

python weights/publish.py TRAINED.npz
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
import shutil

import numpy as np

from styler.networks.compact import FILENAME, build_compact

HERE = pathlib.Path(__file__).resolve().parent
MOST_BYTES, MOST_PARAMETERS = 2_500_000, 1_000_000


def publish(trained: pathlib.Path) -> str:
    """Check layers, shapes, dtype and size, copy, and write the SHA-256 to `checksums.json`."""
    layers = [layer for layer in build_compact().layers if layer.weights]
    wanted = {
        f"{layer.name}/{part}": (np.dtype("float16"), tuple(weight.shape))
        for layer in layers
        for part, weight in zip(("kernel", "bias"), layer.weights, strict=True)
    }
    with np.load(trained, allow_pickle=False) as archive:
        found = {name: (archive[name].dtype, archive[name].shape) for name in archive.files}
        count = sum(archive[name].size for name in archive.files)
    size = trained.stat().st_size
    if found != wanted:
        raise SystemExit(f"error: {trained} is not a float16 archive of the layers of compact")
    if count > MOST_PARAMETERS or size > MOST_BYTES:
        raise SystemExit(f"error: {count} parameters in {size} bytes are too many")
    shutil.copyfile(trained, HERE / FILENAME)
    digest = hashlib.sha256(trained.read_bytes()).hexdigest()
    (HERE / "checksums.json").write_text(json.dumps({FILENAME: digest}, indent=2) + "\n", "utf-8")
    return f"{FILENAME}: {count:,} parameters, {size:,} bytes, SHA-256 {digest}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trained", type=pathlib.Path)
    print(publish(parser.parse_args().trained))
