"""Record the progress of a batch in an append-only JSON Lines file in the output folder.

Each change of a job's state adds one line. The line is on the disk (fsync) before the batch continues. If a crash
leaves an incomplete line, the next start removes it. The file is locked while a batch runs; the operating system
releases the lock when the process ends, even after a crash.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from styler.errors import BatchError, shown

FILENAME = "styler-ledger.jsonl"
VERSION = 1
HEADER = {"styler_ledger": VERSION}
STARTED = "started"
DONE = "done"
RETRYING = "retrying"
FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The last state of a job.

    Attributes:
        job: Name of the job's output.
        state: "started", "done", "retrying" or "failed".
        recipe: Hash of everything that the picture depends on.
        facts: Other values of the line, such as times, the checksum of the output, or an error.
        before: The latest "done" entry of the job if its state has changed since; that picture may still exist.
    """

    job: str
    state: str
    recipe: str
    facts: dict[str, Any] = field(default_factory=dict)
    before: Entry | None = None

    @property
    def finished(self) -> Entry | None:
        """The latest "done" entry of the job, or None if the job was never done."""
        return self if self.state == DONE else self.before

    def after(self, other: Entry | None) -> Entry:
        """Return this entry with the "done" entry that came before it."""
        return self if other is None or self.state == DONE else replace(self, before=other.finished)


class Ledger:
    """An open, locked ledger; use `opened_ledger`.

    Args:
        stream: The ledger file, open for reading and appending.
        entries: The latest entry of each job, by job name.
    """

    def __init__(self, stream: BinaryIO, entries: dict[str, Entry]) -> None:
        self._stream = stream
        self.entries = entries

    def append(self, entry: Entry) -> None:
        """Add a line and wait until it is on the disk.

        Raises:
            BatchError: The line cannot be written, for example because the disk is full.
        """
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "job": entry.job, "state": entry.state, "recipe": entry.recipe, **entry.facts}
        _write(self._stream, line)
        self.entries[entry.job] = entry.after(self.entries.get(entry.job))


@contextmanager
def opened_ledger(folder: Path) -> Iterator[Ledger]:
    """Lock, repair and read the ledger of an output folder; create an empty one if there is none.

    Raises:
        BatchError: Another batch is running in this folder, or the file is not a ledger or cannot be written.
    """
    path = folder / FILENAME
    try:
        stream = path.open("a+b")
    except OSError as cause:
        message = f"cannot write {shown(path)}: {cause.strerror}"
        raise BatchError(message) from cause
    with stream:
        _lock(stream, path)
        entries = _repaired(stream, path)
        yield Ledger(stream, entries)


def read_ledger(folder: Path) -> dict[str, Entry]:
    """Read the latest entry of each job without locking or changing the file; empty if there is no ledger.

    Raises:
        BatchError: The file is not a ledger or cannot be read.
    """
    path = folder / FILENAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as cause:
        message = f"cannot read {shown(path)}: {cause.strerror}"
        raise BatchError(message) from cause
    return _entries(content[: _sound_length(content)], path)


def _lock(stream: BinaryIO, path: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as cause:
        message = f"another batch is running in {shown(path.parent)}; wait until it ends or choose another -o"
        raise BatchError(message) from cause


def _repaired(stream: BinaryIO, path: Path) -> dict[str, Entry]:
    """Cut off an incomplete end, write the header if there is none, and read the entries."""
    stream.seek(0)
    content = stream.read()
    sound = content[: _sound_length(content)]
    entries = _entries(sound, path)
    if len(sound) < len(content):
        stream.truncate(len(sound))
        os.fsync(stream.fileno())
    if not sound:
        _write(stream, HEADER)
    return entries


def _sound_length(content: bytes) -> int:
    """Return the number of bytes up to the end of the last complete line; a crash may leave garbage after it."""
    end = len(content)
    while end:
        start = content.rfind(b"\n", 0, end - 1) + 1
        if content[end - 1 : end] == b"\n" and _parsed(content[start:end]) is not None:
            return end
        end = start
    return 0


def _entries(content: bytes, path: Path) -> dict[str, Entry]:
    lines = content.splitlines()
    if lines and _parsed(lines[0]) != HEADER:
        message = f"{shown(path)} is not a ledger of this version of styler; move it away or choose another -o"
        raise BatchError(message)
    found: dict[str, Entry] = {}
    for line in lines[1:]:
        entry = _entry(_parsed(line))
        if entry is not None:
            found[entry.job] = entry.after(found.get(entry.job))
    return found


def _entry(line: dict[str, Any] | None) -> Entry | None:
    """Return the entry of a line, or None for a damaged line, which is then ignored."""
    names = ("job", "state", "recipe")
    if line is None or not all(isinstance(line.get(name), str) for name in names):
        return None
    facts = {name: value for name, value in line.items() if name not in names}
    return Entry(
        job=line["job"],
        state=line["state"],
        recipe=line["recipe"],
        facts=facts,
    )


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _encoded(line: dict[str, Any]) -> bytes:
    """Encode a line as JSON in UTF-8, or in ASCII if a name has bytes that are not valid UTF-8."""
    try:
        return json.dumps(line, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(line).encode()


def _write(stream: BinaryIO, line: dict[str, Any]) -> None:
    try:
        stream.write(_encoded(line) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    except OSError as cause:
        message = f"cannot write the ledger: {cause.strerror}; free some disk space and run the same command again"
        raise BatchError(message) from cause
