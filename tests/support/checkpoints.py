"""Checkpoints for tests, honest ones and such whose checksum is right and whose contents are not."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable

import numpy as np

from styler.render.checkpoint import COMMENT, DIGITS, LAYOUT, NO_DIGEST, Checkpoint
from styler.render.snapshot import Position, Snapshot

POSITION = Position(
    octave=1,
    made=3,
    done=20,
    reason="",
    stop_reason="steps",
    setbacks=0,
    seconds=1.5,
    rows=({"height": 10, "width": 20, "loss": 0.25},),
)
ARRAYS = {
    "state.image": np.random.default_rng(0).random((1, 5, 6, 3), np.float32),
    "state.cross": np.eye(3),
    "state.known": np.array([True, False]),
    "state.steps": np.array(7, np.int32),
    "watch.best": np.array(np.inf, np.float32),
}


def example() -> Checkpoint:
    return Checkpoint(job={"content": "photo.png"}, snapshot=Snapshot(position=POSITION, arrays=ARRAYS))


def signed(fill: Callable[[zipfile.ZipFile], object]) -> bytes:
    """An archive of anything with a checkpoint's comment and the right digest."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = COMMENT.format(LAYOUT, NO_DIGEST).encode()
        fill(archive)
    return resigned(file.getvalue())


def resigned(data: bytes) -> bytes:
    """The same bytes with a right digest in place of the last ones."""
    kept = data[:-DIGITS]
    return kept + hashlib.sha256(kept + NO_DIGEST.encode()).hexdigest().encode()
