from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from styler.errors import ResourceError
from styler.render import buffers as module
from styler.render.buffers import Buffers


def resident(start, size):
    """Bytes in memory of an address range, by the kernel's own table."""
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        head = line.split()
        if "-" in head[0] and not head[0].endswith(":"):
            low, high = (int(part, 16) for part in head[0].split("-"))
            inside = low < start + size and start < high
        elif inside and head[0] == "Rss:":
            total += int(head[1]) * 1024
    return total


def test_arrays_are_zeros_and_counted(tmp_path):
    buffers = Buffers(tmp_path)
    image, moves = buffers.zeros("image", (4, 5, 3)), buffers.zeros("moves", (2, 60))
    assert not image.any()
    assert not moves.any()
    assert buffers.sizes == {"image": 240, "moves": 480}
    assert buffers.mapped == {"moves"}


def test_without_a_folder_all_stays_in_memory():
    buffers = Buffers()
    buffers.zeros("moves", (2, 60))[:] = 3
    assert not buffers.mapped


def test_mapped_pages_go_and_their_values_stay(tmp_path):
    buffers = Buffers(tmp_path)
    array = buffers.zeros("moves", (3, 1 << 20))
    array[:] = np.arange(3)[:, None] + 1
    start, size = array.__array_interface__["data"][0], array.nbytes
    assert resident(start, size) > 0.9 * size
    for cut in (slice(0, 1 << 19), slice(1 << 19, None)):
        buffers.release(array[:, cut])
    assert resident(start, size) < 0.1 * size
    np.testing.assert_array_equal(array[:, ::4097].mean(1), [1, 2, 3])


def test_nothing_is_left_in_the_folder(tmp_path):
    buffers = Buffers(tmp_path)
    buffers.zeros("moves", (2, 60))
    assert not list(tmp_path.iterdir())


def test_arrays_in_memory_can_be_let_go_without_effect():
    array = np.ones((4, 5, 3), np.float32)
    Buffers().release(array)
    assert array.all()


def test_a_full_disk_is_refused_with_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 2**20})())
    with pytest.raises(ResourceError, match=r"has 1 MiB free and 8 MiB are needed"):
        Buffers(tmp_path).zeros("moves", (2, 2**20))
