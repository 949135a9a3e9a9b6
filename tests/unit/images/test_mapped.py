from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import numpy as np
import pytest

from styler.errors import ResourceError
from styler.images import mapped as module
from styler.images.mapped import add, bands, digest, folder_for_files, is_mapped, mapped, new_array, put, release, taken


def resident(array):
    """Bytes of an array in memory, by the kernel's own table."""
    start, total, inside = array.__array_interface__["data"][0], 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        head = line.split()
        if "-" in head[0] and not head[0].endswith(":"):
            low, high = (int(part, 16) for part in head[0].split("-"))
            inside = low < start + array.nbytes and start < high
        elif inside and head[0] == "Rss:":
            total += int(head[1]) * 1024
    return total


@pytest.fixture
def large(tmp_path):
    """8 MiB of numbers, mapped."""
    array = mapped((512, 1024, 4), folder=tmp_path)
    array[:] = np.arange(512, dtype=np.float32)[:, None, None]
    return array


def test_zeros_that_leave_no_name_in_the_folder(tmp_path):
    array = mapped((3, 4, 5), np.uint16, tmp_path)
    assert array.dtype == np.uint16
    assert not array.any()
    assert is_mapped(array[1:, ::2])
    assert not list(tmp_path.iterdir())


def test_released_pages_go_and_their_values_stay(large):
    assert resident(large) >= 0.9 * large.nbytes
    release(large)
    assert resident(large) <= 0.1 * large.nbytes
    assert large[:, 5, 1].tolist() == list(range(512))


@pytest.mark.parametrize(
    "view",
    [lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: a[::-1, ::-1].swapaxes(0, 1), lambda a: a[::-2, ::-3, ::-1]],
    ids=["upside down", "mirrored", "turned", "thinned"],
)
def test_views_that_run_backwards_are_released_too(large, view):
    before = view(large).copy()
    large[:] = large
    release(view(large))
    assert resident(large) <= 0.1 * large.nbytes
    np.testing.assert_array_equal(view(large), before)


def test_only_the_piece_that_a_view_shows_is_released(large):
    large[:] = large
    release(large[255::-1])  # the upper half, from its end
    assert 0.4 * large.nbytes <= resident(large) <= 0.6 * large.nbytes


def test_rows_of_a_ring_are_released_apart(tmp_path):
    ring = mapped((3, 1 << 20), folder=tmp_path)
    ring[:] = np.arange(3)[:, None] + 1
    release(ring[:, : 1 << 19])
    assert 0.4 * ring.nbytes <= resident(ring) <= 0.6 * ring.nbytes
    np.testing.assert_array_equal(ring[:, ::4097].mean(1), [1, 2, 3])


def test_bands_cover_all_rows_and_leave_little_in_memory(large, monkeypatch):
    monkeypatch.setattr(module, "BAND", 2**20)
    release(large)
    most, rows = 0, []
    for band in bands(large):
        large[band].sum()
        most, rows = max(most, resident(large)), rows + list(range(512))[band]
    assert rows == list(range(512))
    assert most <= 2**21


def test_a_rectangle_is_read_and_written_in_bands(large, monkeypatch):
    monkeypatch.setattr(module, "BAND", 2**18)
    rows, columns = slice(10, 400), slice(100, 300)
    copy = taken(large, rows, columns)
    np.testing.assert_array_equal(copy, large[rows, columns])
    add(large, rows, columns, copy)
    np.testing.assert_array_equal(large[rows, columns], 2 * copy)
    put(large, rows, columns, copy)
    np.testing.assert_array_equal(large[rows, columns], copy)
    assert large[9, 0, 0] == 9


def test_arrays_in_memory_are_let_go_without_effect():
    array = np.ones((4, 5, 3), np.float32)
    release(array)
    assert array.all()
    assert not is_mapped(array)
    assert taken(array, slice(1, 3), slice(0, 2)).flags.c_contiguous


def test_only_large_arrays_are_mapped(monkeypatch):
    monkeypatch.setattr(module, "LARGE", 1000)
    assert is_mapped(new_array((250,)))
    assert not is_mapped(new_array((249,)))


def test_without_a_disk_large_arrays_stay_in_memory(monkeypatch):
    monkeypatch.setattr(module, "LARGE", 1000)
    full_disk(monkeypatch, 10)
    assert not is_mapped(new_array((250,)))


def test_a_full_disk_is_refused_with_what_is_needed(tmp_path, monkeypatch):
    full_disk(monkeypatch, 2**20)
    with pytest.raises(ResourceError, match=r"8 MiB are needed .* only 1 MiB"):
        mapped((2, 2**20), folder=tmp_path)


def full_disk(monkeypatch, free):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": free})())


def test_files_go_where_TMPDIR_says(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert folder_for_files() == tmp_path


def test_the_digest_is_that_of_all_values(large, monkeypatch):
    monkeypatch.setattr(module, "BAND", 2**18)
    assert digest(large) == hashlib.sha256(large.tobytes()).hexdigest()
