"""`styler features FOLDER`: an archive an image, done once, never half, never silently another."""

from __future__ import annotations

import errno
import os
import signal

import numpy as np
import pytest

from styler.cli.app import run
from styler.errors import OutputError
from styler.features.archive import read_origin, write_archive
from support.pictures import blobs, saved, stripes

pytestmark = pytest.mark.usefixtures("tiny")
LAYERS = "block1_conv1,block2_conv1"


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    saved(folder / "a.png", blobs(64, 80, 1))
    saved(folder / "a.jpg", blobs(48, 64, 2))
    saved(folder / "sub" / "b.png", stripes(64, 48))
    return folder


NAMES = ["a.jpg.npz", "a.png.npz", "sub/b.png.npz"]


@pytest.fixture
def extract(photos, tmp_path):
    def start(*words, layers=LAYERS):
        return run(["features", str(photos), "--layers", layers, "--network", "tiny", "-o", f"{tmp_path}/out/", *words])

    return start


def archives(tmp_path):
    out = tmp_path / "out"
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


def times(tmp_path):
    return {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in archives(tmp_path)}


def test_an_archive_for_each_image_as_one_alone_would_be(extract, photos, tmp_path):
    assert extract("--size", "44") == 0
    assert archives(tmp_path) == NAMES
    alone = tmp_path / "alone.npz"
    words = ["--layers", LAYERS, "--network", "tiny", "--size", "44", "-o", str(alone)]
    assert run(["features", str(photos / "sub" / "b.png"), *words]) == 0
    with np.load(alone) as one, np.load(tmp_path / "out" / "sub" / "b.png.npz") as other:
        assert one.files == other.files == LAYERS.split(",")
        for key in one.files:
            np.testing.assert_allclose(other[key], one[key], rtol=1e-5, atol=1e-6)


def test_images_keep_their_own_sizes(extract, tmp_path):
    assert extract() == 0
    shapes = [np.load(tmp_path / "out" / name)["block1_conv1"].shape for name in NAMES]
    assert shapes == [(1, 48, 64, 8), (1, 64, 80, 8), (1, 64, 48, 8)]


def test_a_second_run_does_what_is_missing_or_changed(extract, photos, tmp_path, capsys):
    assert extract() == 0
    before = times(tmp_path)
    (tmp_path / "out" / NAMES[0]).unlink()
    saved(photos / "a.png", blobs(64, 80, 9))
    assert extract() == 0
    assert "2 extracted, 1 done before, 0 failed" in capsys.readouterr().err
    after = times(tmp_path)
    assert [name for name in NAMES if before[name] == after[name]] == [NAMES[2]]


def test_an_image_of_the_same_contents_and_another_time_is_done(extract, photos, tmp_path, capsys):
    assert extract() == 0
    os.utime(photos / "a.png", (1, 1))
    assert extract() == 0
    assert "0 extracted, 3 done before" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--size", "44"], "was made with size none, but 44 was requested"),
        (["--reduce", "mean"], "was made with reduce none, but mean was requested"),
        (["--dtype", "float16"], "was made with dtype float32, but float16 was requested"),
        (["--attribution", "block2_conv1:3"], "was made with attribution none, but block2_conv1:3 was requested"),
    ],
)
def test_a_run_with_other_options_refuses_unless_told(extract, tmp_path, capsys, words, said):
    assert extract() == 0
    before = times(tmp_path)
    assert extract(*words) == 2
    assert said in capsys.readouterr().err
    assert times(tmp_path) == before
    assert extract(*words, "--overwrite") == 0
    assert "3 extracted" in capsys.readouterr().err


def test_other_layers_and_other_weights_are_other_options(extract, tmp_path, capsys, monkeypatch):
    assert extract() == 0
    assert extract(layers="block1_conv1") == 2
    assert f"was made with layers {LAYERS}, but block1_conv1 was requested" in capsys.readouterr().err
    archive = tmp_path / "out" / NAMES[1]
    write_archive(archive, {}, origin={**read_origin(archive), "weights": "0" * 64}, overwrite=True)
    assert extract() == 2
    assert "was made with other weights of the network" in capsys.readouterr().err


def test_an_archive_of_somebody_else_stays(extract, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NAMES[0]).write_bytes(b"mine")
    assert extract() == 2
    assert "was not written by this command" in capsys.readouterr().err
    assert archives(tmp_path) == NAMES[:1]
    assert extract("--overwrite") == 0
    assert archives(tmp_path) == NAMES


def test_an_overwriting_run_that_was_stopped_goes_on(extract, tmp_path, capsys):
    assert extract() == 0
    assert extract("--size", "44", "--overwrite") == 0
    capsys.readouterr()
    assert extract("--size", "44", "--overwrite") == 0
    assert "0 extracted, 3 done before" in capsys.readouterr().err


def test_what_cannot_be_read_is_listed_at_the_end(extract, photos, tmp_path, capsys):
    (photos / "0 broken.jpg").write_bytes(b"no image")
    saved(photos / "small.png", blobs(8, 8, 1))
    assert extract() == 3
    assert archives(tmp_path) == NAMES
    lines = capsys.readouterr().err.splitlines()
    assert "3 extracted, 0 done before, 2 failed" in lines[0]
    assert [line.partition(": ")[2].partition(":")[0] for line in lines[1:]] == ["0 broken.jpg", "small.png"]
    (photos / "0 broken.jpg").unlink()
    (photos / "small.png").unlink()
    assert extract() == 0


def test_a_signal_ends_between_two_images(extract, tmp_path, capsys, monkeypatch):
    from styler.cli import folder_extraction

    write = folder_extraction.write_archive

    def interrupted(*args, **kwargs):
        write(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(folder_extraction, "write_archive", interrupted)
    assert extract() == 130
    assert archives(tmp_path) == NAMES[:1]
    monkeypatch.undo()


def test_a_full_disk_ends_the_run(extract, tmp_path, capsys, monkeypatch):
    from styler.cli import folder_extraction

    def full(path, *_, **__):
        raise OutputError(f"cannot write {path}: no space") from OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(folder_extraction, "write_archive", full)
    assert extract() == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert archives(tmp_path) == []


def test_files_into_a_folder_get_an_archive_each(photos, tmp_path):
    out = tmp_path / "out"
    words = ["features", str(photos / "a.png"), str(photos / "a.jpg"), "--layers", LAYERS, "--network", "tiny"]
    assert run([*words, "-o", f"{out}/"]) == 0
    assert archives(tmp_path) == NAMES[:2]


def test_attribution_and_reductions_of_each(extract, tmp_path):
    words = ["--reduce", "mean", "--attribution", "block2_conv1:3", "--method", "gradcam"]
    assert extract(*words, layers="one=block1_conv1") == 0
    with np.load(tmp_path / "out" / NAMES[1]) as archive:
        shapes = {key: array.shape for key, array in archive.items()}
    assert shapes == {"one": (1, 8), "attribution/block2_conv1:3": (1, 64, 80)}


def test_quiet_tells_of_failures_only(extract, photos, capsys):
    assert extract("-q") == 0
    assert capsys.readouterr().err == ""
    (photos / "broken.jpg").write_bytes(b"no image")
    assert extract("-q") == 3
    assert capsys.readouterr().err.startswith("failed: broken.jpg")


def test_a_bar_counts_the_images(extract, capsys):
    assert extract("--progress") == 0
    assert "3/3 images" in capsys.readouterr().err
