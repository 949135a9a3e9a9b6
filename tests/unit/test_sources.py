from __future__ import annotations

import hashlib

import pytest

from styler.sources import Source, identified, source_of

DATA = bytes(range(256)) * 5000


def test_a_file_is_known_by_name_contents_and_length(tmp_path):
    path = tmp_path / "größe 1.bin"
    path.write_bytes(DATA)
    assert source_of(path) == Source("größe 1.bin", hashlib.sha256(DATA).hexdigest(), len(DATA))


def test_an_open_file_is_taken_from_its_beginning(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        file.read(1000)
        assert identified(file, "b") == source_of(path)._replace(name="b")


def test_what_is_absent_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        source_of(tmp_path / "absent")
