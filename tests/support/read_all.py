"""Read every path of a JSON list on standard input in this process; print what became of each, one JSON line each.

A crash of a decoder kills this process and not the tests. Lines are [index, outcome, message, seconds, peak bytes]:
"read" or the class of the error; seconds of the processor, since the machine may be busy; the peak of the process so
far.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time
from pathlib import Path

from styler.cli.app import run
from styler.images.reading import check_readable, read_image
from styler.images.recipes import read_recipe


def outcome(path: str) -> tuple[str, str]:
    try:
        size = check_readable(path)
        picture = read_image(path)
    except Exception as error:
        return type(error).__name__, str(error)
    if picture.size != size:
        return "Mismatch", f"{size} in the header, {picture.size} in the picture"
    return "read", " ".join(picture.notes)


def recipe_outcome(path: str) -> tuple[str, str]:
    try:
        return "recipe", str(read_recipe(path))
    except Exception as error:
        return type(error).__name__, str(error)


def command_outcome(path: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(["render", "--dry-run", "-o", "out.png", "--", path, path])
    return str(status), err.getvalue()


def peak_memory() -> int:
    """Bytes; not by getrusage where it can be helped, which counts the process that this one was forked from."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if "VmHWM" in line)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    ways = {"read": outcome, "recipe": recipe_outcome, "command": command_outcome}
    way = ways[sys.argv[1]]
    for index, path in enumerate(json.load(sys.stdin)):
        before = time.process_time()
        found = way(path)
        print(json.dumps([index, *found, round(time.process_time() - before, 3), peak_memory()]), flush=True)
