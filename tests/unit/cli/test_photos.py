"""Which files of folders are images, and under which names."""

from __future__ import annotations

import os

import pytest

from styler.cli.photos import Photo, check_names, photos_in
from styler.errors import ImageError
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


def test_a_folder_that_cannot_be_read_is_told(folder, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("er"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
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
