from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from styler.cli.finding import Places, check_folders, find, find_content, find_images
from styler.errors import ImageError
from styler.images.reading import read_image
from styler.inputs import Entry
from styler.recipe import Input
from styler.sources import source_of
from support.pictures import blobs, saved
from support.recipes import INPUTS, example


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder `here`; beside it `made` with the picture, and `archive`; each has folders in it."""
    for name in ("here/photos", "made/in/deep", "archive/old"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


IMAGE = Path("../made/out.png")
HERE, MADE, OLD = Path(), Path("../made"), Path("../archive/old")
INSIDE = MADE / "in"


def wanted(path, role="content", name=None):
    source = source_of(path)
    found = Input(name=name or source.name, sha256=source.sha256, bytes=source.bytes)
    return Entry(role, found, 0 if role == "style" else None)


def moved(text, where, role="content", name="photo.png", now=None):
    """A file of some text, looked for as `name`, lying in `where` under the name of `now`."""
    path = where / (now or name)
    path.write_text(text)
    return wanted(path, role, name)


@pytest.mark.parametrize("where", [HERE, HERE / "photos", MADE, INSIDE])
@pytest.mark.parametrize("now", ["photo.png", "renamed"])
def test_near_the_picture_or_here_under_whatever_name(place, where, now):
    photo = moved("p", where, now=now)
    assert find(photo, Places(image=IMAGE)).samefile(where / now)


def test_elsewhere_only_where_told_to_look(place):
    photo = moved("p", OLD, now="renamed")
    with pytest.raises(ImageError, match=r"cannot find .* photo\.png .*--content or"):
        find(photo, Places(image=IMAGE))
    assert find(photo, Places(image=IMAGE, folders=[Path("../archive")])).samefile(OLD / "renamed")


def test_folders_beside_the_picture_are_few_and_not_searched_deeply(place, monkeypatch):
    photo = moved("p", INSIDE / "deep")
    with pytest.raises(ImageError, match="cannot find the photo"):
        find(photo, Places(image=IMAGE))
    monkeypatch.setattr("styler.cli.finding.MOST_BESIDE", 1)
    (MADE / "also").mkdir()
    moved("p", INSIDE)
    with pytest.raises(ImageError, match="cannot find the photo"):
        find(photo, Places(image=IMAGE))


def test_a_namesake_in_a_folder_beside_the_picture_is_another_image(place):
    photo = moved("before", INSIDE)
    (INSIDE / "photo.png").write_text("after!")
    with pytest.raises(ImageError, match=r"cannot find .*--search DIR"):
        find(photo, Places(image=IMAGE))


def test_a_namesake_with_other_contents_has_changed(place):
    photo = moved("before", HERE)
    Path("photo.png").write_text("after!")
    with pytest.raises(ImageError, match=r"^photo\.png .*out\.png .*changed"):
        find(photo, Places(image=IMAGE))


def test_the_right_file_elsewhere_wins_over_a_changed_namesake(place):
    photo = moved("before", MADE, now="kept.png")
    Path("photo.png").write_text("after!")
    assert find(photo, Places(image=IMAGE)).samefile(MADE / "kept.png")


def test_the_photo_may_be_named(place):
    photo = moved("p", OLD, now="renamed")
    recipe = example(inputs=replace(INPUTS, content=photo.item))
    assert find_content(recipe, Places(image=IMAGE, content=OLD / "renamed")) == OLD / "renamed"
    Path("other").write_text("q")
    for named, said in ((Path("other"), "other is not the photo"), (Path("absent"), "cannot read absent")):
        with pytest.raises(ImageError, match=said):
            find_content(recipe, Places(image=IMAGE, content=named))


def test_paintings_come_in_the_recipes_order_however_they_are_named(place):
    photo = moved("p", HERE)
    one, two = moved("1", OLD, "style", "one.jpg"), moved("2", OLD, "style", "two.jpg")
    recipe = example(inputs=replace(INPUTS, content=photo.item, styles=((one.item,), (two.item,))))
    paths = [OLD / "one.jpg", OLD / "two.jpg"]
    assert find_images(recipe, Places(image=IMAGE, styles=paths[::-1])).paintings == paths
    assert find_images(recipe, Places(image=IMAGE, styles=paths[1:], folders=[OLD])).paintings == paths
    Path("three.jpg").write_text("3")
    with pytest.raises(ImageError, match=r"three\.jpg .*paintings"):
        find_images(recipe, Places(image=IMAGE, styles=[*paths, Path("three.jpg")]))


def test_the_same_painting_twice_is_found_twice(place):
    photo, one = moved("p", HERE), moved("1", HERE, "style", "one.jpg").item
    recipe = example(inputs=replace(INPUTS, content=photo.item, styles=((one,), (one, one))))
    found = find_images(recipe, Places(image=IMAGE))
    assert found.styles == ((Path("one.jpg"),), (Path("one.jpg"), Path("one.jpg"))), "groups stay as they are"


def test_pipes_links_to_nowhere_and_folders_are_passed_by(place):
    photo = moved("p", OLD)
    os.mkfifo("photo.png")
    os.symlink("nowhere", "a")
    os.symlink("b", "b")
    Path("folder").mkdir()
    with pytest.raises(ImageError, match="cannot find the photo"):
        find(photo, Places(image=IMAGE, folders=[HERE]))


def test_what_cannot_be_read_is_passed_by(place, monkeypatch):
    photo = moved("p", HERE, now="z.png")
    Path("a.png").write_text("q")

    def source_unless_forbidden(path):
        if Path(path).name == "a.png":
            raise PermissionError(13, "Permission denied")
        return source_of(path)

    monkeypatch.setattr("styler.cli.finding.source_of", source_unless_forbidden)
    assert find(photo, Places(image=IMAGE)).name == "z.png"
    with pytest.raises(ImageError, match=r"cannot read a\.png: Permission denied"):
        find_content(example(inputs=replace(INPUTS, content=photo.item)), Places(image=IMAGE, content=Path("a.png")))


@pytest.mark.parametrize("name", ["a" * 300, "x\ny.png", "größe 画.png"])
def test_strange_names_stay_on_one_line(place, name):
    photo = Entry("content", Input(name=name, sha256="0" * 64, bytes=1))
    with pytest.raises(ImageError) as refused:
        find(photo, Places(image=IMAGE))
    assert str(refused.value).isprintable()


def test_an_image_from_memory_is_known_by_its_pixels(place):
    path = saved(Path("photo.png"), blobs(40, 50, 1))
    photo = Input(name="image", sha256=read_image(path).sha256, bytes=None)
    recipe = example(inputs=replace(INPUTS, content=photo))
    with pytest.raises(ImageError, match=r"in memory.*--content$"):
        find_content(recipe, Places(image=IMAGE))
    assert find_content(recipe, Places(image=IMAGE, content=path)) == path
    other = saved(Path("other.png"), blobs(40, 50, 2))
    with pytest.raises(ImageError, match=r"other\.png .*the photo"):
        find_content(recipe, Places(image=IMAGE, content=other))


def test_a_folder_to_search_must_be_one(place):
    check_folders([OLD])
    with pytest.raises(ImageError, match=r"--search: .*absent"):
        check_folders([OLD, Path("absent")])
