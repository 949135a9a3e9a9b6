"""What must load nothing heavy, in one process: the import, every command line of `support.refusals`, words alone.

Prints as JSON which modules each of the three has loaded, and what became of the command lines.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys

import styler.cli.app

AT_IMPORT = sorted(sys.modules)
WORDS = ("--help", "--version", "render --help", "features --help", "networks list", "networks path")


def outcome(arguments: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = styler.cli.app.run(arguments)
    return status, out.getvalue(), err.getvalue()


def refused() -> list[tuple[int, str, str]]:
    from support.refusals import REFUSALS

    return [outcome(list(arguments)) for arguments, _ in REFUSALS]


if __name__ == "__main__":
    outcomes = refused()
    after_refusals = sorted(sys.modules)
    told = [outcome(words.split()) for words in WORDS]
    found = {"import": AT_IMPORT, "refusals": after_refusals, "words": sorted(sys.modules)}
    print(json.dumps({"loaded": found, "told": told, "refused": outcomes}))
