"""Runs pytest many times, each time in a new process that does not have to import TensorFlow.

Importing TensorFlow takes longer than most tests. This process imports it once, uses nothing of it, and forks for each
request. That is safe because it has a single thread, which it checks.

A request is one line on standard input: pytest's arguments as a JSON list. The answer is one line on standard output:
the exit status, or a negative signal number. The script's arguments are the limits of one run (processor seconds, wall
seconds, gigabytes of address space) and the file that receives the output of the tests.
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


def main(cpu_seconds: str, wall_seconds: str, gigabytes: str, output: str) -> None:
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        sys.exit(f"{threads} threads are running; expected one, because a fork keeps only one")
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_seconds), int(cpu_seconds)))
            resource.setrlimit(resource.RLIMIT_AS, (int(gigabytes) << 30, int(gigabytes) << 30))
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
