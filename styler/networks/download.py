"""Download a file so that what is there is whole: resumed after a cut, verified, put in place in one step."""

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
"""Called with bytes done and bytes in all (None if the server does not say)."""

CHUNK = 1 << 18  # bytes
PATIENCE = 30.0  # seconds without a byte before a connection counts as stalled
ATTEMPTS = 4  # connections; each goes on where the last one stopped
PAUSE = 1.0  # seconds before the second attempt, doubled for each further one


class _Interrupted(Exception):
    """A connection ended early; the next may go on."""


def matches(path: Path, digest: str) -> bool:
    """Whether a file has the MD5 (32 digits) or SHA-256 (64) given; any file that is not empty has the digest ""."""
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
    """Download to `target`; a sound file that is there is left alone.

    Bytes gather in `<target>.part`, which a later call goes on with. Of several processes one downloads and the others
    wait for it.

    Args:
        address: URL.
        target: Where the file goes.
        digest: Its MD5 or SHA-256 in hexadecimal; "" if none is known.
        observer: Told how far it is.
        patience: Seconds without a byte before the connection is given up.
        attempts: Connections to try.
        pause: Seconds before the second one, doubled each time; None for `PAUSE`.

    Returns:
        `target`.

    Raises:
        WeightsError: The file cannot be had, is not the published one, or cannot be written.
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
    """How to download."""

    def __init__(self, observer: Observer | None, patience: float, attempts: int, pause: float) -> None:
        self.observer, self.patience, self.attempts, self.pause = observer, patience, attempts, pause


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Hold the lock file beside the target; it is freed when the process ends, however it ends."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _gather(address: str, target: Path, digest: str, settings: _Settings) -> None:
    part = target.with_name(f"{target.name}.part")
    resumed = part.is_file() and part.stat().st_size > 0
    _complete(address, part, settings)
    if not matches(part, digest):
        part.unlink()
        if not resumed:
            message = f"{_shown(address)} gave wrong bytes: the checksum is not {digest}"
            raise WeightsError(message)
        _gather(address, target, digest, settings)  # the old part was of another file: once more from the start
        return
    part.replace(target)


def _complete(address: str, part: Path, settings: _Settings) -> None:
    """Connect until the file is whole."""
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
    message = f"{_shown(address)} cannot be downloaded: {reason}, after {settings.attempts} attempts"
    raise WeightsError(message)


def _why(cause: Exception) -> str:
    inner = getattr(cause, "reason", cause)
    if isinstance(inner, TimeoutError):
        return "the connection stalled"
    return str(inner) or type(inner).__name__


def _connect(address: str, part: Path, settings: _Settings) -> None:
    """One connection: go on where `part` ends, or start again where the server cannot do that."""
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
            done = _copy(response, stream, have, total, settings.observer)
    if total is not None and done < total:
        message = f"the connection was cut at {done} of {total} bytes"
        raise _Interrupted(message)


def _refused(cause: urllib.error.HTTPError, address: str, part: Path) -> None:
    with cause:
        if cause.code == 416:  # nothing left to send: the part is whole, or of another file; the checksum tells
            return
        if cause.code >= 500 or cause.code == 429:
            message = f"the server answered {cause.code} {cause.reason}"
            raise _Interrupted(message)
        message = f"{_shown(address)} cannot be downloaded: the server answered {cause.code} {cause.reason}"
        raise WeightsError(message)


def _copy(response: Any, stream: Any, done: int, total: int | None, observer: Observer | None) -> int:
    """Bytes there are when the response ends."""
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
    """The file's name, which says enough: hosts belong to Keras."""
    return address.rpartition("/")[2]
