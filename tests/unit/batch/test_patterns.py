from __future__ import annotations

import os
import time
import unicodedata
from pathlib import Path

import pytest

from styler.batch import patterns
from styler.batch.patterns import existing, matches
from styler.errors import ConfigError

LATIN = os.fsdecode(b"caf\xe9.jpg")


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Makes empty files of these names and their folders."""
    monkeypatch.chdir(tmp_path)

    def make(*names):
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).touch()
        return tmp_path

    return make


def names(pattern, base=None, **settings):
    return [str(path) for path in matches(pattern, base, **settings)]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.jpg", ["in/a.jpg", "in/b.jpg"]),
        ("in/?.jpg", ["in/a.jpg", "in/b.jpg"]),
        ("in/[!a].jpg", ["in/b.jpg"]),
        ("*/*.jpg", ["in/a.jpg", "in/b.jpg"]),
        ("**/*.jpg", ["in/a.jpg", "in/b.jpg", "in/deep/c.jpg", "in/deep/er/d.jpg"]),
        ("in/**/er/*", ["in/deep/er/d.jpg"]),
        ("in/deep/**", ["in/deep/c.jpg", "in/deep/er/d.jpg"]),
        ("in/**/**/c.jpg", ["in/deep/c.jpg"]),
        ("in/.*/*.jpg", ["in/.hidden/e.jpg"]),
        ("in/.hidden/*", ["in/.hidden/e.jpg"]),
    ],
)
def test_globs(made, pattern, expected):
    root = made("in/a.jpg", "in/b.jpg", "in/deep/c.jpg", "in/deep/er/d.jpg", "in/.hidden/e.jpg")
    (root / "in" / "folder.jpg").mkdir()
    assert names(pattern) == expected
    assert names(str(root / pattern)) == [str(root / name) for name in expected]
    assert names(pattern, root) == [str(root / name) for name in expected]


@pytest.mark.parametrize("folder", ["shoot [2024]", "[client]", "what?", "a*b", "~", "{x}", "-n", "a\nb", " c "])
def test_a_folder_may_be_called_anything(made, folder):
    root = made(f"{folder}/photos/a.jpg")
    assert names("photos/*.jpg", root / folder) == [str(root / folder / "photos/a.jpg")]
    assert names(f"{folder}/photos/*.jpg") == [f"{folder}/photos/a.jpg"]


@pytest.mark.parametrize(
    "name", ["[1].jpg", "a|b.jpg", "who is it?.jpg", "M*A*S*H.jpg", "~x.jpg", "-a.jpg", ".a.jpg", "a\tb.jpg", "a .jpg "]
)
def test_a_file_that_is_there_stands_for_itself_whatever_signs_are_in_its_name(made, name):
    made(name, "1.jpg", "who is itx.jpg", "MASH.jpg")
    assert names(name, present=True) == [name]


def test_a_glob_stays_one_where_somebodys_file_is_called_so(made):
    made("*.jpg", "a.jpg")
    assert names("*.jpg") == ["*.jpg", "a.jpg"]


def test_brackets_that_match_nothing_are_explained(made):
    made("x.jpg")
    with pytest.raises(ConfigError, match=r"'\[2024\]/\*.jpg'.* \[\[\]"):
        matches("[2024]/*.jpg")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("sub/a.jpg", "sub\\a.jpg"),
        ("a.jpg", "  a.jpg "),
        (unicodedata.normalize("NFC", "Büro.jpg"), unicodedata.normalize("NFD", "Büro.jpg")),
        (unicodedata.normalize("NFD", "Büro.jpg"), unicodedata.normalize("NFC", "Büro.jpg")),
        (LATIN, "café.jpg"),
        (LATIN, LATIN),
        (f"in/{LATIN}", "in\\café.jpg"),
    ],
)
def test_names_as_other_systems_write_them(made, name, written):
    made(name)
    assert names(written, present=True) == [name]


def test_globs_as_other_systems_write_them(made):
    made(f"photos/{LATIN}", f"photos/{LATIN}x")
    assert names("photos\\*.jpg") == [f"photos/{LATIN}"]
    assert names("photos/café*") == [f"photos/{LATIN}", f"photos/{LATIN}x"]


def test_a_tilde_is_a_home_unless_a_file_is_called_so(made, monkeypatch):
    root = made("home/a.jpg")
    monkeypatch.setenv("HOME", str(root / "home"))
    assert names("~/a.jpg") == names("~/*.jpg") == [str(root / "home/a.jpg")]
    assert names("~nobody-of-this-name/a.jpg") == ["~nobody-of-this-name/a.jpg"]


def test_links_that_lead_back_cost_nothing_and_count_once(made):
    root = made("photos/a.jpg", "photos/deep/b.jpg")
    for name, target in {"again": ".", "more": ".", "deep/up": "..", "deep/upper": "../..", "deep/root": "/"}.items():
        (root / "photos" / name).symlink_to(target)
    started = time.process_time()
    assert names("photos/**/*.jpg") == ["photos/a.jpg", "photos/deep/b.jpg"]
    assert names("photos/*/*.jpg") == ["photos/again/a.jpg", "photos/deep/b.jpg"]
    assert time.process_time() - started < 1


def test_a_folder_behind_two_links_is_looked_into_once_and_by_its_own_name_if_it_has_one(made):
    root = made("disk/b.jpg", "photos/z/c.jpg")
    (root / "photos" / "one").symlink_to("../disk")
    (root / "photos" / "two").symlink_to(root / "disk")
    (root / "photos" / "a").symlink_to("z")
    assert names("photos/**/*.jpg") == ["photos/one/b.jpg", "photos/z/c.jpg"]


def test_many_folders_that_lead_to_each_other_are_gone_through_once(made):
    root = made(*(f"in/{number}/a.jpg" for number in range(60)))
    for number in range(60):
        (root / "in" / str(number) / "next").symlink_to(f"../{(number + 1) % 60}")
    expected = sorted(f"in/{number}/a.jpg" for number in range(60))
    started = time.process_time()
    assert names("in/*/**/*.jpg") == names("in/**/**/*.jpg") == expected
    assert len(names("in/*/*/*/*/*.jpg")) == 60
    assert time.process_time() - started < 2


def test_a_file_with_a_second_name_counts_once(made):
    root = made("in/b.jpg")
    (root / "in" / "a.jpg").symlink_to("b.jpg")
    assert names("in/*.jpg") == ["in/b.jpg"]


def test_links_that_lead_nowhere_are_somebodys_photos(made):
    root = made("in/a.jpg")
    (root / "in" / "b.jpg").symlink_to("gone.jpg")
    (root / "in" / "c.jpg").symlink_to("c.jpg")
    assert names("in/*.jpg") == names("**/*.jpg") == ["in/a.jpg", "in/b.jpg", "in/c.jpg"]


def test_folders_that_must_not_be_looked_into_are_told(made, monkeypatch):
    made("in/a.jpg", "in/secret/b.jpg")
    scandir = os.scandir

    def guarded(folder):
        if Path(folder).name == "secret":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(patterns.os, "scandir", guarded)
    told = []
    assert names("in/**/*.jpg", tell=told.append) == ["in/a.jpg"]
    assert told == ["cannot read the folder in/secret: Permission denied; its files are ignored"]
    with pytest.raises(ConfigError, match="in/secret: Permission denied"):
        matches("in/**/*.jpg")


def test_absent_names_are_left_for_the_run_to_report(made):
    made("a.jpg")
    assert names("absent.jpg") == ["absent.jpg"]
    assert names(f"{'x' * 300}.jpg") == [f"{'x' * 300}.jpg"]
    assert existing("absent.jpg") is None
    with pytest.raises(ConfigError, match="no file matches"):
        matches("absent.jpg", present=True)
