"""Find weight files, check their bytes, read them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from styler.errors import WeightsError

if TYPE_CHECKING:
    import numpy as np

VARIABLE = "STYLER_WEIGHTS"
PACKAGE = Path(__file__).resolve().parent.parent


def search_folders() -> Iterator[Path]:
    """Folders that may hold weights, first match wins.

    `STYLER_WEIGHTS`, then `weights/` of a source tree that this package is part of, then the installed package.
    The tree goes first so that a retrained network is used at once in an editable install.
    """
    named = os.environ.get(VARIABLE)
    if named:
        yield Path(named)
    tree = PACKAGE.parent
    if (tree / "weights" / "train_compact.py").is_file():
        yield tree / "weights"
    yield PACKAGE / "weights"


def find_weights(filename: str) -> Path:
    """The first file of this name in `search_folders`.

    Raises:
        WeightsError: There is none.
    """
    folders = list(search_folders())
    for folder in folders:
        if (folder / filename).is_file():
            return folder / filename
    places = ", ".join(map(str, folders))
    message = f"no weights file {filename}, looked in {places}. Put it in a folder and name that in {VARIABLE}"
    raise WeightsError(message)


def expected_sha256(filename: str) -> str:
    """The published checksum of an embedded weights file, 64 hexadecimal digits.

    Raises:
        WeightsError: The list of checksums is absent or does not name the file.
    """
    for folder in (PACKAGE.parent / "weights", PACKAGE / "weights"):
        listing = folder / "checksums.json"
        if listing.is_file():
            known: dict[str, str] = json.loads(listing.read_text("utf-8"))
            if filename in known:
                return known[filename]
    message = f"no checksum is known for {filename}: reinstall styler"
    raise WeightsError(message)


@cache
def sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_verified(filename: str) -> dict[str, np.ndarray]:
    """Read an embedded `.npz` archive after checking its bytes; never unpickles.

    Returns:
        `layer/kernel` and `layer/bias` as float32.

    Raises:
        WeightsError: The file is absent, damaged or not the published one.
    """
    import numpy as np

    path = find_weights(filename)
    wanted = expected_sha256(filename)
    if sha256(path) != wanted:
        message = f"{path} is damaged or not the published file (SHA-256 is not {wanted[:12]}…): reinstall styler"
        raise WeightsError(message)
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name].astype(np.float32) for name in archive.files}
