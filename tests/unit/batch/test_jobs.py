from __future__ import annotations

import os
from pathlib import Path

import pytest

from styler.batch.jobs import Job, Row, check_collisions, jobs_of_globs, jobs_of_rows, matches
from styler.batch.naming import checked_name, output_name
from styler.config import RenderConfig
from styler.errors import ConfigError, ImageError, OutputError

CONFIG = RenderConfig(seed=7, size=128)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Empty files: `in/a.jpg`, `in/deep/b.jpg`, `art/x.jpg`, `art/y.jpg`, `out/made.jpg`."""
    for name in ("in/a.jpg", "in/deep/b.jpg", "art/x.jpg", "art/y.jpg", "out/made.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_globs_give_every_photo_in_every_style(tree):
    jobs = jobs_of_globs(["in/**/*.jpg"], ["art/*.jpg"], config=CONFIG)
    assert [job.name for job in jobs] == ["a-x-7.png", "a-y-7.png", "b-x-7.png", "b-y-7.png"]
    assert jobs[0].styles == (Path("art/x.jpg"),)


def test_a_file_named_twice_is_one_job(tree):
    assert len(jobs_of_globs(["in/a.jpg", "in/*.jpg"], ["art/x.jpg"], config=CONFIG)) == 1


def test_earlier_outputs_are_no_photos(tree):
    jobs = jobs_of_globs(["**/*.jpg"], ["art/x.jpg"], config=CONFIG, without=Path("out"))
    assert "made" not in {job.content.stem for job in jobs}
    with pytest.raises(ConfigError, match="output folder"):
        jobs_of_globs(["out/*.jpg"], ["art/x.jpg"], config=CONFIG, without=Path("out"))


def test_rows_with_globs_lists_and_blends(tree):
    def names(style):
        return [
            job.name
            for job in jobs_of_rows([Row(options={"content": "in/a.jpg", "style": style}, place="")], base=tree)
        ]

    assert names("art/*.jpg") == ["a-x.png", "a-y.png"]
    assert names("art/x.jpg|art/y.jpg") == names(["art/x.jpg", "art/y.jpg"]) == ["a-x-y.png"]


def test_rows_win_over_defaults_and_flags_over_rows(tree):
    row = Row(options={"content": "in/a.jpg", "style": "art/x.jpg", "Seed": "3", "style-weights": "2"}, place="row")
    (job,) = jobs_of_rows([row], base=Path(), defaults={"size": "200", "seed": 1, "quality": 80}, flags={"size": "100"})
    assert (job.config.size, job.config.seed, job.export.quality) == (100, 3, 80)
    assert job.config.style_weights == (2.0,)


def test_a_preset_of_a_row_loses_against_its_own_options(tree):
    row = Row(options={"content": "in/a.jpg", "style": "art/x.jpg", "preset": "draft", "steps": "9"}, place="row")
    (job,) = jobs_of_rows([row], base=Path(), flags={"preset": None})
    assert job.config == RenderConfig.preset("draft", steps=9)


def test_an_image_to_start_from_lies_beside_the_manifest(tree):
    def start(named, **flags):
        row = Row(options={"content": "in/a.jpg", "style": "art/x.jpg", "init": named}, place="")
        return jobs_of_rows([row], base=tree, flags=flags)[0].config.init

    assert start("in/a.jpg") == str(tree / "in" / "a.jpg")
    assert start("noise") == "noise"
    assert start("in/a.jpg", init="art/y.jpg") == "art/y.jpg"
    assert start("in/a.jpg", init=None) == str(tree / "in" / "a.jpg")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "row 5: content: expected a path or a glob, got None"),
        ({"content": "in/a.jpg"}, "row 5: style: expected a path"),
        ({"content": "no/*.jpg", "style": "art/x.jpg"}, "row 5: no file matches"),
        ({"content": "in/a.jpg", "style": "art/x.jpg", "sise": 3}, "row 5: unknown option 'sise'. Did you mean 'size'"),
        ({"content": "in/a.jpg", "style": "art/x.jpg", "size": "big"}, "row 5: size: expected"),
        ({"content": "in/a.jpg", "style": "art/x.jpg", "style_weights": "1,2"}, "row 5: style_weights: expected 1"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(tree, options, said):
    with pytest.raises(ConfigError, match=said):
        jobs_of_rows([Row(options=options, place="row 5")], base=Path())


def test_absent_files_are_left_for_the_run_to_report(tree):
    assert matches("absent.jpg") == [Path("absent.jpg")]
    with pytest.raises(ConfigError):
        matches("absent.jpg", present=True)


def test_a_name_with_brackets_is_found_before_it_is_a_glob(tree):
    (tree / "in" / "[1].jpg").touch()
    assert matches("in/[1].jpg") == [Path("in/[1].jpg")]


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{content}-{style}-{seed}", "photo-one-two-7.png"),
        (None, "photo-one-two-7.png"),
        ("{style}/{content}.jpg", "one-two/photo.jpg"),
        ("{index:04d}-{size}-{strength:.1f}", "0012-128-0.5.png"),
        ("{folder}.v1", "in.v1.png"),
    ],
)
def test_templates(template, name):
    assert output_name(template, Path("in/photo.jpg"), [Path("one.jpg"), Path("two.jpg")], CONFIG, 12) == name


def test_a_seed_is_part_of_the_usual_name_unless_it_is_the_usual_seed(tree):
    rows = [Row(options={"content": "in/a.jpg", "style": "art/x.jpg", "seed": seed}, place="") for seed in (0, 1)]
    assert [job.name for job in jobs_of_rows(rows, base=Path())] == ["a-x.png", "a-x-1.png"]


def test_hidden_photos_give_pictures_that_are_not():
    assert output_name("{content}-{style}", Path(".a.jpg"), [Path(".b.jpg")], CONFIG, 1) == "a-b.png"


@pytest.mark.parametrize("sign", ["x", "é", "猫", "\udce9"])
def test_names_that_are_too_long_are_cut_and_told_apart(sign):
    def named(photo):
        return output_name("{content}-{seed}.jpg", Path(photo), [Path("s.jpg")], CONFIG, 1)

    long = [named(f"{sign * 300}{end}.jpg") for end in "12"]
    assert long[0] != long[1]
    assert all(name.endswith(".jpg") and 220 < len(os.fsencode(name)) <= 236 for name in long)
    assert long[0] == named(f"{sign * 300}1.png")


def test_names_that_no_file_system_can_write_are_refused(tree):
    with pytest.raises(OutputError, match="can store"):
        checked_name("\ud800.png")
    for name in ("\ud800.jpg", "a\0.jpg"):
        with pytest.raises(ConfigError, match="row 5: content: expected a path"):
            jobs_of_rows([Row(options={"content": name, "style": "art/x.jpg"}, place="row 5")], base=tree)


def test_a_name_with_the_sign_of_blends_is_found_before_it_is_one(tree):
    (tree / "art" / "x|y.jpg").touch()
    row = Row(options={"content": "in/a.jpg", "style": "art/x|y.jpg"}, place="")
    assert jobs_of_rows([row], base=tree)[0].styles == (tree / "art" / "x|y.jpg",)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"strength": "0,5"}, {"strength": 0.5}),
        ({"strength": " 0.25 "}, {"strength": 0.25}),
        ({"size": "512.0"}, {"size": 512}),
        ({"size": 512.0, "seed": 3.0}, {"size": 512, "seed": 3}),
        ({"style_weights": "1"}, {"style_weights": (1.0,)}),
        ({"style_weights": "0,5"}, None),
        ({"size": "2.000"}, None),
    ],
)
def test_numbers_as_spreadsheets_write_them(tree, options, expected):
    row = Row(options={"content": "in/a.jpg", "style": "art/x.jpg", **options}, place="")
    if expected is None:
        with pytest.raises(ConfigError):
            jobs_of_rows([row], base=tree)
        return
    (job,) = jobs_of_rows([row], base=tree)
    assert {name: getattr(job.config, name) for name in expected} == expected


def test_outputs_of_a_manifest_may_have_the_backslashes_of_windows(tree):
    row = Row(options={"content": "in\\a.jpg", "style": "art\\x.jpg", "output": "night\\a.jpg"}, place="")
    (job,) = jobs_of_rows([row], base=tree)
    assert (job.content, job.name) == (tree / "in" / "a.jpg", "night/a.jpg")


def test_style_and_styles_in_one_row_are_refused(tree):
    row = Row(options={"content": "in/a.jpg", "style": "art/x.jpg", "styles": "art/y.jpg"}, place="row 5")
    with pytest.raises(ConfigError, match="row 5: style and styles"):
        jobs_of_rows([row], base=tree)


@pytest.mark.parametrize("template", ["{nothing}", "{content", "{content.stem}", "{seed:zz}", "{}", "{content!x}"])
def test_templates_that_cannot_be_filled_in(template):
    with pytest.raises(ConfigError, match="--name: "):
        output_name(template, Path("a.jpg"), [Path("b.jpg")], CONFIG, 1)


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "a/../../b", "", "x" * 300, ".hidden.png", "a/.png"])
def test_names_that_lead_elsewhere_or_nowhere(name):
    with pytest.raises(OutputError):
        checked_name(name)


def test_collisions_name_both_jobs():
    jobs = [Job(content=Path(f"{name}/a.jpg"), styles=(Path("s.jpg"),)) for name in ("one", "two")]
    with pytest.raises(OutputError, match=r"a-s\.png: one/a\.jpg .*two/a\.jpg .*\{folder\}"):
        check_collisions(jobs)


def test_all_rows_that_make_no_sense_are_named(tree):
    values = ["none", "0.5", *["2"] * 7]
    rows = [
        Row(options={"content": "a.jpg", "style": "x.jpg", "strength": value}, place=f"jobs.csv, line {number}")
        for number, value in enumerate(values, 2)
    ]
    with pytest.raises(ConfigError, match=r"^jobs.csv, line 2: strength: .*'none'") as caught:
        jobs_of_rows(rows, base=tree)
    assert str(caught.value).endswith("; also invalid: line 4, line 5, line 6, line 7, line 8 and 2 more")


MASKS = {"content_mask": "masks/{content}.png", "style_mask": ["masks/{style}.png"]}


def test_masks_of_globs_are_named_by_photo_and_painting(tree, monkeypatch):
    monkeypatch.chdir(tree)
    jobs = jobs_of_globs(["in/**/*.jpg"], ["art/x.jpg"], config=RenderConfig.from_dict(MASKS))
    assert len(jobs) > 1
    for job in jobs:
        assert job.inputs.content_mask == Path(f"masks/{job.content.stem}.png")
        assert job.inputs.style_masks == (Path("masks/x.png"),)


def test_masks_of_a_manifest_are_found_beside_it_and_those_of_flags_here(tree):
    row = Row(options={"content": "in/a.jpg", "style": "art/x.jpg|art/y.jpg", **MASKS}, place="")
    row.options["style_mask"] = "masks/{style}.png|none"
    (job,) = jobs_of_rows([row], base=tree)
    assert job.inputs.content_mask == tree / "masks/a.png"
    assert job.inputs.style_masks == (tree / "masks/x.png", None)
    (job,) = jobs_of_rows([row], base=tree, flags={"content_mask": "here.png"})
    assert job.inputs.content_mask == Path("here.png")


@pytest.mark.parametrize(
    ("masks", "expected"),
    [
        ({**MASKS, "content_mask": "{seed}.png"}, "its fields are {content}, {style} and {folder}"),
        ({"content_mask": "a.png"}, "style_mask: expected 1 mask, one for each style image"),
        ({"style_mask": "a.png"}, "expected a mask of the photo"),
        ({**MASKS, "style_mask": "a.png|b.png"}, "style_mask: expected 1 mask, one for each style image"),
    ],
)
def test_masks_that_cannot_be_named_are_refused(tree, masks, expected):
    row = Row(options={"content": "in/a.jpg", "style": "art/x.jpg", **masks}, place="row 5")
    with pytest.raises(ConfigError, match=f"row 5: .*{expected}"):
        jobs_of_rows([row], base=tree)


AUTO = {"mask": "auto"}
NONE = {"mask": "none"}
BESIDE = ("a-x-mask.png", "a-x-mask-x.png", "a-x-mask-overlay.png")


@pytest.mark.parametrize(
    ("defaults", "row", "flags", "masks"),
    [
        ({}, AUTO, {}, BESIDE),
        (AUTO, {}, {}, BESIDE),
        ({}, {}, AUTO, BESIDE),
        (AUTO, {"mask": ""}, {"mask": None}, BESIDE),
        (AUTO, NONE, {}, ()),
        (AUTO, {}, NONE, ()),
        (AUTO, MASKS, {}, ()),
        (AUTO, {"keep": "faces.png"}, {}, BESIDE),
    ],
)
def test_a_job_finds_masks_if_the_last_word_about_them_is_auto(tree, defaults, row, flags, masks):
    rows = [Row(options={"content": "in/a.jpg", "style": "art/x.jpg", **row}, place="")]
    (job,) = jobs_of_rows(rows, base=tree, defaults=defaults, flags=flags)
    assert job.masks == masks


@pytest.mark.parametrize(
    ("row", "flags", "expected"),
    [
        ({**AUTO, **MASKS}, {}, "expected --mask auto or --content-mask, got both"),
        (MASKS, AUTO, "expected --mask auto or --content-mask, got both"),
        ({**AUTO, "style_mask": "none"}, {}, "expected --mask auto or --style-mask, got both"),
        ({"mask": "some"}, {}, "mask: expected auto or none, got 'some'"),
        ({**AUTO, "style": "art"}, {}, "expected one image for each STYLE with --mask auto, got a folder"),
    ],
)
def test_masks_that_are_found_and_named_are_refused(tree, row, flags, expected):
    rows = [Row(options={"content": "in/a.jpg", "style": "art/x.jpg", **row}, place="row 5")]
    with pytest.raises(ConfigError, match=f"row 5: .*{expected}"):
        jobs_of_rows(rows, base=tree, flags=flags)


def test_no_two_jobs_write_the_same_mask():
    styles = (Path("s.jpg"),)
    jobs = [Job(content=Path("a.jpg"), styles=styles, mask="auto", name=name) for name in ("a.png", "a.jpg")]
    with pytest.raises(OutputError, match=r"two jobs would write a-mask\.png"):
        check_collisions(jobs)
    with pytest.raises(OutputError, match=r"two jobs would write a-mask\.png"):
        check_collisions([jobs[0], Job(content=Path("b.jpg"), styles=styles, name="a-mask.png")])


def test_a_folder_is_one_style(tree):
    (tree / "art" / "notes.txt").touch()
    said = []
    (job,) = jobs_of_globs(["in/a.jpg"], ["art"], config=CONFIG, tell=said.append)
    assert (job.name, job.styles) == ("a-art-7.png", (Path("art"),))
    assert job.inputs.styles == ((Path("art/x.jpg"), Path("art/y.jpg")),)
    assert said == ["art: skipped 1 file that is hidden or no image (notes.txt)"]
    rows = [Row(options={"content": "in/a.jpg", "style": "art|art/x.jpg"}, place=place) for place in ("1", "2")]
    blend, _ = jobs_of_rows(rows, base=tree, tell=said.append)
    assert blend.name == "a-art-x.png"
    assert [len(group) for group in blend.inputs.styles] == [2, 1]
    assert len(said) == 2
    blend.config.check_styles(2)


def test_a_folder_without_paintings_is_an_invalid_row(tree):
    (tree / "none").mkdir()
    with pytest.raises(ImageError, match=r"^line 1: expected paintings in the folder none, got no files"):
        jobs_of_rows([Row(options={"content": "in/a.jpg", "style": "none"}, place="line 1")], base=Path())


def test_paths_of_usual_options_are_found_here(tree, monkeypatch):
    row = Row(options={"content": "in/a.jpg", "style": "art/x.jpg"}, place="")
    usual = {"content_mask": "masks/{content}.png", "style_mask": ["none"], "init": "art/x.jpg"}
    (job,) = jobs_of_rows([row], base=tree, usual=usual)
    assert job.inputs.content_mask == Path("masks/a.png")
    assert job.inputs.init == Path("art/x.jpg")
    (job,) = jobs_of_rows([row], base=tree, usual=usual, defaults=usual)
    assert job.inputs.content_mask == tree / "masks/a.png"
    assert job.inputs.init == tree / "art/x.jpg"
