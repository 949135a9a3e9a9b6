"""Downloads a file: resumes an interrupted download, verifies the checksum, and renames the complete file."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from styler.errors import WeightsError

Observer: TypeAlias = Callable[[int, int | None], object]
"""Function called with the number of bytes downloaded and the total (None if the server does not say)."""

CHUNK = 1 << 18  # bytes
PATIENCE = 30.0  # seconds without data after which a connection counts as stalled
ATTEMPTS = 4  # connections; each continues where the previous one stopped
PAUSE = 1.0  # seconds before the second attempt, doubled for each further attempt


class _Interrupted(Exception):
    """A connection ended early; another attempt may continue the download."""


def matches(path: Path, digest: str) -> bool:
    """Return whether a file has the given MD5 (32 digits) or SHA-256 (64 digits).

    The digest "" means that none is known; any file that is not empty matches it.
    """
    if not digest:
        return path.stat().st_size > 0
    algorithm = hashlib.sha256() if len(digest) == 64 else hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            algorithm.update(chunk)
    return algorithm.hexdigest() == digest


def download(
    address: str,
    target: Path,
    digest: str,
    *,
    observer: Observer | None = None,
    patience: float = PATIENCE,
    attempts: int = ATTEMPTS,
    pause: float | None = None,
) -> Path:
    """Download a file, unless an intact copy exists.

    The data is collected in `<target>.part`, which a later call continues. If several processes need the file, one
    downloads it and the others wait.

    Args:
        address: URL of the file.
        target: Path of the downloaded file.
        digest: MD5 or SHA-256 of the file in hexadecimal; "" if none is known.
        observer: Function to report progress to.
        patience: Seconds without data after which a connection is abandoned.
        attempts: Maximum number of connections.
        pause: Seconds before the second connection, doubled each time; None for `PAUSE`.

    Returns:
        `target`.

    Raises:
        WeightsError: The file cannot be downloaded, has a wrong checksum, or cannot be written.
    """
    try:
        with _alone(target):
            if not (target.is_file() and matches(target, digest)):
                _gather(
                    address, target, digest, _Settings(observer, patience, attempts, PAUSE if pause is None else pause)
                )
    except OSError as cause:
        if isinstance(cause, WeightsError):
            raise
        message = f"cannot write {target}: {cause.strerror or cause}"
        raise WeightsError(message) from cause
    return target


class _Settings:
    """The options of a download."""

    def __init__(
        self,
        observer: Observer | None,
        patience: float,
        attempts: int,
        pause: float,
    ) -> None:
        self.observer = observer
        self.patience = patience
        self.attempts = attempts
        self.pause = pause


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Hold a lock file in the folder of the target. The lock is released when the process ends, however it ends."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _gather(
    address: str,
    target: Path,
    digest: str,
    settings: _Settings,
) -> None:
    part = target.with_name(f"{target.name}.part")
    resumed = part.is_file() and part.stat().st_size > 0
    _complete(address, part, settings)
    if not matches(part, digest):
        part.unlink()
        if not resumed:
            message = f"the download of {_shown(address)} is damaged: its checksum is not {digest}"
            raise WeightsError(message)
        _gather(address, target, digest, settings)  # the old part belonged to another file; start from the beginning
        return
    part.replace(target)


def _complete(address: str, part: Path, settings: _Settings) -> None:
    """Connect repeatedly until the file is complete."""
    reason = ""
    for attempt in range(settings.attempts):
        if attempt:
            time.sleep(settings.pause * 2 ** (attempt - 1))
        try:
            _connect(address, part, settings)
        except (_Interrupted, urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as cause:
            reason = _why(cause)
        else:
            return
    message = f"cannot download {_shown(address)}: {reason}, after {settings.attempts} attempts"
    raise WeightsError(message)


def _why(cause: Exception) -> str:
    inner = getattr(cause, "reason", cause)
    if isinstance(inner, TimeoutError):
        return "the connection stalled"
    return str(inner) or type(inner).__name__


def _connect(address: str, part: Path, settings: _Settings) -> None:
    """Make one connection. It continues where `part` ends, or starts again if the server does not support that."""
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=settings.patience)
    except urllib.error.HTTPError as cause:
        _refused(cause, address, part)
        return
    with response:
        have = have if response.status == 206 else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        with part.open("ab" if have else "wb") as stream:
            done = _copy(
                response,
                stream,
                have,
                total,
                settings.observer,
            )
    if total is not None and done < total:
        message = f"the connection was lost after {done} of {total} bytes"
        raise _Interrupted(message)


def _refused(cause: urllib.error.HTTPError, address: str, part: Path) -> None:
    with cause:
        if cause.code == 416:  # nothing left to send: the part is complete or belongs to another file; see the checksum
            return
        if cause.code >= 500 or cause.code == 429:
            message = f"the server answered {cause.code} {cause.reason}"
            raise _Interrupted(message)
        message = f"cannot download {_shown(address)}: the server answered {cause.code} {cause.reason}"
        raise WeightsError(message)


def _copy(
    response: Any,
    stream: Any,
    done: int,
    total: int | None,
    observer: Observer | None,
) -> int:
    """Copy the response to the stream. Return the number of bytes in the file afterwards."""
    while True:
        if observer is not None:
            observer(done, total)
        try:
            chunk = response.read1(CHUNK)
        except http.client.IncompleteRead as cause:
            chunk = cause.partial
        if not chunk:
            return done
        stream.write(chunk)
        done += len(chunk)


def _shown(address: str) -> str:
    """Return the name of the file, without the host."""
    return address.rpartition("/")[2]
