"""Checkpoint files: a NumPy archive with a JSON header and a checksum of every byte.

The file is an uncompressed ZIP archive as `numpy.savez` writes it, with one additional member, `checkpoint.json`;
`numpy.load` opens it. The archive's comment, at the very end, names the version of the layout and the SHA-256 of the
file, computed with zeros in place of the checksum itself. Nothing in the file is ever executed, and nothing is parsed
before the checksum has been compared.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from styler.errors import CheckpointError, shown
from styler.images.atomic import write_atomically
from styler.images.mapped import bands, new_array
from styler.render.snapshot import Arrays, Position, Snapshot

LAYOUT = 2  # raised when the format changes; no other layout is read, because a stopped render is soon resumed
HEADER = "checkpoint.json"
LONGEST_HEADER = 1 << 24  # bytes; the options and a row for each octave take a few thousand
BLOCK = 1 << 20  # bytes hashed at a time
COMMENT = "styler checkpoint, layout {:06d}, sha256 {}"
DIGITS = 64
NO_DIGEST = "0" * DIGITS
_TAIL = re.compile(rb"styler checkpoint, layout ([0-9]{6}), sha256 ([0-9a-f]{64})")
TAIL_BYTES = len(COMMENT.format(LAYOUT, NO_DIGEST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The contents of a checkpoint file.

    Attributes:
        job: Description of the render, as plain values; see `styler.render.job`.
        snapshot: State of the render.
    """

    job: Mapping[str, Any]
    snapshot: Snapshot


def write_checkpoint(path: Path, checkpoint: Checkpoint, *, overwrite: bool = True) -> None:
    """Write a checkpoint atomically: an old file stays until the new one is complete and on the disk.

    Raises:
        OutputError: The disk is full, the folder is missing, or the file exists and `overwrite` is false.
    """
    position = checkpoint.snapshot.position.to_dict()
    header = json.dumps({"job": dict(checkpoint.job), "position": position})

    def fill(file: IO[bytes]) -> None:
        _fill(file, header, checkpoint.snapshot.arrays)

    write_atomically(path, fill, overwrite=overwrite)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read and check a checkpoint.

    Raises:
        CheckpointError: The file cannot be read, is not a checkpoint, is damaged, or has another layout.
    """
    try:
        _check_is_file(path)
        with path.open("rb") as file:
            _check_digest(file, path)
            header, arrays = _contents(file)
        job = dict(header["job"])
        position = Position.from_dict(header["position"])
    except CheckpointError:
        raise
    except OSError as cause:
        message = f"cannot read {shown(path)}: {cause.strerror or cause}"
        raise CheckpointError(message) from cause
    except Exception as cause:  # zipfile, json and NumPy raise errors of many classes for hostile files
        message = f"{shown(path)} is not a checkpoint that this version of styler can read: {type(cause).__name__}"
        raise CheckpointError(message) from cause
    return Checkpoint(job=job, snapshot=Snapshot(position=position, arrays=arrays))


def is_checkpoint(path: Path) -> bool:
    """Whether a file ends like a checkpoint of any layout; only the end of the file is read."""
    try:
        _check_is_file(path)
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            return _TAIL.fullmatch(file.read()) is not None
    except OSError:
        return False


class _Hashing:
    """A file for `zipfile` that only appends and computes the digest of everything that it writes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _fill(file: IO[bytes], header: str, arrays: Arrays) -> None:
    hashing = _Hashing(file)
    with zipfile.ZipFile(hashing, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        archive.comment = COMMENT.format(LAYOUT, NO_DIGEST).encode()
        archive.writestr(HEADER, header)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                _write_array(member, np.asarray(array))
    file.seek(-DIGITS, 2)
    file.write(hashing.digest.hexdigest().encode())


def _write_array(file: IO[bytes], array: Any) -> None:
    """Write an array like `numpy.save`, but do not keep the pages of a mapped array in memory."""
    header = {
        "descr": np.lib.format.dtype_to_descr(array.dtype),
        "fortran_order": False,
        "shape": array.shape,
    }
    np.lib.format.write_array_header_1_0(file, header)
    lines = np.atleast_1d(array)
    lines = lines.reshape(-1) if lines.flags.c_contiguous else lines  # a line of a ring can be as large as the image
    for rows in bands(lines):
        file.write(np.ascontiguousarray(lines[rows]).data.cast("B"))


def _check_is_file(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its writer
        message = f"cannot read {shown(path)}: expected a checkpoint file"
        raise CheckpointError(message)


def _check_digest(file: IO[bytes], path: Path) -> None:
    """Check that a file is an undamaged checkpoint of this layout, and go back to its start."""
    size = file.seek(0, 2)
    file.seek(max(0, size - TAIL_BYTES))
    tail = _TAIL.fullmatch(file.read())
    if tail is None:
        message = f"{shown(path)} is not a styler checkpoint, or its end is missing"
        raise CheckpointError(message)
    layout = int(tail[1])
    if layout != LAYOUT:
        is_newer = layout > LAYOUT
        age = "a newer" if is_newer else "an older"
        way = "update styler" if is_newer else "resume it with that version or start the render again"
        origin = f"{shown(path)} is a checkpoint from {age} version of styler"
        message = f"{origin}: its layout is {layout}, and this version reads {LAYOUT}; {way}"
        raise CheckpointError(message)
    file.seek(0)
    digest = hashlib.sha256()
    left = size - DIGITS
    while left > 0:
        block = file.read(min(BLOCK, left))
        if not block:
            break
        digest.update(block)
        left -= len(block)
    digest.update(NO_DIGEST.encode())
    if digest.hexdigest().encode() != tail[2]:
        message = f"{shown(path)} is damaged: its checksum does not match its contents; start the render again"
        raise CheckpointError(message)
    file.seek(0)


def _contents(file: IO[bytes]) -> tuple[Any, dict[str, Any]]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        for member in members:
            is_encrypted = member.flag_bits & 1
            if member.compress_type != zipfile.ZIP_STORED or is_encrypted:
                raise ValueError  # styler writes no such members, and they could hide a decompression bomb
        if archive.getinfo(HEADER).file_size > LONGEST_HEADER:
            raise ValueError
        header = json.loads(archive.read(HEADER))
        arrays = {}
        for member in members:
            if member.filename != HEADER:
                name = member.filename.removesuffix(".npy")
                with archive.open(member) as stream:
                    arrays[name] = _array(stream, member.file_size)
    return header, arrays


def _array(stream: IO[bytes], size: int) -> Any:
    """Read an array; its values must fill the rest of its member exactly."""
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError
    shape, is_fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject or is_fortran_order:
        raise ValueError
    if math.prod(shape) * dtype.itemsize != size - stream.tell():
        raise ValueError
    array = new_array(shape, dtype)
    values = array.reshape(-1)
    for band in bands(values):
        read = stream.read(values[band].nbytes)
        values[band] = np.frombuffer(read, dtype).reshape(values[band].shape)
    return array
