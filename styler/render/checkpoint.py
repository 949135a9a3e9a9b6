"""Checkpoint files: a NumPy archive with a JSON header and a checksum of every byte.

The file is a ZIP archive as `numpy.savez` writes it, uncompressed, with one member more, `checkpoint.json`;
`numpy.load` opens it. The archive's comment, at the very end, names the version of the layout and the SHA-256 of the
file, taken with the checksum itself as zeros. Nothing in it is ever executed, and nothing is parsed before the checksum
has been compared.
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
from styler.images.mapped import bands, roomy
from styler.render.snapshot import Arrays, Position, Snapshot

LAYOUT = 2  # raised when the file changes; one layout is read: a render that was stopped is soon gone on with
HEADER = "checkpoint.json"
LONGEST_HEADER = 1 << 24  # bytes; options and a line for each octave take some thousands
BLOCK = 1 << 20  # bytes hashed at a time
COMMENT = "styler checkpoint, layout {:06d}, sha256 {}"
DIGITS = 64
NO_DIGEST = "0" * DIGITS
_TAIL = re.compile(rb"styler checkpoint, layout ([0-9]{6}), sha256 ([0-9a-f]{64})")
TAIL_BYTES = len(COMMENT.format(LAYOUT, NO_DIGEST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a checkpoint file holds.

    Attributes:
        job: What is rendered, as the one who wrote it describes it; plain values.
        snapshot: Where the render stands.
    """

    job: Mapping[str, Any]
    snapshot: Snapshot


def write_checkpoint(path: Path, checkpoint: Checkpoint, *, overwrite: bool = True) -> None:
    """Write atomically: the file of that name stays until the new one is complete and on the disk.

    Raises:
        OutputError: The disk is full, the folder is gone, or a file of that name exists and must stay.
    """
    position = checkpoint.snapshot.position.to_dict()
    header = json.dumps({"job": dict(checkpoint.job), "position": position})

    def fill(file: IO[bytes]) -> None:
        _fill(file, header, checkpoint.snapshot.arrays)

    write_atomically(path, fill, overwrite=overwrite)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read and check a checkpoint.

    Raises:
        CheckpointError: It cannot be read, is none, is damaged, or is of a newer layout.
    """
    try:
        _check_is_file(path)
        with path.open("rb") as file:
            _check_digest(file, path)
            header, arrays = _contents(file)
        job, position = dict(header["job"]), Position.from_dict(header["position"])
    except CheckpointError:
        raise
    except OSError as cause:
        message = f"cannot read {shown(path)}: {cause.strerror or cause}"
        raise CheckpointError(message) from cause
    except Exception as cause:  # zipfile, json and NumPy raise errors of many classes over hostile files
        message = f"{shown(path)} is not a checkpoint that this styler can read: {type(cause).__name__}"
        raise CheckpointError(message) from cause
    return Checkpoint(job=job, snapshot=Snapshot(position=position, arrays=arrays))


def is_checkpoint(path: Path) -> bool:
    """Whether a file ends as a checkpoint does, of whatever layout and state; reads no more than that."""
    try:
        _check_is_file(path)
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL_BYTES))
            return _TAIL.fullmatch(file.read()) is not None
    except OSError:
        return False


class _Hashing:
    """A file for `zipfile` that can only be written on, and knows the digest of what was."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

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
    """As `numpy.save` does, but that pages of a mapped array do not stay in memory."""
    described = np.lib.format.dtype_to_descr(array.dtype)
    np.lib.format.write_array_header_1_0(file, {"descr": described, "fortran_order": False, "shape": array.shape})
    lines = np.atleast_1d(array)
    lines = lines.reshape(-1) if lines.flags.c_contiguous else lines  # a line of a ring can be as large as the image
    for rows in bands(lines):
        file.write(np.ascontiguousarray(lines[rows]).data.cast("B"))


def _check_is_file(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its writer
        message = f"cannot read {shown(path)}: the file of a checkpoint was expected"
        raise CheckpointError(message)


def _check_digest(file: IO[bytes], path: Path) -> None:
    """Refuse what is no checkpoint, of a newer layout, or damaged; leaves the file at its start."""
    size = file.seek(0, 2)
    file.seek(max(0, size - TAIL_BYTES))
    tail = _TAIL.fullmatch(file.read())
    if tail is None:
        message = f"{shown(path)} is not a checkpoint of styler, or its end is missing"
        raise CheckpointError(message)
    if int(tail[1]) != LAYOUT:
        found, age = int(tail[1]), "a newer" if int(tail[1]) > LAYOUT else "an older"
        way = "update styler" if found > LAYOUT else "resume it with that version or start the render anew"
        message = f"{shown(path)} is a checkpoint of {age} styler, layout {found}, and this one reads {LAYOUT}; {way}"
        raise CheckpointError(message)
    file.seek(0)
    digest, left = hashlib.sha256(), size - DIGITS
    while left > 0:
        block = file.read(min(BLOCK, left))
        if not block:
            break
        digest.update(block)
        left -= len(block)
    digest.update(NO_DIGEST.encode())
    if digest.hexdigest().encode() != tail[2]:
        message = f"{shown(path)} is damaged: its checksum is not that of its contents; start the render anew"
        raise CheckpointError(message)
    file.seek(0)


def _contents(file: IO[bytes]) -> tuple[Any, dict[str, Any]]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1 for member in members):
            raise ValueError  # compressed or encrypted: not ours, and a way to hide a bomb
        if archive.getinfo(HEADER).file_size > LONGEST_HEADER:
            raise ValueError
        header = json.loads(archive.read(HEADER))
        arrays = {}
        for member in members:
            if member.filename != HEADER:
                with archive.open(member) as stream:
                    arrays[member.filename.removesuffix(".npy")] = _array(stream, member.file_size)
    return header, arrays


def _array(stream: IO[bytes], size: int) -> Any:
    """One array, whose values are exactly what is left of its member."""
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject or by_columns or math.prod(shape) * dtype.itemsize != size - stream.tell():
        raise ValueError
    made = roomy(shape, dtype)
    lines = made.reshape(-1)
    for rows in bands(lines):
        lines[rows] = np.frombuffer(stream.read(lines[rows].nbytes), dtype).reshape(lines[rows].shape)
    return made
