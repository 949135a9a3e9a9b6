"""Which files of folders are images, and under which names."""

from __future__ import annotations

import os

import pytest

from styler.cli.extraction import check_names
from styler.errors import ImageError
from styler.images.photos import MOST_PAINTINGS, Photo, paintings_of, photos_in, style_name
from support.pictures import blobs, saved


@pytest.fixture
def folder(tmp_path):
    """`a.png`, `deep/er/B.JPG`, `deep/plain` without a suffix, and what is no image."""
    photos = tmp_path / "photos"
    (photos / "deep" / "er").mkdir(parents=True)
    saved(photos / "a.png", blobs(8, 8, 1))
    saved(photos / "deep" / "er" / "B.JPG", blobs(8, 8, 2))
    saved(photos / "deep" / "x.png", blobs(8, 8, 3)).rename(photos / "deep" / "plain")
    (photos / ".hidden").mkdir()
    saved(photos / ".hidden" / "h.png", blobs(8, 8, 4))
    for name in ("notes.txt", "deep/README", "._a.png", "empty"):
        (photos / name).write_bytes(b"" if name == "empty" else b"no image")
    return photos


NAMES = ["a.png", "deep/plain", "deep/er/B.JPG"]


def names(*places):
    photos, problems = photos_in(list(places))
    assert not problems
    return [photo.name for photo in photos]


def test_images_of_all_folders_by_their_place_below(folder):
    assert names(folder) == NAMES
    photos, _ = photos_in([folder])
    assert all(photo.path == folder / photo.name for photo in photos)


def test_a_file_stands_for_itself_whatever_it_is(folder):
    assert photos_in([folder / "notes.txt"]) == ([Photo(folder / "notes.txt", "notes.txt")], [])


def test_a_link_that_leads_back_finds_nothing_twice(folder):
    (folder / "deep" / "back").symlink_to(folder)
    (folder / "zz again").symlink_to(folder / "deep")
    (folder / "nowhere").symlink_to(folder / "absent")
    assert names(folder) == NAMES


def test_a_pipe_without_a_suffix_is_passed_over(folder):
    os.mkfifo(folder / "pipe")
    assert names(folder) == NAMES


def test_signs_in_names_mean_nothing(tmp_path):
    strange = tmp_path / "[2024] *~"
    strange.mkdir()
    saved(strange / "[a]\n?.png", blobs(8, 8, 1))
    assert names(strange) == ["[a]\n?.png"]


def test_names_that_are_no_text(tmp_path):
    raw = os.fsencode(tmp_path) + b"/caf\xe9.png"
    saved(tmp_path / "x.png", blobs(8, 8, 1)).rename(os.fsdecode(raw))
    assert [os.fsencode(name) for name in names(tmp_path)] == [b"caf\xe9.png"]


def unreadable(folder):
    """A `scandir` that fails in a folder."""
    real = os.scandir

    def scandir(path):
        if str(path) == str(folder):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    return scandir


def test_a_folder_that_cannot_be_read_is_told(folder, monkeypatch):
    monkeypatch.setattr(os, "scandir", unreadable(folder / "deep" / "er"))
    photos, problems = photos_in([folder])
    assert [photo.name for photo in photos] == ["a.png", "deep/plain"]
    assert [(path, "Permission denied" in reason) for path, reason in problems] == [(str(folder / "deep" / "er"), True)]


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_bytes(b"no image")
    with pytest.raises(ImageError, match="no images in"):
        photos_in([tmp_path])


def test_two_images_of_one_name_are_refused(folder):
    photos, _ = photos_in([folder, folder / "a.png"])
    with pytest.raises(ImageError, match="would get the same archive"):
        check_names(photos)
    check_names(photos[:-1])


def test_the_paintings_of_a_folder_are_its_images(folder):
    said = []
    assert paintings_of(folder, said.append) == tuple(folder / name for name in NAMES)
    assert len(said) == 1
    assert "skipped 5 files that are hidden or no image (.hidden, ._a.png, empty and 2 more)" in said[0]
    assert paintings_of(folder / "a.png", said.append) == (folder / "a.png",)
    assert paintings_of(folder / "absent.png", said.append) == (folder / "absent.png",)
    assert len(said) == 1


def test_a_folder_of_too_few_or_too_many_paintings_is_refused(tmp_path):
    with pytest.raises(ImageError, match=r"expected paintings in the folder .*, got no files"):
        paintings_of(tmp_path)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ImageError, match=r"got 1 file that is hidden or no image \(notes.txt\)"):
        paintings_of(tmp_path)
    for number in range(MOST_PAINTINGS + 1):
        (tmp_path / f"{number}.png").touch()
    with pytest.raises(ImageError, match=f"expected at most {MOST_PAINTINGS} paintings in the folder"):
        paintings_of(tmp_path)


def test_a_folder_of_paintings_in_which_one_cannot_be_read_is_refused(folder, monkeypatch):
    monkeypatch.setattr(os, "scandir", unreadable(folder / "deep" / "er"))
    with pytest.raises(ImageError, match="er: cannot read the folder: Permission denied"):
        paintings_of(folder)


def test_a_style_is_named_by_its_stem_or_its_whole_folder(folder, monkeypatch):
    assert style_name(folder / "a.png") == "a"
    (folder / "van.gogh").mkdir()
    assert style_name(folder / "van.gogh") == "van.gogh"
    monkeypatch.chdir(folder / "van.gogh")
    assert style_name(folder.cwd().relative_to(folder.cwd())) == "van.gogh"
