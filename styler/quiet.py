"""Hides the messages that TensorFlow writes to stderr when it starts, unless the caller asked for them.

C++ code writes the first lines before TensorFlow has set up its log. They bypass `sys.stderr` and ignore
`TF_CPP_MIN_LOG_LEVEL`. The file descriptor itself is therefore redirected to a temporary file. Everything else that was
written to it is written to the real stderr at the end.
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
"""If this variable contains a flag that TensorFlow does not know, TensorFlow ends the process. Its last message, which
says so, must then be visible."""

_MESSAGE = re.compile(rb"([IWEF])[0-9]{4} [0-9:.]+ +[0-9]+ [^\]]*\]|[0-9-]{10} [0-9:.]+: ([IWEF]) [^\]]*\]")
_PREFACE = (b"WARNING: All log messages before absl::InitializeLog()", b"To enable the following instructions:")


@contextmanager
def without_messages() -> Iterator[None]:
    """Context in which TensorFlow can be imported, or can look for devices, without its messages.

    If the caller has set a level, it is obeyed; "0" shows everything. Otherwise only fatal messages are shown.
    """
    level = os.environ.get(VARIABLE, FATAL_ONLY)
    if level == "0" or FLAGS in os.environ:
        yield
        return
    try:
        original = os.dup(STREAM)
        captured = _scratch()
    except OSError:  # there is no stderr, or no place for a temporary file
        yield
        return
    with captured:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(captured.fileno(), STREAM)
        try:
            yield
        finally:
            os.dup2(original, STREAM)
            os.close(original)
            captured.seek(0)
            with suppress(OSError):
                os.write(STREAM, b"".join(_wanted(captured.read(), level)))


def _scratch() -> IO[bytes]:
    """Open a file in memory if the system supports that, because there may be no folder for temporary files."""
    return os.fdopen(os.memfd_create("styler"), "w+b") if hasattr(os, "memfd_create") else tempfile.TemporaryFile()


def _wanted(written: bytes, level: str) -> Iterator[bytes]:
    """Yield the lines to show: those of other programs, and TensorFlow's messages of at least the given level."""
    least = int(level) if level.isdigit() else int(FATAL_ONLY)
    for line in written.splitlines(keepends=True):
        found = _MESSAGE.match(line)
        if not line.startswith(_PREFACE) and (found is None or SEVERITIES[found[1] or found[2]] >= least):
            yield line
