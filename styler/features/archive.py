"""Activations in a `.npz` file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from styler.errors import OutputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DTYPES = ("float32", "float16")
SUFFIX = ".npz"


def check_archive(path: Path, *, overwrite: bool) -> None:
    """Refuse an archive that cannot or must not be written, before any work.

    Raises:
        OutputError: Another suffix, no such folder, or an existing file without `overwrite`.
    """
    if path.suffix != SUFFIX:
        message = f"cannot write {path}: expected a name that ends in {SUFFIX}"
        raise OutputError(message)
    if not path.absolute().parent.is_dir():
        message = f"cannot write {path}: folder {path.parent} does not exist; create it first"
        raise OutputError(message)
    if path.exists() and not overwrite:
        message = f"{path} exists already; choose another name or give --overwrite"
        raise OutputError(message)


def write_archive(path: Path, arrays: dict[str, NDArray[np.generic]], *, overwrite: bool = False) -> None:
    """Write all at once: a file beside the target, renamed over it.

    Args:
        path: Target, `.npz`.
        arrays: Address -> activations.
        overwrite: Whether an existing file may be replaced.

    Raises:
        OutputError: See `check_archive`; or the disk is full.
    """
    import numpy as np

    check_archive(path, overwrite=overwrite)
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".partial", delete=False) as stream:
            partial = Path(stream.name)
            np.savez(stream, **arrays)  # type: ignore[arg-type]
        partial.chmod(0o644)
        partial.replace(path)
    except OSError as cause:
        message = f"cannot write {path}: {cause.strerror or cause}"
        raise OutputError(message) from cause
