"""Standard streams: made good where one is closed; a photo that comes in, a picture that goes out."""

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

STREAM = Path("-")  # what users type for either of them
INPUTS = (STREAM, *map(Path, ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")))
OUTPUTS = (STREAM, *map(Path, ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")))
INPUT, OUTPUT = "standard input", "standard output"
MOST_BYTES = 2**32  # of a photo: more than any file that is read here can have, and a pipe may never end


def open_missing() -> None:
    """Have closed standard streams lead to nowhere.

    A file that is opened later would take the place of one that is missing, and messages would be printed into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
                os.set_inheritable(number, True)  # for the processes of a batch, which would be in the same need
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  for as long as we run


def output_problem() -> OSError | None:
    """What keeps standard output from taking what was printed; None if it has. It leads to nowhere from then on."""
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
    """Whether standard output is a pipe that nobody reads any more."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(1, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


@contextmanager
def content_file(content: Path) -> Iterator[Path]:
    """A photo as a file that can be read more than once: itself, or what came through standard input.

    Raises:
        ImageError: Nothing comes in. An error about the file calls it by its name.
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
    """Standard input in a file without a name; where that has no path, in a temporary folder."""
    from styler.images.scratch import DESCRIPTORS, scratch_file  # with NumPy, which help does without

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
                message = f"cannot read {INPUT}: a photo of at most {MOST_BYTES // 2**30} GiB was expected"
                raise ImageError(message)
        file.flush()
    except OSError as cause:
        message = f"cannot read {INPUT}: {cause.strerror or cause}"
        raise ImageError(message) from cause
    if not file.tell():
        message = f"cannot read {INPUT}: it is empty; a photo was expected"
        raise ImageError(message)


@contextmanager
def picture_stream(output: Path | None) -> Iterator[IO[bytes] | None]:
    """Standard output for a picture alone, None where it goes into a file.

    Whatever is printed meanwhile, by whomever, goes to standard error.

    Raises:
        OutputError: Standard output is closed, or is a terminal.
    """
    if output not in OUTPUTS:
        yield None
        return
    if sys.__stdout__ is None or sys.stdout.isatty():
        state = "closed" if sys.__stdout__ is None else "a terminal"
        message = f"cannot write to {OUTPUT}: it is {state}; send it into a file or a program, or name an --output"
        raise OutputError(message)
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with open(kept, "wb", closefd=False, buffering=0) as stream, redirect_stdout(sys.stderr):
            yield stream
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def send(file: IO[bytes], stream: IO[bytes]) -> None:
    """Write a whole file to standard output.

    Raises:
        OutputError: Whoever was to read it is gone, or it is full.
    """
    file.seek(0)
    try:
        while data := file.read(2**20):
            view = memoryview(data)
            while view:  # a pipe may take a part of it
                view = view[stream.write(view) :]
    except OSError as cause:
        message = f"cannot write to {OUTPUT}: {cause.strerror or cause}"
        raise OutputError(message) from cause


def check_content(content: Path, styles: Sequence[Path], output: Path | None) -> None:
    """Refuse what standard input cannot be.

    Raises:
        ConfigError: A painting, or a photo whose picture would have no name.
    """
    if any(style in INPUTS for style in styles):
        message = f"{INPUT} is read as CONTENT alone; name a file for each painting"
        raise ConfigError(message)
    if content in INPUTS and output is None:
        message = f"CONTENT is {INPUT}, which gives the picture no name; give one by --output, or {STREAM} for {OUTPUT}"
        raise ConfigError(message)


def check_is_file(path: Path | None, option: str) -> None:
    """Refuse a standard stream where a file is needed.

    Raises:
        ConfigError: It is one.
    """
    if path == STREAM:
        message = f"{option}: a file was expected, got {STREAM}; only CONTENT and --output may be standard streams"
        raise ConfigError(message)
