from pathlib import Path

import pytest

from styler.cli.request import checked_request
from styler.cli.saving import checked_saving
from styler.config import RenderConfig
from styler.errors import ConfigError, OutputError
from styler.inputs import Inputs
from styler.render.checkpoint import write_checkpoint
from support.checkpoints import example


@pytest.fixture
def saving(folder):
    def checked(checkpoint=None, every="30s", overwrite=False, **others):
        files = Inputs.of(Path("photo.png"), [Path("painting.png")])
        request = checked_request(files, Path("out.png"), RenderConfig(), overwrite=overwrite)
        return checked_saving(request, checkpoint, every, overwrite=overwrite, **others)

    return checked


def test_beside_the_output_unless_asked_otherwise(saving):
    assert saving().path == Path("out.png.styler-checkpoint")
    assert not saving().always
    assert saving("here").path == Path("here")
    assert saving("here").always
    assert saving("off").path is None


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("10m", 600), ("2h", 7200), ("0s", 0), ("1.5", 1.5)])
def test_times(saving, text, seconds):
    assert saving(every=text).every == seconds


@pytest.mark.parametrize("text", ["", "s", "soon", "-3s", "nan", "inf", "3d"])
def test_what_is_no_time(saving, text):
    with pytest.raises(ConfigError, match=r"checkpoint_every: expected a (time, such|number of at least 0)"):
        saving(every=text)


def test_one_that_is_there_is_not_thrown_away_unasked(saving, folder):
    write_checkpoint(folder / "out.png.styler-checkpoint", example())
    with pytest.raises(OutputError, match=r"styler resume.*--overwrite"):
        saving()
    assert saving(overwrite=True).replace
    assert saving("off").path is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("absent/state", "folder absent does not exist"),
        ("photo.png", "it is the input photo.png"),
        ("out.png", "a file used for the checkpoint only"),
        (".", "a file used for the checkpoint only"),
    ],
)
def test_other_files_are_out_of_bounds(saving, path, said):
    with pytest.raises(OutputError, match=said):
        saving(path, overwrite=True)


def test_a_file_that_is_no_checkpoint_is_never_replaced(saving, folder):
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.txt: .*checkpoint; .*--checkpoint"):
        saving("notes.txt", overwrite=True)


@pytest.mark.parametrize(
    ("checkpoint", "report", "said"),
    [
        ("same", "./same", "same: the checkpoint has the same name; choose another --report"),
        ("out-006.png", None, "an intermediate image has the same name; choose another --checkpoint"),
        (None, "out-009.png", "an intermediate image has the same name; choose another --report"),
        (None, "folder/../out-partial.png", "the image kept after an interrupt has the same name"),
        (None, "out.png.styler-checkpoint", "the checkpoint has the same name"),
    ],
)
def test_files_of_one_render_do_not_replace_each_other(saving, folder, checkpoint, report, said):
    (folder / "folder").mkdir()
    with pytest.raises(OutputError, match=said):
        saving(checkpoint, report=report and Path(report), save_every=3)


def test_names_that_only_look_alike_are_fine(saving):
    saving("out-5.png", report=Path("out-x6.png"), save_every=3)
    saving("out-6.png", report=Path("out-partial.json"))
