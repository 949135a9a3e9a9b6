"""Run every command line of `support.refusals` in one process and print what became of each as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import sys

from styler.cli.app import run
from support.refusals import REFUSALS

HEAVY = ("tensorflow", "keras", "scipy", "tqdm")


def outcome(arguments: tuple[str, ...]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(list(arguments))
    return status, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    outcomes = [outcome(arguments) for arguments, _ in REFUSALS]
    print(json.dumps({"outcomes": outcomes, "heavy": [name for name in HEAVY if name in sys.modules]}))
