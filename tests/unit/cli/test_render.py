"""`styler render` in this process, on a small network of random weights."""

from __future__ import annotations

import io
import json
import os
import signal

import numpy as np
import pytest
from PIL import Image

from styler.cli import work
from styler.cli.app import run
from styler.errors import OutputError
from styler.images.oklab import to_oklab
from styler.images.reading import read_image
from styler.images.recipes import read_recipe
from styler.images.resampling import resampled
from styler.images.writing import to_pil
from styler.render.files import read_images
from styler.types import Size
from support import color_profiles
from support.image_files import by_tifffile
from support.pictures import blobs, saved
from support.programs import TERSE_WORDS

SMALL = ("--network", "tiny", "--size", "64", "--steps", "4", *TERSE_WORDS)
pytestmark = pytest.mark.usefixtures("folder", "tiny", "shared_programs")


def render(*words, styles=("painting.png",)):
    return run(["render", "photo.png", *styles, *SMALL, *words])


def bytes_of(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_writes_the_picture_under_its_default_name_and_says_so_on_stderr(folder, capsys):
    assert render() == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("photo-painting.png  64x48, ")
    assert bytes_of(folder / "photo-painting.png").shape == (48, 64, 3)


def test_telling_the_size_makes_no_copy_of_the_picture(monkeypatch, capsys):
    """One of 16,384 x 16,384 pixels would take 1.8 GB."""
    copies = []
    monkeypatch.setattr("styler.api.as_pil", lambda picture: copies.append(picture))
    assert render() == 0
    assert "64x48" in capsys.readouterr().err
    assert copies == []


def test_quiet_says_nothing(capsys):
    assert render("-q", "--size", "96") == 0  # 96 enlarges the photo
    assert capsys.readouterr() == ("", "")


def test_an_enlarged_photo_is_noted(capsys):
    assert render("--size", "96") == 0
    assert "note: the photo is enlarged to 96x72" in capsys.readouterr().err


def test_progress_is_shown_when_asked_for(capsys):
    assert render("--progress") == 0
    err = capsys.readouterr().err
    assert "scale 1/1 (64x48)" in err
    assert "4/4 steps" in err


def test_verbose_tells_the_plan_on_stderr(capsys):
    assert render("-v") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "network   tiny: test-only" in err


def test_a_dry_run_prints_the_plan_and_writes_nothing(folder, capsys):
    before = sorted(folder.iterdir())
    assert render("--dry-run", "--report", "r.json", "--save-every", "1") == 0
    out, err = capsys.readouterr()
    assert "octaves   64x48 (4); 4 steps of lbfgs" in out
    assert err == ""
    assert sorted(folder.iterdir()) == before


def test_the_same_words_give_the_same_bytes(folder):
    assert render("-o", "a.png", "--init", "noise", "--seed", "3") == 0
    assert render("-o", "b.png", "--init", "noise", "--seed", "3") == 0
    assert render("-o", "c.png", "--init", "noise", "--seed", "4") == 0
    a, b, c = ((folder / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c


def test_an_existing_picture_is_replaced_only_when_asked(folder, capsys):
    assert render("-o", "out.png") == 0
    first = (folder / "out.png").read_bytes()
    assert render("-o", "out.png", "--strength", "0.9") == 2
    assert (folder / "out.png").read_bytes() == first
    assert render("-o", "out.png", "--strength", "0.9", "--overwrite") == 0
    assert (folder / "out.png").read_bytes() != first


@pytest.mark.parametrize(("name", "kind"), [("a.jpg", "JPEG"), ("a.webp", "WEBP"), ("a.tif", "TIFF")])
def test_the_suffix_names_the_format(folder, name, kind):
    assert render("-o", name, "--steps", "1") == 0
    with Image.open(folder / name) as image:
        assert image.format == kind


def test_quality_is_that_of_the_file(folder):
    for quality in ("10", "95"):
        assert render("-o", f"{quality}.jpg", "--quality", quality, "--steps", "1") == 0
    assert (folder / "10.jpg").stat().st_size < (folder / "95.jpg").stat().st_size


def test_save_every_writes_exactly_the_multiples(folder):
    assert render("-o", "out.png", "--steps", "10", "--save-every", "3", "--size", "192") == 0
    assert {path.name for path in folder.glob("out-*")} == {"out-03.png", "out-06.png", "out-09.png"}
    sizes = {step: bytes_of(folder / f"out-{step:02}.png").shape[1] for step in (3, 9)}
    assert sizes == {3: 136, 9: 192}  # an octave has its own size


def test_save_every_interrupts_the_compiled_program_where_it_must(folder):
    assert render("-o", "out.png", "--steps", "40", "--save-every", "13") == 0
    assert {path.name for path in folder.glob("out-*")} == {"out-13.png", "out-26.png", "out-39.png"}


def test_the_last_multiple_is_the_picture_itself(folder):
    assert render("-o", "out.png", "--steps", "6", "--save-every", "3") == 0
    np.testing.assert_array_equal(bytes_of(folder / "out-6.png"), bytes_of(folder / "out.png"))
    assert not np.array_equal(bytes_of(folder / "out-3.png"), bytes_of(folder / "out.png"))


def test_intermediate_images_are_refused_where_a_file_is_in_the_way(folder, capsys):
    (folder / "out-4.png").write_bytes(b"mine")
    assert render("-o", "out.png", "--save-every", "2") == 2
    assert (folder / "out-4.png").read_bytes() == b"mine"
    assert not (folder / "out.png").exists()


def test_strength_0_is_the_resized_photo(folder):
    assert render("-o", "out.png", "--strength", "0") == 0
    photo = resampled(read_image(folder / "photo.png").pixels, Size(48, 64))
    np.testing.assert_array_equal(bytes_of(folder / "out.png"), np.asarray(to_pil(photo)))


def test_luminance_keeps_the_photos_chroma(folder):
    assert render("-o", "out.png", "--color", "luminance", "--steps", "8") == 0
    result = read_image(folder / "out.png").pixels
    photo = resampled(read_image(folder / "photo.png").pixels, Size(48, 64))
    inside = (result > 0.02).all(-1) & (result < 0.98).all(-1)
    assert inside.mean() > 0.3
    mine, theirs = to_oklab(result), to_oklab(photo)
    np.testing.assert_allclose(mine[inside][:, 1:], theirs[inside][:, 1:], atol=0.01)
    assert np.abs(mine[..., 0] - theirs[..., 0]).mean() > 0.02


def test_two_styles_with_weights(folder):
    pair = ("painting.png", "photo.png")
    assert render("-o", "alone.png") == 0
    assert render("-o", "both.png", "--style-weights", "1,1", styles=pair) == 0
    assert render("-o", "equal.png", styles=pair) == 0
    assert render("-o", "first.png", "--style-weights", "5,0", styles=pair) == 0
    alone, both, equal, first = (bytes_of(folder / f"{n}.png").astype(int) for n in ("alone", "both", "equal", "first"))
    np.testing.assert_array_equal(both, equal)
    np.testing.assert_array_equal(first, alone)
    assert np.abs(both - alone).mean() > 1


def test_flags_win_over_the_file_and_the_file_over_the_preset(folder):
    (folder / "options.toml").write_text('preset = "draft"\nseed = 5\ncolor = "luminance"\ntv-weight = 0.25\n')
    words = ("--config", "options.toml", "--color", "style", "--strength", "0", "--report", "r.json", "-p", "best")
    assert render(*words) == 0
    config = json.loads((folder / "r.json").read_text())["config"]
    assert config["seed"] == 5
    assert config["tv_weight"] == 0.25
    assert config["color"] == "style"
    assert config["steps"] == 4
    assert config["network"] == "tiny"


def test_the_report_tells_how_the_picture_came_about(folder):
    assert render("--report", "r.json", "--size", "192", "--steps", "6") == 0
    report = json.loads((folder / "r.json").read_text())
    assert report["config"]["size"] == 192
    assert [(i["name"], i["size"]) for i in report["inputs"]] == [("photo", [60, 80]), ("painting", [90, 70])]
    assert all(len(i["pixels_sha256"]) == 64 for i in report["inputs"])
    assert [(o["height"], o["width"]) for o in report["octaves"]] == [(102, 136), (144, 192)]
    assert sum(o["steps"] for o in report["octaves"]) == 6
    assert all(o["evaluations"] > o["steps"] and o["loss"] > 0 and o["seconds"] >= 0 for o in report["octaves"])
    assert set(report["style_distances"]) == {"block1_conv1", "block3_conv1"}
    assert report["stop_reason"] == "steps"
    assert 0 < report["seconds"] < 100
    assert report["peak_memory"] > 2**26
    assert set(report["versions"]) >= {"python", "styler", "tensorflow", "keras", "numpy"}


def test_a_report_needs_overwrite_too(folder):
    (folder / "r.json").write_text("mine")
    assert render("--report", "r.json") == 2
    assert (folder / "r.json").read_text() == "mine"
    assert render("--report", "r.json", "--overwrite") == 0
    assert json.loads((folder / "r.json").read_text())["stop_reason"] == "steps"


def test_an_absent_device_is_refused(folder, capsys):
    assert render("--device", "gpu:7") == 2
    assert "error: no device gpu:7" in capsys.readouterr().err
    assert not (folder / "photo-painting.png").exists()


def test_an_interrupt_keeps_the_best_picture_so_far(folder, capsys, monkeypatch):
    seen = []

    def interrupt(_bar, event):
        seen.append(event)
        if event.step >= 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("styler.cli.progress_lines.ProgressLines.__call__", interrupt)
    assert render("-o", "out.jpg", "--steps", "50") == 130
    err = capsys.readouterr().err
    assert "best so far: out-partial.png" in err
    assert err.splitlines()[-1] == "error: interrupted"
    assert not (folder / "out.jpg").exists()
    np.testing.assert_array_equal(bytes_of(folder / "out-partial.png"), np.asarray(seen[-1].image()))


def test_a_signal_before_the_first_step_is_obeyed_between_two_tasks(folder, monkeypatch):
    phases = []

    def read(*args):
        os.kill(os.getpid(), signal.SIGINT)
        return read_images(*args)

    monkeypatch.setattr("styler.cli.work.read_images", read)
    monkeypatch.setattr("styler.cli.progress_lines.ProgressLines.phase", lambda _bar, words: phases.append(words))
    assert render("-o", "out.png") == 130
    assert phases[:2] == ["loading the network", "reading images"]
    assert "compiling" not in phases
    assert not list(folder.glob("out*"))


def test_an_interrupt_before_the_first_step_leaves_nothing(folder, capsys, monkeypatch):
    def interrupt(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("styler.cli.work.Stylizer", interrupt)
    assert render("-o", "out.png") == 130
    said = capsys.readouterr().err.splitlines()
    assert said == ["nothing new to save: interrupted before the first step", "error: interrupted"]
    assert not list(folder.glob("out*"))


def test_depth_profile_and_place_are_those_of_the_file(folder):
    values = np.uint16(np.rint(blobs(60, 80, 1) * 65535))
    (folder / "photo.tif").write_bytes(by_tifffile(values, iccprofile=color_profiles.wide()))
    words = ["render", "photo.tif", "painting.png", *SMALL]
    assert run([*words, "-o", "deep.png"]) == 0
    assert run([*words, "-o", "plain.png", "--depth", "8", "--profile", "srgb"]) == 0
    deep, plain = read_image(folder / "deep.png"), read_image(folder / "plain.png")
    assert (deep.depth, deep.icc) == (16, color_profiles.wide())
    assert (plain.depth, plain.icc) == (8, None)
    np.testing.assert_allclose(deep.pixels, plain.pixels, atol=2 / 255)


def test_what_was_done_to_the_photo_and_what_the_file_cannot_keep_is_said(folder, capsys):
    rgba = np.dstack([blobs(60, 80, 1), np.linspace(0, 1, 4800).reshape(60, 80)])
    saved(folder / "photo.png", rgba)
    assert render("-o", "out.jpg", *TERSE_WORDS) == 0
    err = capsys.readouterr().err
    assert "note: transparent regions are kept and do not count toward the style" in err
    assert "note: JPEG has no transparency: transparent regions become white" in err


def test_pictures_on_the_way_are_written_as_the_last_one(folder, tmp_path):
    """With depth, profile, transparency, camera fields and a recipe of their own, which gives the same bytes."""
    values = np.uint16(np.rint(np.dstack([blobs(60, 80, 1), np.linspace(0.2, 1, 4800).reshape(60, 80)]) * 65535))
    data = by_tifffile(values, iccprofile=color_profiles.wide(), extrasamples=["unassalpha"])
    (folder / "photo.tif").write_bytes(data)
    words = ["render", "photo.tif", "painting.png", *SMALL, *TERSE_WORDS, "--size", "192", "--steps", "8"]
    words += ["--save-every", "2"]
    assert run([*words, "-o", "out.tif"]) == 0
    for step, width in ((2, 136), (6, 192)):
        on_the_way = read_image(folder / f"out-{step}.png")
        assert (on_the_way.size.width, on_the_way.depth, on_the_way.icc) == (width, 16, color_profiles.wide())
        assert on_the_way.alpha is not None
        assert run(["replay", f"out-{step}.png"]) == 0
        assert (folder / f"out-{step}-replay.png").read_bytes() == (folder / f"out-{step}.png").read_bytes()
    assert run([*words, "-o", "bare.tif", "--no-recipe"]) == 0
    assert read_recipe(folder / "bare-2.png") is None


def test_what_an_interrupt_leaves_can_be_replayed(folder, monkeypatch):
    def interrupt(_bar, event):
        if event.step >= 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("styler.cli.progress_lines.ProgressLines.__call__", interrupt)
        assert render("-o", "out.png", "--steps", "50") == 130
    assert run(["replay", "out-partial.png"]) == 0
    assert (folder / "out-partial-replay.png").read_bytes() == (folder / "out-partial.png").read_bytes()


def test_intermediate_images_that_cannot_be_written_do_not_stop_the_render(folder, capsys, monkeypatch):
    real = work.write_picture

    def full(picture, path, **choices):
        if path.name == "out.png":
            return real(picture, path, **choices)
        raise OutputError("cannot write it: No space left on device")

    monkeypatch.setattr(work, "write_picture", full)
    assert render("-o", "out.png", "--save-every", "1") == 0
    err = capsys.readouterr().err
    assert err.count("warning: cannot write it: No space left on device; intermediate images may be missing") == 1
    assert (folder / "out.png").exists()


def test_at_an_interrupt_on_a_full_disk_the_state_is_tried_too(folder, capsys, monkeypatch):
    events = []

    def interrupt(_interrupt):
        if events:
            raise KeyboardInterrupt

    def full(*_args, **_choices):
        raise OutputError("cannot write it: No space left on device")

    monkeypatch.setattr("styler.cli.progress_lines.ProgressLines.__call__", lambda _bar, event: events.append(event))
    monkeypatch.setattr("styler.cli.interrupt.Interrupt.check", interrupt)
    monkeypatch.setattr(work, "write_picture", full)
    assert render("-o", "out.png", "--steps", "50") == 130
    assert capsys.readouterr().err.splitlines() == [
        "warning: cannot write it: No space left on device",
        "checkpoint: out.png.styler-checkpoint; continue with: styler resume out.png.styler-checkpoint",
        "error: interrupted",
    ]


def test_nobody_listening_costs_no_picture(folder, monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("sys.stderr", Gone())
    assert render("-o", "out.png", "--size", "96") == 0
    assert (folder / "out.png").exists()


def test_dots_per_inch_are_the_photos_unless_others_are_asked_for(folder):
    with Image.open("photo.png") as photo:
        photo.save("photo.png", dpi=(300, 300))
    (folder / "mine.toml").write_text("dpi = 200\nquality = 80\nrecipe = false\n")
    assert render("-o", "own.jpg") == render("-o", "file.jpg", "--config", "mine.toml") == 0
    assert render("-o", "flag.jpg", "--config", "mine.toml", "--dpi", "100") == 0
    dots = []
    for name in ("own", "file", "flag"):
        with Image.open(f"{name}.jpg") as image:
            dots.append(image.info["dpi"])
    assert dots == [(300, 300), (200, 200), (100, 100)]
    assert read_recipe("own.jpg") is not None
    assert read_recipe("file.jpg") is None


@pytest.mark.parametrize("words", [("--dpi", "0"), ("--dpi", "70000"), ("--dpi", "fine")])
def test_dots_per_inch_that_no_file_holds_are_refused(words, capsys):
    assert render("--dry-run", *words) == 2
    assert capsys.readouterr().err.startswith("error: --dpi: expected a whole number from 1 to 65535")


def test_what_happens_to_a_link_is_said(folder, capsys):
    (folder / "store.png").write_bytes(b"theirs")
    (folder / "link.png").symlink_to("store.png")
    assert render("-o", "link.png") == 2
    assert "already exists" in capsys.readouterr().err
    assert render("-o", "link.png", "--overwrite") == 0
    assert "note: link.png was a link to store.png; replaced the link" in capsys.readouterr().err
    assert (folder / "store.png").read_bytes() == b"theirs"
    assert not (folder / "link.png").is_symlink()


@pytest.mark.parametrize("option", ["--output", "--report", "--checkpoint", "--config", "--init"])
def test_a_path_too_long_for_the_system_is_refused_in_one_line(option, capsys):
    for name in ("x" * 300 + ".png", "y/" * 3000 + "a.png"):
        assert render("--dry-run", option, name) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_inputs_of_names_too_long_are_refused_in_one_line(capsys):
    assert run(["render", "x" * 300 + ".png", "painting.png", "-o", "a.png", *SMALL]) == 2
    assert run(["render", "photo.png", "x" * 300 + ".png", *SMALL]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.usefixtures("shared_programs")
def test_images_on_the_way_sort_by_name_and_may_have_the_size_of_the_result(folder):
    assert render("-o", "out.png", "--steps", "10", "--size", "192", "--save-every", "5", "--save-size", "final") == 0
    assert {path.name for path in folder.glob("out-*")} == {"out-05.png", "out-10.png"}
    assert {read_image(path).size for path in folder.glob("out*.png")} == {(144, 192)}
    assert read_recipe("out-05.png") is None, "a recipe could not make an enlarged image"
    assert render("-o", "b.png", "--save-size", "large") == 2
