"""Put a trained network into `weights/` with its checksum.

python weights/publish_compact.py TRAINED.npz
"""

import argparse
import hashlib
import json
import pathlib
import shutil

import numpy as np

from styler.networks.compact import FILENAME, CompactDesign

HERE = pathlib.Path(__file__).resolve().parent
MOST_BYTES, MOST_PARAMETERS = 2_500_000, 1_000_000


def publish(trained: pathlib.Path) -> str:
    """Check layers, dtype and size, copy, and write `checksums.json`; returns the SHA-256."""
    with np.load(trained, allow_pickle=False) as archive:
        wanted = {f"{name}/{part}" for name in CompactDesign().layer_names() for part in ("kernel", "bias")}
        if set(archive.files) != wanted or any(archive[name].dtype != np.float16 for name in archive.files):
            raise SystemExit(f"error: {trained} is not a float16 archive of the layers of compact")
        count = sum(archive[name].size for name in archive.files)
    if count > MOST_PARAMETERS or trained.stat().st_size > MOST_BYTES:
        raise SystemExit(f"error: {count} parameters in {trained.stat().st_size} bytes are too many")
    shutil.copyfile(trained, HERE / FILENAME)
    digest = hashlib.sha256(trained.read_bytes()).hexdigest()
    (HERE / "checksums.json").write_text(json.dumps({FILENAME: digest}, indent=2) + "\n", "utf-8")
    return f"{FILENAME}: {count:,} parameters, {trained.stat().st_size:,} bytes, SHA-256 {digest}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=pathlib.Path)
    print(publish(parser.parse_args().trained))
