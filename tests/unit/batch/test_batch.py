"""Whole batches on the local engine, with a studio that blends instead of rendering."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from PIL import Image

from styler.batch import batch as rooms
from styler.batch.batch import render_batch
from styler.batch.events import Ended, Planned, Started, Stepped
from styler.batch.grouping import Grouping
from styler.batch.layout import choose_layout
from styler.batch.ledger import FILENAME, opened_ledger, read_ledger
from styler.batch.local import LocalEngine
from styler.batch.recipe import without_shared
from styler.batch.report import write_page
from styler.batch.worker import Placement
from styler.errors import BatchError, ConfigError, LayerError, OutputError
from styler.images.reading import read_image
from support.painted import BrokenStudio, Studio
from support.pictures import blobs, saved


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Puts photos of these names and `style.png` into the current folder; batches there use the blending studio."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rooms, "make_engine", lambda *asked: LocalEngine(choose_layout(*asked), Studio))
    saved(tmp_path / "style.png", blobs(70, 70, 9))

    def make(*names):
        for seed, name in enumerate(names):
            saved(tmp_path / f"{name}.png", blobs(48, 64, seed))
        return [{"content": f"{name}.png", "style": "style.png", "size": 64, "output": name} for name in names]

    return make


def states(outcomes):
    return {outcome.job.name.removesuffix(".png"): outcome.state for outcome in outcomes}


def run(jobs, **settings):
    return list(render_batch(jobs, output="out", **{"workers": 1, **settings}))


def lines(tmp_path):
    return [json.loads(line) for line in (tmp_path / "out" / FILENAME).read_text().splitlines()[1:]]


def test_a_batch_renders_every_job_once_and_a_second_run_none(photos, tmp_path):
    jobs = photos(*"abcde")
    assert states(run(jobs, workers=2)) == dict.fromkeys("abcde", "done")
    told = lines(tmp_path)
    assert sorted(line["job"] for line in told if line["state"] == "done") == [f"{name}.png" for name in "abcde"]
    assert states(run(jobs)) == dict.fromkeys("abcde", "skipped")
    assert lines(tmp_path) == told


def test_a_second_run_does_what_is_missing_or_damaged_and_with_overwrite_what_has_changed(photos, tmp_path):
    jobs = photos(*"abcde")
    run(jobs)
    (tmp_path / "out" / "a.png").unlink()
    (tmp_path / "out" / "b.png").write_bytes(b"damaged")
    assert states(run(jobs)) == {**dict.fromkeys("ab", "done"), **dict.fromkeys("cde", "skipped")}
    jobs[2]["strength"] = 0.7
    saved(tmp_path / "d.png", blobs(48, 64, 99))
    assert states(run(jobs, overwrite=True)) == {**dict.fromkeys("cd", "done"), **dict.fromkeys("abe", "skipped")}
    assert states(run(jobs)) == dict.fromkeys("abcde", "skipped")


def bytes_of(tmp_path):
    return {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file()}


@pytest.mark.parametrize(
    "change", [{"strength": 0.7}, {"quality": 50}, pytest.param({"recipe": False}, marks=pytest.mark.slow)]
)
def test_finished_pictures_are_not_replaced_by_others_unasked(photos, tmp_path, change):
    jobs = photos("a", "b")
    run(jobs)
    before = bytes_of(tmp_path)
    other = [{**job, **change} for job in [*jobs, *photos("c")]]
    with pytest.raises(OutputError, match=r"would replace out/a\.png, out/b\.png, made with"):
        run(other)
    assert bytes_of(tmp_path) == before
    apart = [{**job, "output": "{content}-" + "-".join(change)} for job in other]
    assert set(states(run(apart)).values()) == {"done"}
    assert bytes_of(tmp_path)["a.png"] == before["a.png"]


def test_what_differs_is_said(photos):
    (job,) = photos("a")
    run([job])
    with pytest.raises(OutputError, match=r"\(strength 0\.5, now 0\.7; seed 0, now 3\)"):
        run([{**job, "strength": 0.7, "seed": 3}])


def test_a_long_list_is_cut_off(photos):
    jobs = photos(*"abcdefghijklm")
    run(jobs)
    with pytest.raises(OutputError, match=r"out/j\.png and 3 others, made with"):
        run([{**job, "seed": 1} for job in jobs])


def test_a_picture_that_somebody_has_retouched_stays(photos, tmp_path):
    jobs = photos("a", "b")
    run(jobs)
    saved(tmp_path / "out" / "a.png", blobs(48, 64, 77))
    before = bytes_of(tmp_path)
    with pytest.raises(OutputError, match=r"would replace out/a\.png, changed since a batch wrote them"):
        run(jobs)
    assert bytes_of(tmp_path) == before
    assert states(run(jobs, overwrite=True)) == {"a": "done", "b": "skipped"}


def test_somebodys_picture_in_place_of_one_that_failed_stays(photos, tmp_path):
    jobs = photos("defect")
    assert states(run(jobs)) == {"defect": "failed"}
    saved(tmp_path / "out" / "defect.png", blobs(48, 64, 1))
    with pytest.raises(OutputError, match="changed since a batch wrote them"):
        run(jobs)


def test_a_change_that_was_given_up_leaves_the_finished_picture_done(photos, tmp_path):
    jobs = photos("a", "slow")
    jobs[1]["strength"] = 0.0
    run(jobs)
    before = bytes_of(tmp_path)
    changed = [{**job, "seed": 1, "strength": 1.0} for job in jobs]
    outcomes = render_batch(changed, output="out", workers=1, overwrite=True)
    assert next(outcomes).state == "done"
    outcomes.close()
    with pytest.raises(OutputError, match=r"would replace out/slow\.png"):
        run(changed)
    assert states(run([jobs[1]])) == {"slow": "skipped"}
    assert lines(tmp_path)[-1]["state"] == "done"
    assert bytes_of(tmp_path)["slow.png"] == before["slow.png"]


def test_a_picture_that_was_written_when_the_driver_died_is_made_again(photos, tmp_path):
    jobs = photos("a")
    run(jobs)
    path = tmp_path / "out" / FILENAME
    path.write_text("".join(line for line in path.read_text().splitlines(True) if '"done"' not in line))
    assert states(run(jobs)) == {"a": "done"}


ODD = {
    "latin": os.fsdecode(b"caf\xe9"),
    "brackets": "[1]",
    "tilde": "~x",
    "newline": "two\nlines",
    "dash": "-n",
    "hidden": ".dot",
    "spaces": " wide  ",
    "quotes": 'it\'s "so" `x` $y',
    "escape": "\x1b[31mred",
    "emoji": "\U0001f408",
    "right to left": "\u05d7\u202e",
    "backslash": "a\\b",
    "braces": "{seed}",
    "percent": "100%41#?&",
    "long": "\u732b" * 80,
}


def test_photos_may_be_called_anything(photos, tmp_path):
    (tmp_path / "in").mkdir()
    for seed, name in enumerate(ODD.values()):
        saved(tmp_path / "in" / f"{name}.png", blobs(48, 64, seed))
    jobs = [{"content": f"in/{name}.png", "style": "style.png", "size": 64} for name in ODD.values()]
    photos()
    assert [outcome.state for outcome in run(jobs)] == ["done"] * len(ODD)
    assert [outcome.state for outcome in run(jobs)] == ["skipped"] * len(ODD)
    page = write_page(tmp_path / "page.html", list(rooms._listed(jobs)), Path("out"), read_ledger(Path("out")))
    (found,) = re.findall(r"^.*\"jobs\": \[.*$", page.read_text(), re.MULTILINE)
    links = [row["link"] for row in json.loads(found[found.index("{") : found.rindex("}") + 1])["jobs"]]
    assert all(os.path.isfile(os.fsencode(tmp_path) + b"/" + unquote_to_bytes(link)) for link in links)
    assert len({*links}) == len(ODD)


def test_bad_pictures_do_not_stop_the_others(photos, tmp_path):
    jobs = photos("a", "b", "defect", "memory", "killer", "torn", "cut")
    (tmp_path / "torn.png").write_bytes(b"no image")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:400])
    found = {outcome.job.name.removesuffix(".png"): outcome for outcome in run(jobs, workers=2, retries=1)}
    assert {name for name, outcome in found.items() if outcome.state == "done"} == {"a", "b"}
    assert found["defect"].error == "KeyError: 'no such thing'"
    assert (found["memory"].error, found["memory"].attempts) == ("out of memory", 2)
    assert "killed by SIGKILL" in found["killer"].error
    assert "last words" in found["killer"].error
    assert found["killer"].attempts == 2
    assert "torn.png is not an image" in found["torn"].error
    assert "cut.png" in found["cut"].error
    assert found["cut"].attempts <= 1
    retried = [line["job"] for line in lines(tmp_path) if line["state"] == "retrying"]
    assert {"killer.png", "memory.png"} <= set(retried)  # whoever was being written meanwhile as well


def test_a_repaired_picture_is_done_by_the_next_run(photos, tmp_path):
    jobs = photos("a", "torn")
    (tmp_path / "torn.png").write_bytes(b"no image")
    assert states(run(jobs)) == {"a": "done", "torn": "failed"}
    saved(tmp_path / "torn.png", blobs(48, 64, 5))
    assert states(run(jobs)) == {"a": "skipped", "torn": "done"}


def test_without_a_temporary_folder_nothing_begins_and_the_variable_is_named(photos, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/no such folder")
    with pytest.raises(BatchError, match="name another in TMPDIR"):
        run(photos("a"))


def test_two_runs_in_one_folder_the_second_is_refused(photos, tmp_path):
    jobs = photos("a")
    (tmp_path / "out").mkdir()
    with opened_ledger(tmp_path / "out"), pytest.raises(BatchError, match=r"another batch .*out"):
        run(jobs)


def test_collisions_and_foreign_outputs_are_refused_before_any_work(photos, tmp_path):
    jobs = photos("a", "b")
    with pytest.raises(OutputError, match=r"two jobs .*a\.png: a\.png in style\.png and b\.png"):
        render_batch([jobs[0], {**jobs[1], "output": "a"}], output="out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.png").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"out/b\.png, which no batch has made"):
        run(jobs)
    assert (tmp_path / "out" / "b.png").read_bytes() == b"mine"
    assert states(run(jobs, overwrite=True)) == {"a": "done", "b": "done"}


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"stength": 0.3}, ConfigError, "job 1: unknown option 'stength'. Did you mean 'strength'"),
        ({"style_layers": "block9"}, LayerError, "unknown layer 'block9'"),
        ({"network": "vgg19", "preset": "instant"}, ConfigError, "expected one with a decoder"),
        ({"style": ""}, ConfigError, "job 1: style: expected a path or a glob"),
        ({"output": "../a"}, OutputError, "inside the output folder"),
        ({"quality": "best"}, ConfigError, "quality: expected a whole number from 1 to 100"),
    ],
)
def test_requests_that_cannot_be_are_refused_when_the_batch_is_made(photos, changes, error, said):
    (job,) = photos("a")
    with pytest.raises(error, match=said):
        render_batch([{**job, **changes}])


@pytest.mark.parametrize("settings", [{"engine": "spark"}, {"workers": 0}, {"threads": 0}])
def test_impossible_settings_are_refused(photos, settings):
    with pytest.raises(BatchError):
        render_batch(photos("a"), **settings)


def test_an_empty_batch_is_refused():
    with pytest.raises(BatchError, match="at least one job"):
        render_batch([])


def test_the_observer_hears_of_all_that_happens(photos):
    heard = []
    run(photos("a", "memory"), retries=1, workers=1, observer=heard.append)
    assert heard[0] == Planned(jobs=2, todo=2)
    assert [event.job.name for event in heard if isinstance(event, Started)] == ["a.png", "memory.png", "memory.png"]
    assert [event.step for event in heard if isinstance(event, Stepped)] == [1]
    ended = [event for event in heard if isinstance(event, Ended)]
    assert sorted((event.job.name, event.outcome is None) for event in ended) == [
        ("a.png", False),
        ("memory.png", False),
        ("memory.png", True),
    ]


def test_stopping_lets_what_runs_finish_and_begins_nothing_more(photos, tmp_path):
    jobs = photos("slow", "b", "c", "d")
    asked = threading.Event()
    outcomes = render_batch(
        jobs, output="out", workers=1, observer=lambda e: isinstance(e, Started) and asked.set(), stop=asked.is_set
    )
    assert states(outcomes) == {"slow": "done"}
    assert states(run(jobs)) == {"slow": "skipped", "b": "done", "c": "done", "d": "done"}


def test_closing_the_generator_gives_up_at_once_and_leaves_no_half_files(photos, tmp_path):
    jobs = photos("a", "slow")
    jobs[1]["strength"] = 1.0
    outcomes = render_batch(jobs, output="out", workers=1)
    assert next(outcomes).state == "done"
    started = time.monotonic()
    outcomes.close()
    assert time.monotonic() - started < 5
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_file()) == ["a.png", FILENAME]
    jobs[1]["strength"] = 0.0
    assert states(run(jobs)) == {"a": "skipped", "slow": "done"}


def test_workers_that_cannot_begin_end_the_batch(photos, monkeypatch):
    monkeypatch.setattr(rooms, "make_engine", lambda *_: LocalEngine([Placement()], BrokenStudio))
    with pytest.raises(BatchError, match=r"3 workers in a row .* no license"):
        run(photos("a"))


def test_fast_shapes_bring_the_result_to_the_grid_and_are_part_of_the_recipe(photos, tmp_path):
    jobs = photos("a", "b")
    saved(tmp_path / "b.png", blobs(49, 64, 3))
    run(jobs)
    assert states(run(jobs, fast_shapes=True, overwrite=True)) == {"a": "done", "b": "done"}
    sizes = [read_image(tmp_path / "out" / name).size for name in ("a.png", "b.png")]
    assert sizes == [(49, 64)] * 2


def test_pictures_are_those_of_the_studio(photos, tmp_path):
    run(photos("a"))
    with Image.open(tmp_path / "out" / "a.png") as image:
        assert np.asarray(image).shape == (48, 64, 3)


def test_an_input_is_never_replaced_whatever_it_is_called(photos, tmp_path):
    (job,) = photos("a")
    before = (tmp_path / "a.png").read_bytes()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").symlink_to(tmp_path / "a.png")
    with pytest.raises(OutputError, match=r"out/a\.png would replace the input a\.png"):
        run([job], overwrite=True)
    with pytest.raises(OutputError, match=r"would replace the input"):
        list(render_batch([{**job, "output": "style"}], output=".", overwrite=True))
    assert (tmp_path / "a.png").read_bytes() == before


def test_options_of_files_reach_the_file_and_the_recipe(photos, tmp_path):
    (job,) = photos("a")
    assert states(run([job])) == {"a": "done"}
    assert states(run([{**job, "depth": 16}], overwrite=True)) == {"a": "done"}
    assert read_image(tmp_path / "out" / "a.png").depth == 16
    assert states(run([{**job, "depth": "16", "profile": "keep", "keep_gps": "false"}])) == {"a": "skipped"}
    (refused,) = run([{**job, "max_pixels": 100}])
    assert (refused.state, refused.attempts) == ("failed", 0)
    assert "100" in refused.error


def social(monkeypatch, count, pixels=64 * 64):
    """As if it had been measured that so many pictures together are fastest."""

    def grouped(tasks, resources, *_):
        return replace(
            resources, grouping=Grouping(count=count, program=without_shared(tasks[0].job.config), pixels=pixels)
        )

    monkeypatch.setattr(rooms, "grouped", grouped)


def companies(tmp_path):
    """How many each picture was rendered together with, in the order of the ledger."""
    return {line["job"].removesuffix(".png"): line["together"] for line in lines(tmp_path) if line["state"] == "done"}


def test_pictures_of_equal_shape_go_together_while_there_are_enough_for_all_workers(photos, tmp_path, monkeypatch):
    social(monkeypatch, 2)
    jobs = photos(*"abcdefg")
    saved(tmp_path / "d.png", blobs(64, 48, 3))  # another shape
    assert states(run(jobs, fast_shapes=True, workers=1)) == dict.fromkeys("abcdefg", "done")
    assert companies(tmp_path) == {**dict.fromkeys("abcefg", 2), "d": 1}
    assert states(run(jobs, fast_shapes=True, workers=1)) == dict.fromkeys("abcdefg", "skipped")


def test_nobody_goes_together_without_fast_shapes_or_with_too_few(photos, tmp_path, monkeypatch):
    social(monkeypatch, 4)
    run(photos(*"abcdef"), workers=1)
    assert set(companies(tmp_path).values()) == {1}
    run(photos(*"ghijkl"), fast_shapes=True, workers=2)
    assert set(companies(tmp_path).values()) == {1}


@pytest.mark.parametrize(
    ("bad", "error", "attempts"),
    [
        pytest.param("defect", "no such thing", 1, marks=pytest.mark.slow),
        ("memory", "out of memory", 2),
        ("killer", "killed by SIGKILL", 2),
    ],
)
def test_company_does_not_suffer_from_a_bad_picture(photos, tmp_path, monkeypatch, bad, error, attempts):
    social(monkeypatch, 4)
    jobs = photos("a", bad, "c", "d")
    found = {outcome.job.name: outcome for outcome in run(jobs, fast_shapes=True, workers=1, retries=1)}
    assert states(found.values()) == {**dict.fromkeys("acd", "done"), bad: "failed"}
    assert error in found[f"{bad}.png"].error
    assert found[f"{bad}.png"].attempts == attempts


def test_company_that_fails_as_such_is_rendered_one_by_one(photos, tmp_path, monkeypatch):
    social(monkeypatch, 2)
    assert states(run(photos("a", "solitary"), fast_shapes=True, workers=1)) == {"a": "done", "solitary": "done"}
    assert companies(tmp_path) == {"a": 1, "solitary": 1}
    assert not [line for line in lines(tmp_path) if line["state"] == "retrying"]


def test_masks_are_found_once_and_those_of_somebody_else_stay(photos, tmp_path):
    jobs = [{**job, "mask": "auto"} for job in photos("a", "b")]
    assert states(run(jobs)) == dict.fromkeys("ab", "done")
    before = bytes_of(tmp_path)
    written = {"a.png", "a-mask.png", "a-mask-style.png", "a-mask-overlay.png"}
    assert written == {name for name in before if name.startswith("a")}
    (done,) = [line for line in lines(tmp_path) if line["job"] == "a.png" and line["state"] == "done"]
    assert done["masks"].keys() == written - {"a.png"}
    assert done["options"]["mask"] == "auto"
    edited = tmp_path / "out" / "a-mask.png"
    edited.write_bytes(b"mine")
    assert states(run(jobs)) == dict.fromkeys("ab", "skipped")
    (tmp_path / "out" / "a.png").unlink()
    with pytest.raises(OutputError, match=r"would replace out/a-mask\.png by masks that it finds"):
        run(jobs)
    edited.unlink()
    assert states(run(jobs)) == {"a": "done", "b": "skipped"}
    assert bytes_of(tmp_path) | {FILENAME: b""} == before | {FILENAME: b""}
    with pytest.raises(OutputError, match=r"\(mask auto, now None\)"):
        run(photos("a"))


def test_masks_never_replace_files_that_no_batch_has_found_nor_inputs(photos, tmp_path):
    jobs = [{**job, "mask": "auto"} for job in photos("a")]
    (tmp_path / "out").mkdir()
    foreign = tmp_path / "out" / "a-mask-overlay.png"
    foreign.write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"would replace out/a-mask-overlay\.png"):
        run(jobs)
    assert states(run(jobs, overwrite=True)) == {"a": "done"}
    assert foreign.read_bytes() != b"mine"
    job = {**jobs[0], "content": "out/a-mask.png", "output": "a"}
    with pytest.raises(OutputError, match=r"out/a-mask\.png would replace the input"):
        run([job], overwrite=True)


def test_a_job_that_fails_leaves_no_masks(photos, tmp_path):
    assert states(run([{**job, "mask": "auto"} for job in photos("defect")])) == {"defect": "failed"}
    assert list(bytes_of(tmp_path)) == [FILENAME]
