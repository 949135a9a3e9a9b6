"""Archives of activations are whole, hold any key, and say how they were made."""

from __future__ import annotations

import numpy as np
import pytest

from styler.errors import OutputError
from styler.features.archive import LONGEST_NOTE, check_archive, read_origin, write_archive


def test_any_key_and_any_shape_comes_back(tmp_path, rng):
    path = tmp_path / "x.npz"
    arrays = {
        "file": rng.random((1, 4, 5, 3), np.float32),  # the name of an argument of np.savez
        "backbone/c1:0": np.asfortranarray(rng.random((3, 4))),
        "it's, *odd*": np.zeros((0, 2), np.float16),
        "count": np.array(3),
    }
    write_archive(path, arrays)
    with np.load(path) as archive:
        assert archive.files == list(arrays)
        for key, array in arrays.items():
            np.testing.assert_array_equal(archive[key], array)
            assert archive[key].dtype == array.dtype


def test_the_origin_is_kept_out_of_the_arrays(tmp_path):
    path = tmp_path / "x.npz"
    origin = {"layers": {"a": "b"}, "size": None, "image": {"name": "bad \udcff name"}}
    write_archive(path, {"a": np.zeros(2)}, origin=origin)
    assert read_origin(path) == origin
    assert np.load(path).files == ["a"]


def test_equal_contents_are_equal_bytes(tmp_path, rng):
    array = rng.random((2, 3))
    for name in ("a.npz", "b.npz"):
        write_archive(tmp_path / name, {"x": array}, origin={"size": 3})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("contents", [b"", b"no archive", b"PK\x03\x04 broken"])
def test_other_files_have_no_origin(tmp_path, contents):
    path = tmp_path / "x.npz"
    path.write_bytes(contents)
    assert read_origin(path) is None


def test_archives_of_other_programs_have_no_origin(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.zeros(2))
    assert read_origin(tmp_path / "x.npz") is None


def test_nothing_is_replaced_unasked_and_nothing_half_is_left(tmp_path):
    path = tmp_path / "x.npz"
    write_archive(path, {"a": np.zeros(2)})
    before = path.read_bytes()
    with pytest.raises(OutputError, match="--overwrite"):
        write_archive(path, {"a": np.ones(2)})
    with pytest.raises(ValueError, match="pickle"):
        write_archive(path, {"a": np.ones(2), "b": np.array([object()])}, overwrite=True)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["x.npz"]


def test_options_too_long_for_an_archive_are_refused(tmp_path):
    with pytest.raises(OutputError, match="use a pattern"):
        write_archive(tmp_path / "x.npz", {}, origin={"layers": "x" * LONGEST_NOTE})


def test_names_are_checked_before_the_work(tmp_path):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "there.npz").write_bytes(b"mine")
    table = {
        "x.txt": "expected a name that ends in .npz",
        "folder.npz": "it is a folder",
        "no/x.npz": "does not exist; create it first",
        "there.npz": "already exists",
    }
    for name, message in table.items():
        with pytest.raises(OutputError, match=message):
            check_archive(tmp_path / name, overwrite=False)
    check_archive(tmp_path / "there.npz", overwrite=True)
