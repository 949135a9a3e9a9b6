"""Handle standard streams: reopen closed ones, read a photo from one, and write a picture to one."""

from __future__ import annotations

import os
import select
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import IO

from styler.errors import ConfigError, ImageError, OutputError, StylerError, reworded

STREAM = Path("-")  # stands for standard input or output on the command line
INPUTS = (STREAM, *map(Path, ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")))
OUTPUTS = (STREAM, *map(Path, ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")))
INPUT = "standard input"
OUTPUT = "standard output"
MOST_BYTES = 2**32  # largest photo to read from a pipe, which may never end; no readable file is larger


def open_missing() -> None:
    """Connect closed standard streams to the null device.

    Otherwise, a file that is opened later would take the place of the closed stream, and messages would be written to
    that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
                os.set_inheritable(number, True)  # the worker processes of a batch need it too
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  for as long as we run


def output_problem() -> OSError | None:
    """Flush standard output. If that fails, return the error and connect standard output to the null device."""
    try:
        sys.stdout.flush()
    except OSError as problem:
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
        return problem
    return None


def is_unread() -> bool:
    """Whether standard output is a pipe whose reader is gone."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(1, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


@contextmanager
def content_file(content: Path) -> Iterator[Path]:
    """Provide the photo as a file that can be read more than once, even if it comes from standard input.

    Errors about a photo from standard input call it "standard input".

    Raises:
        ImageError: Standard input is closed, a terminal, empty, too large or unreadable.
    """
    if content not in INPUTS:
        yield content
        return
    with _spooled() as path:
        try:
            yield path
        except StylerError as problem:
            text = str(problem)
            if str(path) not in text:
                raise
            raise reworded(problem, text.replace(str(path), INPUT)) from problem


@contextmanager
def _spooled() -> Iterator[Path]:
    """Copy standard input to an unnamed file, or to a temporary folder if unnamed files have no path here."""
    from styler.images.scratch import DESCRIPTORS, scratch_file  # imports NumPy, which --help does not need

    if DESCRIPTORS.is_dir():
        with scratch_file() as file:
            _fill(file)
            yield DESCRIPTORS / str(file.fileno())
        return
    with tempfile.TemporaryDirectory(prefix="styler-") as folder:
        path = Path(folder) / INPUT.replace(" ", "-")
        with path.open("wb") as file:
            _fill(file)
        yield path


def _fill(file: IO[bytes]) -> None:
    if sys.__stdin__ is None:
        message = f"cannot read {INPUT}: it is closed; pipe a photo into it or name a file"
        raise ImageError(message)
    if sys.stdin.isatty():
        message = f"cannot read {INPUT}: it is a terminal; pipe a photo into it or name a file"
        raise ImageError(message)
    try:
        while data := sys.stdin.buffer.read(2**20):
            file.write(data)
            if file.tell() > MOST_BYTES:
                message = f"cannot read {INPUT}: expected a photo of at most {MOST_BYTES // 2**30} GiB"
                raise ImageError(message)
        file.flush()
    except OSError as cause:
        message = f"cannot read {INPUT}: {cause.strerror or cause}"
        raise ImageError(message) from cause
    if not file.tell():
        message = f"cannot read {INPUT}: expected a photo, got no data"
        raise ImageError(message)


@contextmanager
def picture_stream(output: Path | None) -> Iterator[IO[bytes] | None]:
    """Reserve standard output for the picture; yield None if the picture goes to a file.

    Until the block ends, everything that is printed goes to standard error, including output of other libraries.

    Raises:
        OutputError: Standard output is closed or is a terminal.
    """
    if output not in OUTPUTS:
        yield None
        return
    if sys.__stdout__ is None or sys.stdout.isatty():
        state = "closed" if sys.__stdout__ is None else "a terminal"
        message = (
            f"cannot write to {OUTPUT}: it is {state}; redirect it to a file or a program, or name a file with --output"
        )
        raise OutputError(message)
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with (
            open(
                kept,
                "wb",
                closefd=False,
                buffering=0,
            ) as stream,
            redirect_stdout(sys.stderr),
        ):
            yield stream
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def send(file: IO[bytes], stream: IO[bytes]) -> None:
    """Write a whole file to standard output.

    Raises:
        OutputError: The reader is gone, or the disk is full.
    """
    file.seek(0)
    try:
        while data := file.read(2**20):
            view = memoryview(data)
            while view:  # a pipe may accept only a part
                view = view[stream.write(view) :]
    except OSError as cause:
        message = f"cannot write to {OUTPUT}: {cause.strerror or cause}"
        raise OutputError(message) from cause


def check_content(content: Path, styles: Sequence[Path], output: Path | None) -> None:
    """Check that standard input is used for the photo only and that the picture then has a name.

    Raises:
        ConfigError: A painting is standard input, or the photo is standard input and there is no output.
    """
    if any(style in INPUTS for style in styles):
        message = f"only CONTENT can be {INPUT}; name a file for each painting"
        raise ConfigError(message)
    if content in INPUTS and output is None:
        message = f"the photo from {INPUT} has no name for the picture; pass --output FILE, or {STREAM} for {OUTPUT}"
        raise ConfigError(message)


def check_is_file(path: Path | None, option: str) -> None:
    """Check that a path is a file and not a standard stream.

    Raises:
        ConfigError: The path is a standard stream.
    """
    if path == STREAM:
        message = f"{option}: expected a file, got {STREAM}; only CONTENT and --output can be standard streams"
        raise ConfigError(message)
