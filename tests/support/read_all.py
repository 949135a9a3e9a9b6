"""Read every path of a JSON list on standard input in this process; print what became of each, one JSON line each.

A crash of a decoder kills this process and not the tests. Lines are [index, outcome, message, seconds, peak bytes]:
"read" or the class of the error, the peak being that of the process so far.
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time

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


if __name__ == "__main__":
    ways = {"read": outcome, "recipe": recipe_outcome, "command": command_outcome}
    way = ways[sys.argv[1]]
    for index, path in enumerate(json.load(sys.stdin)):
        before = time.monotonic()
        found = way(path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps([index, *found, round(time.monotonic() - before, 3), peak]), flush=True)
