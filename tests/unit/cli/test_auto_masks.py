"""`styler render --mask auto`."""

from __future__ import annotations

import pytest

from styler.cli.app import run
from styler.images.reading import read_image
from styler.images.recipes import read_recipe
from styler.recipe import Recipe
from support.programs import TERSE_WORDS

SMALL = ("--network", "tiny", "--size", "64", "--steps", "2", "--device", "cpu", "--compile", "graph")
QUICK = ("--optimizer", "adam", *TERSE_WORDS)  # their program is traced soonest
WORDS = ("render", "photo.png", "painting.png", *SMALL, *QUICK, "-o", "out.png", "--mask", "auto")
WRITTEN = ("out-mask.png", "out-mask-painting.png", "out-mask-overlay.png")
pytestmark = pytest.mark.usefixtures("folder", "tiny", "shared_programs")


def test_masks_are_written_used_and_can_be_passed_back(folder, capsys):
    assert run(list(WORDS)) == 0
    assert read_image(WRITTEN[0]).size == (60, 80)
    assert read_image(WRITTEN[1]).size == (90, 70)
    assert (folder / WRITTEN[2]).is_file()
    config = Recipe.from_text(read_recipe("out.png")).config
    assert (config.content_mask, config.style_mask) == (WRITTEN[0], (WRITTEN[1],))
    masks = ("--content-mask", WRITTEN[0], "--style-mask", WRITTEN[1])
    assert run(["render", "photo.png", "painting.png", *SMALL, *QUICK, "-o", "again.png", *masks]) == 0
    assert (folder / "again.png").read_bytes() == (folder / "out.png").read_bytes()
    assert run(["replay", "out.png", "-o", "replayed.png"]) == 0
    assert (folder / "replayed.png").read_bytes() == (folder / "out.png").read_bytes()
    capsys.readouterr()
    (folder / "out.png").unlink()
    assert run(list(WORDS)) == 2
    assert "out-mask.png already exists and --mask auto would replace it" in capsys.readouterr().err
    assert run([*WORDS, "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--mask", "some"), "--mask: expected auto, got 'some'"),
        (("--content-mask", "photo.png", "--style-mask", "none"), "photo.png to have areas of flat color"),
        (("--report", "./out-mask.png"), "cannot write out-mask.png: --mask auto writes a mask there"),
    ],
)
def test_what_cannot_have_masks_is_refused(folder, capsys, words, expected):
    assert run([*WORDS, *words]) == 2
    assert expected in capsys.readouterr().err
    assert not [path for path in WRITTEN if (folder / path).exists()]


def test_a_dry_run_writes_no_masks(folder):
    assert run([*WORDS, "--dry-run"]) == 0
    assert not [path for path in WRITTEN if (folder / path).exists()]


def test_of_a_cropped_painting_the_part_that_is_used_has_regions():
    assert run([*WORDS, "--style-crop", "0.5,0,1,1"]) == 0
    mask = read_image(WRITTEN[1]).pixels
    assert mask.shape[:2] == (90, 70)
    assert not mask[:, :35].any()
    assert mask[:, 35:].any(-1).all()
