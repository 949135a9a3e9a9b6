from pathlib import Path

import pytest

from styler.cli.request import checked_request
from styler.cli.saving import checked_saving
from styler.config import RenderConfig
from styler.errors import ConfigError, OutputError


@pytest.fixture
def saving(folder):
    def checked(checkpoint=None, every="30s", overwrite=False):
        request = checked_request(
            Path("photo.png"), [Path("painting.png")], Path("out.png"), RenderConfig(), overwrite=overwrite
        )
        return checked_saving(request, checkpoint, every, overwrite=overwrite)

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
    with pytest.raises(ConfigError, match=r"--checkpoint-every: expected a (time, such|number at least 0)"):
        saving(every=text)


def test_one_that_is_there_is_not_thrown_away_unasked(saving, folder):
    (folder / "out.png.styler-checkpoint").write_bytes(b"hours")
    with pytest.raises(OutputError, match="go on with it by styler resume, or start anew with --overwrite"):
        saving()
    assert saving(overwrite=True).replace
    assert saving("off").path is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("absent/state", "folder absent does not exist"),
        ("photo.png", "it is the input photo.png"),
        ("out.png", "a file for the checkpoint alone"),
        (".", "a file for the checkpoint alone"),
    ],
)
def test_other_files_are_out_of_bounds(saving, path, said):
    with pytest.raises(OutputError, match=said):
        saving(path, overwrite=True)
