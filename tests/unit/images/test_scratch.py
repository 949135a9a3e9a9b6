from __future__ import annotations

import numpy as np
import pytest

from styler.errors import ResourceError
from styler.images import mapped, scratch
from styler.images.picture import Picture
from styler.images.reading import read_image
from styler.images.writing import write_picture
from support.color_profiles import wide as wide_profile
from support.image_files import by_pillow


@pytest.fixture
def no_folder(monkeypatch, tmp_path):
    """No temporary file can be made, as in a container whose root is read-only."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "absent"))


@pytest.fixture
def no_memory(monkeypatch):
    monkeypatch.delattr("os.memfd_create", raising=False)


def test_a_scratch_file_has_no_name_and_can_be_opened_anew():
    with scratch.scratch_file() as file:
        file.write(b"found")
        file.flush()
        assert scratch.path_of(file).read_bytes() == b"found"


@pytest.mark.usefixtures("no_folder")
def test_without_a_folder_it_is_in_memory():
    with scratch.scratch_file() as file:
        file.write(b"found")
        file.flush()
        assert scratch.path_of(file).read_bytes() == b"found"


def test_bytes_have_a_path_for_a_while(monkeypatch):
    with scratch.named(b"profile", ".icc") as path:
        assert path.read_bytes() == b"profile"
    monkeypatch.delattr("os.memfd_create", raising=False)
    with scratch.named(b"profile", ".icc") as path:
        assert (path.read_bytes(), path.suffix) == (b"profile", ".icc")
    assert not path.exists()


@pytest.mark.usefixtures("no_folder", "no_memory")
def test_with_neither_the_error_says_what_to_do():
    with pytest.raises(ResourceError, match="set TMPDIR to a folder"):
        scratch.scratch_file()
    with pytest.raises(ResourceError, match="set TMPDIR to a folder"), scratch.named(b"x", ".icc"):
        pass
    with pytest.raises(ResourceError, match="set TMPDIR to a folder"):
        mapped.mapped((4, 4))


@pytest.fixture
def wide(tmp_path):
    (tmp_path / "wide.png").write_bytes(by_pillow("RGB", "PNG", icc_profile=wide_profile()))
    return tmp_path / "wide.png"


def test_colors_are_converted_without_a_folder_too(wide, request):
    before = read_image(wide)
    request.getfixturevalue("no_folder")
    after = read_image(wide)
    np.testing.assert_array_equal(after.pixels, before.pixels)
    assert after.notes == before.notes


@pytest.mark.usefixtures("no_folder", "no_memory")
def test_colors_are_never_left_as_they_are_for_want_of_one(wide):
    with pytest.raises(ResourceError, match="TMPDIR"):
        read_image(wide)


@pytest.mark.usefixtures("no_folder")
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_pictures_of_16_bits_are_written_without_a_folder(tmp_path, suffix):
    picture = Picture(pixels=np.full((16, 20, 3), 0.25, np.float32), name="x", depth=16)
    path = write_picture(picture, tmp_path / f"a.{suffix}")
    np.testing.assert_allclose(read_image(path).pixels, picture.pixels, atol=1e-4)
