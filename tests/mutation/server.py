"""Runs pytest again and again, each time in a process of its own that need not import TensorFlow first.

Importing TensorFlow takes longer than most tests. This process imports it, starts nothing of it (a fork of a process
with threads would not be sound), and forks for each line that it reads: a list of pytest's arguments as JSON. It
answers with the exit status, negative where a signal ended it. Limits are arguments of the script: seconds of processor
time, seconds of waiting. What the tests print goes to the file named by the third.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from pathlib import Path

import keras  # noqa: F401
import pytest
import scipy.optimize  # noqa: F401
import tensorflow  # noqa: F401


def main(cpu_seconds: str, wall_seconds: str, output: str) -> None:
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        sys.exit(f"{threads} threads run in the process that is to be forked; one was expected")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_seconds), int(cpu_seconds)))
            signal.alarm(int(wall_seconds))
            _run(json.loads(line), output)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(arguments: list[str], output: str) -> None:
    """Run the tests and end this process."""
    target = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(target, 1)
    os.dup2(target, 2)
    status = 1
    try:
        status = pytest.main(arguments)
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
