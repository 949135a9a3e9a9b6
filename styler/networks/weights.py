"""Finds files of weights, verifies their checksums and reads them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from styler.errors import WeightsError
from styler.networks.download import Observer, download, matches
from styler.networks.published import APPLICATIONS, download_of

if TYPE_CHECKING:
    import numpy as np

VARIABLE = "STYLER_WEIGHTS"
KERAS_VARIABLE = "KERAS_HOME"
PACKAGE = Path(__file__).resolve().parent.parent


def search_folders() -> Iterator[Path]:
    """Yield the folders to search for weights, in order; the first match counts.

    They are the folder named by `STYLER_WEIGHTS`, the folder `weights/` of a source tree that contains this package,
    and the installed package. The source tree comes before the package so that an editable install uses a retrained
    network immediately.
    """
    named = os.environ.get(VARIABLE)
    if named:
        yield Path(named)
    tree = PACKAGE.parent
    if (tree / "weights" / "train_compact.py").is_file():
        yield tree / "weights"
    yield PACKAGE / "weights"


def keras_folder() -> Path | None:
    """Return the folder where Keras keeps downloaded weights; None if the user has no home folder."""
    home = os.environ.get(KERAS_VARIABLE)
    if home == os.devnull:  # set by styler itself, see `styler.cli.app.prepare_environment`
        return None
    try:
        return (Path(home) if home else Path.home() / ".keras") / "models"
    except RuntimeError:
        return None


def all_folders() -> tuple[Path, ...]:
    """Return every folder to search, in order."""
    keras = keras_folder()
    return (*search_folders(), *([keras] if keras else []))


def download_folder() -> Path:
    """Return the folder for downloads: the one named by `STYLER_WEIGHTS`, or else Keras's, where Keras finds them too.

    Raises:
        WeightsError: There is no such folder, because the user has no home folder.
    """
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else keras_folder()
    if folder is None:
        message = f"there is no folder for downloads, because this user has no home folder; set {VARIABLE} to a folder"
        raise WeightsError(message)
    return folder


def located(filename: str) -> Path | None:
    """Return the first file with this name in the folders to search, including Keras's; None if there is none."""
    paths = (folder / filename for folder in all_folders())
    return next((path for path in paths if path.is_file()), None)


def places() -> str:
    """Return a list of all folders to search, for messages."""
    return ", ".join(map(str, all_folders()))


def weights_advice(name: str) -> str:
    """Return the advice for weights that are not available."""
    filename = APPLICATIONS[name].filename
    named = os.environ.get(VARIABLE)
    folder = named or keras_folder() or f"a folder and set {VARIABLE} to it"
    return f"Put {filename} into {folder}, or use --network compact, which needs no download"


def fetched(name: str, observer: Observer | None = None) -> Path:
    """Return the file with the weights of a published network, and download it if necessary.

    Args:
        name: Key of `APPLICATIONS`.
        observer: Function to report download progress to: bytes downloaded and total bytes.

    Raises:
        WeightsError: The file is damaged, or is missing and cannot be downloaded.
    """
    application = APPLICATIONS[name]
    path = located(application.filename)
    if path is None:
        return fetch(name, observer)
    if not matches(path, application.digest):
        message = f"{path} is damaged: its checksum is not {application.digest}. Run styler networks fetch {name}"
        raise WeightsError(message)
    return path


def fetch(name: str, observer: Observer | None = None) -> Path:
    """Download the weights of a published network to `download_folder()`, unless an intact file is there.

    Raises:
        WeightsError: The download failed, or its checksum is wrong.
    """
    filename, address, digest = download_of(name)
    target = download_folder() / filename
    try:
        return download(address, target, digest, observer=observer)
    except WeightsError as cause:
        message = f"no weights for {name}: {cause}. Searched for {filename} in {places()}. {weights_advice(name)}"
        raise WeightsError(message) from cause


def find_weights(filename: str) -> Path:
    """Return the first file with this name in `search_folders()`.

    Raises:
        WeightsError: There is none.
    """
    folders = list(search_folders())
    for folder in folders:
        if (folder / filename).is_file():
            return folder / filename
    looked = ", ".join(map(str, folders))
    message = f"found no weights file {filename} in {looked}. Put it in a folder and set {VARIABLE} to that folder"
    raise WeightsError(message)


def expected_sha256(filename: str) -> str:
    """Return the published SHA-256 of a built-in weights file, 64 hexadecimal digits.

    Raises:
        WeightsError: The list of checksums is missing or does not contain the file.
    """
    for folder in (PACKAGE.parent / "weights", PACKAGE / "weights"):
        listing = folder / "checksums.json"
        if listing.is_file():
            known: dict[str, str] = json.loads(listing.read_text("utf-8"))
            if filename in known:
                return known[filename]
    message = f"no checksum is known for {filename}; reinstall styler"
    raise WeightsError(message)


@cache
def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_verified(filename: str) -> dict[str, np.ndarray]:
    """Read a built-in `.npz` archive after verifying its checksum. Pickles are never loaded.

    Returns:
        `layer/kernel` and `layer/bias`, float32.

    Raises:
        WeightsError: The file is missing, damaged or not the published one.
    """
    import numpy as np

    path = find_weights(filename)
    wanted = expected_sha256(filename)
    if sha256(path) != wanted:
        message = f"{path} is damaged or not the published file (SHA-256 is not {wanted[:12]}…); reinstall styler"
        raise WeightsError(message)
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name].astype(np.float32) for name in archive.files}
