"""Image files that nobody here made: collections by which other programs are tested, compared with other readers.

The collections are not part of the repository. `STYLER_PUBLIC_IMAGES` names a folder that has one folder for each, as
`git clone` leaves them; `STYLER_PUBLIC_PIXELS` is the most pixels of a file that is compared.

`STYLER_PUBLIC_IMAGES=… pytest -n 0 -s -m slow tests/integration/test_public_images.py` prints the table of
`docs/images.md`.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests" / "support" / "compare_all.py"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests")))}
FOLDER = os.environ.get("STYLER_PUBLIC_IMAGES", "")
COLLECTIONS = sorted(path for path in Path(FOLDER).iterdir() if path.is_dir()) if FOLDER else []
FINE = ("same", "noted", "alone", "refused", "named", "large")
FEWEST = 3000  # files that are compared or refused

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not COLLECTIONS, reason="STYLER_PUBLIC_IMAGES names no folder of public test collections"),
]


@pytest.fixture(scope="module")
def counts():
    return {}


def outcomes(folder):
    """[path, kind, outcome, reader or reason, notes] of each file, by a process of its own."""
    words = [sys.executable, str(PROGRAM), str(folder)]
    done = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-500:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("folder", COLLECTIONS, ids=[path.name for path in COLLECTIONS])
def test_nothing_is_lost_without_a_word(folder, counts):
    found = outcomes(folder)
    counts[folder.name] = collections.Counter(outcome for _, _, outcome, _, _ in found)
    print(f"\n| {folder.name} | {len(found)} |", " | ".join(str(counts[folder.name][word]) for word in FINE), "|")
    assert [each for each in found if each[2] not in FINE] == []


def test_there_are_enough(counts):
    """The last of the file, when all collections are counted."""
    total = sum((count for count in counts.values()), collections.Counter())
    assert total.total() - total["large"] >= FEWEST
