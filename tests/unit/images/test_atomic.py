from __future__ import annotations

import errno
import os
import resource
import signal

import pytest

from styler.errors import OutputError
from styler.images import atomic
from styler.images.atomic import write_atomically


def write(path, data=b"new", **options):
    write_atomically(path, lambda file: file.write(data), **options)


def test_the_contents_arrive_and_nothing_else(tmp_path):
    write(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_file_that_came_up_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "a.png"

    def fill(file):
        path.write_bytes(b"theirs")
        file.write(b"new")

    with pytest.raises(OutputError, match="came into being meanwhile"):
        write_atomically(path, fill)
    assert path.read_bytes() == b"theirs"
    write_atomically(path, fill, overwrite=True)
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.png"]


def test_where_links_cannot_be_made_it_renames(tmp_path, monkeypatch):
    def no_links(*_args, **_settings):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(atomic.os, "link", no_links)
    write(tmp_path / "a.png")
    with pytest.raises(OutputError, match="came into being meanwhile"):
        write(tmp_path / "a.png")
    assert os.listdir(tmp_path) == ["a.png"]


def test_overwriting_a_link_leaves_its_target_alone(tmp_path):
    (tmp_path / "target.png").write_bytes(b"theirs")
    (tmp_path / "a.png").symlink_to("target.png")
    write(tmp_path / "a.png", overwrite=True)
    assert (tmp_path / "target.png").read_bytes() == b"theirs"
    assert (tmp_path / "a.png").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["ü" * 119 + ".png", "\U0001f3a8" * 59 + ".png", " .png", "a\nb.png"])
def test_any_name_will_do(tmp_path, name):
    write(tmp_path / name)
    assert os.listdir(tmp_path) == [name]


def test_a_full_disk_harms_no_previous_file(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"mine")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        with pytest.raises(OutputError, match=r"cannot write .*a\.png: File too large"):
            write(path, bytes(100_000), overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_whatever_stops_it_leaves_nothing_half_done(tmp_path, error):
    def fill(file):
        file.write(b"half")
        raise error

    with pytest.raises(error):
        write_atomically(tmp_path / "a.png", fill)
    assert os.listdir(tmp_path) == []


def test_file_and_folder_are_synced(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(atomic.os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_mode))
    write(tmp_path / "a.png")
    assert [oct(mode >> 12) for mode in synced] == ["0o10", "0o4"]  # a file, then a folder
