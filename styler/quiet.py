"""Keeps back what TensorFlow writes to the error stream when it starts, as far as nobody has asked for it.

The first lines come from C++ before TensorFlow has set up its log, and go past both `sys.stderr` and the level that
`TF_CPP_MIN_LOG_LEVEL` asks for. So the stream itself is turned aside meanwhile; whatever else was written to it follows
at the end.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

VARIABLE = "TF_CPP_MIN_LOG_LEVEL"
FATAL_ONLY = "3"
SEVERITIES = {b"I": 0, b"W": 1, b"E": 2, b"F": 3}
STREAM = 2
FLAGS = "TF_XLA_FLAGS"
"""What TensorFlow ends the process over if it does not know a word of it; then its last line must be seen."""

_MESSAGE = re.compile(rb"([IWEF])[0-9]{4} [0-9:.]+ +[0-9]+ [^\]]*\]|[0-9-]{10} [0-9:.]+: ([IWEF]) [^\]]*\]")
_PREFACE = (b"WARNING: All log messages before absl::InitializeLog()", b"To enable the following instructions:")


@contextmanager
def without_messages() -> Iterator[None]:
    """Within, TensorFlow may be imported, or look for devices, for the first time.

    A level that the caller has set is obeyed: "0" shows everything. Where none is set, only what ends the process is.
    """
    level = os.environ.get(VARIABLE, FATAL_ONLY)
    if level == "0" or FLAGS in os.environ:
        yield
        return
    try:
        kept, aside = os.dup(STREAM), _scratch()
    except OSError:  # no error stream, or nowhere to keep what it gets
        yield
        return
    with aside:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(aside.fileno(), STREAM)
        try:
            yield
        finally:
            os.dup2(kept, STREAM)
            os.close(kept)
            aside.seek(0)
            with suppress(OSError):
                os.write(
                    STREAM,
                    b"".join(_wanted(aside.read(), level)),
                )


def _scratch() -> IO[bytes]:
    """A file in memory where the system has such, since there may be no folder for temporary ones."""
    return os.fdopen(os.memfd_create("styler"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()


def _wanted(written: bytes, level: str) -> Iterator[bytes]:
    least = int(level) if level.isdigit() else int(FATAL_ONLY)
    for line in written.splitlines(keepends=True):
        found = _MESSAGE.match(line)
        if not line.startswith(_PREFACE) and (found is None or SEVERITIES[found[1] or found[2]] >= least):
            yield line
