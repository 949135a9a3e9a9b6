"""A control group with a limit of memory, where this machine lets us have one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MOUNTS = Path("/sys/fs/cgroup")


class NoGroup(OSError):
    """This machine does not let us make one; says why."""


@contextmanager
def memory_group(limit: int) -> Iterator[Path]:
    """A group below the own one, gone at the end; processes enter by writing their number to `cgroup.procs`."""
    folder, name = _own()
    made = folder / f"styler-test-{os.getpid()}"
    try:
        made.mkdir()
        (made / name).write_text(str(limit))
    except OSError as cause:
        with suppress(OSError):
            made.rmdir()
        raise NoGroup(f"cannot make a control group: {cause}") from cause
    try:
        yield made
    finally:
        for _ in range(50):  # the kernel empties it some time after its last process
            with suppress(OSError):
                made.rmdir()
                break
            time.sleep(0.1)


def _own() -> tuple[Path, str]:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return MOUNTS / "memory" / path.lstrip("/"), "memory.limit_in_bytes"
        if number == "0" and (MOUNTS / path.lstrip("/") / "memory.max").exists():
            return MOUNTS / path.lstrip("/"), "memory.max"
    raise NoGroup("no control group counts memory here")


def entering(group: Path) -> list[str]:
    """The beginning of a command that runs within the group."""
    return ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
