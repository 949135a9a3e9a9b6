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
from styler.networks.download import Observer, download, matches
from styler.networks.published import APPLICATIONS, download_of

if TYPE_CHECKING:
    import numpy as np

VARIABLE = "STYLER_WEIGHTS"
KERAS_VARIABLE = "KERAS_HOME"
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


def keras_folder() -> Path | None:
    """Where Keras keeps downloaded weights; None for a user without a home folder, as containers have them."""
    home = os.environ.get(KERAS_VARIABLE)
    if home == os.devnull:  # set by the program itself, see `styler.cli.app.prepare_environment`
        return None
    try:
        return (Path(home) if home else Path.home() / ".keras") / "models"
    except RuntimeError:
        return None


def all_folders() -> tuple[Path, ...]:
    """Every folder that is searched, in order."""
    keras = keras_folder()
    return (*search_folders(), *([keras] if keras else []))


def download_folder() -> Path:
    """Where downloads go: the folder of `STYLER_WEIGHTS` if it is set, else Keras's, so that Keras finds them too.

    Raises:
        WeightsError: There is no such folder, for a user without a home folder.
    """
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else keras_folder()
    if folder is None:
        message = f"no folder for downloads: this user has no home folder; name a folder in {VARIABLE}"
        raise WeightsError(message)
    return folder


def located(filename: str) -> Path | None:
    """The first file of this name in `search_folders` or Keras's folder; None if there is none."""
    paths = (folder / filename for folder in all_folders())
    return next((path for path in paths if path.is_file()), None)


def places() -> str:
    """Every folder that is searched, for messages."""
    return ", ".join(map(str, all_folders()))


def ways_on(name: str) -> str:
    """What to do about weights that cannot be had, for messages."""
    filename, named = APPLICATIONS[name].filename, os.environ.get(VARIABLE)
    folder = named or keras_folder() or f"a folder and name that in {VARIABLE}"
    return f"Put {filename} into {folder}, or use --network compact, which needs no download"


def fetched(name: str, observer: Observer | None = None) -> Path:
    """The file of a published network's weights, downloaded if it is nowhere here.

    Args:
        name: Key of `APPLICATIONS`.
        observer: Called with bytes done and bytes in all while a download runs.

    Raises:
        WeightsError: It is damaged, or not here and cannot be downloaded.
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
    """Download a published network's weights to `download_folder`, unless a sound file is there.

    Raises:
        WeightsError: The download failed or gave wrong bytes.
    """
    filename, address, digest = download_of(name)
    target = download_folder() / filename
    try:
        return download(address, target, digest, observer=observer)
    except WeightsError as cause:
        message = f"no weights for {name}: {cause}. Looked for {filename} in {places()}. {ways_on(name)}"
        raise WeightsError(message) from cause


def find_weights(filename: str) -> Path:
    """The first file of this name in `search_folders`.

    Raises:
        WeightsError: There is none.
    """
    folders = list(search_folders())
    for folder in folders:
        if (folder / filename).is_file():
            return folder / filename
    looked = ", ".join(map(str, folders))
    message = f"no weights file {filename}, looked in {looked}. Put it in a folder and name that in {VARIABLE}"
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
