"""Put a trained network into `weights/` with its checksum.

python weights/publish.py TRAINED.npz

The name of the file, `compact.npz`, selects the network.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
import shutil
from collections.abc import Callable

import numpy as np

from styler.networks import compact

HERE = pathlib.Path(__file__).resolve().parent
MOST_BYTES, MOST_PARAMETERS = 2_500_000, 1_000_000
BUILDERS: dict[str, Callable] = {compact.FILENAME: compact.build_compact}


def publish(trained: pathlib.Path) -> str:
    """Check layers, shapes, dtype and size, copy, and note the SHA-256 in `checksums.json`."""
    if trained.name not in BUILDERS:
        raise SystemExit(f"error: expected one of {', '.join(BUILDERS)}, got {trained.name}")
    layers = [layer for layer in BUILDERS[trained.name]().layers if layer.weights]
    wanted = {
        f"{layer.name}/{part}": (np.dtype("float16"), tuple(weight.shape))
        for layer in layers
        for part, weight in zip(("kernel", "bias"), layer.weights, strict=True)
    }
    with np.load(trained, allow_pickle=False) as archive:
        found = {name: (archive[name].dtype, archive[name].shape) for name in archive.files}
        count = sum(archive[name].size for name in archive.files)
    if found != wanted:
        raise SystemExit(f"error: {trained} is not a float16 archive of the layers of {trained.stem}")
    if count > MOST_PARAMETERS or trained.stat().st_size > MOST_BYTES:
        raise SystemExit(f"error: {count} parameters in {trained.stat().st_size} bytes are too many")
    shutil.copyfile(trained, HERE / trained.name)
    digest, listing = hashlib.sha256(trained.read_bytes()).hexdigest(), HERE / "checksums.json"
    listing.write_text(json.dumps({**json.loads(listing.read_text("utf-8")), trained.name: digest}, indent=2) + "\n")
    return f"{trained.name}: {count:,} parameters, {trained.stat().st_size:,} bytes, SHA-256 {digest}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trained", type=pathlib.Path)
    print(publish(parser.parse_args().trained))
