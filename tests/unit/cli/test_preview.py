"""`styler preview` in this process, on a small network of random weights."""

from __future__ import annotations

import pytest

from styler.cli.app import run
from styler.cli.previewing import preview_options
from styler.config import PREVIEW_SIZE
from styler.errors import OptionError
from styler.images.recipes import read_recipe
from styler.recipe import Recipe

SMALL = ("--network", "tiny", "--steps", "4", "--device", "cpu", "--compile", "graph")
pytestmark = pytest.mark.usefixtures("folder", "tiny", "shared_programs")


def recipe_of(path):
    return Recipe.from_text(read_recipe(path))


def test_a_replay_at_another_size_keeps_the_marks(folder, capsys):
    assert run(["preview", "photo.png", "painting.png", "--size", "64", *SMALL]) == 0
    said = capsys.readouterr().err
    assert "note: larger, with this look: styler replay photo-painting-preview.png --size 2048" in said
    preview = recipe_of("photo-painting-preview.png")
    assert (preview.config.size, preview.config.style_match) == (64, 64)
    assert run(["replay", "photo-painting-preview.png", "--size", "96", "-o", "large.png"]) == 0
    large = recipe_of("large.png")
    assert (large.config.size, large.config.style_match) == (96, 64)
    assert [max(level[:2]) for level in large.plan.octaves] == [64, 96]
    assert run(["replay", "large.png", "-o", "again.png"]) == 0
    assert (folder / "again.png").read_bytes() == (folder / "large.png").read_bytes()
    assert run(["replay", "large.png", "--style-match", "none", "-o", "plain.png"]) == 0
    assert recipe_of("plain.png").config.style_match is None


def test_a_file_of_options_for_the_final_picture_serves_its_preview(folder):
    file = folder / "options.toml"
    file.write_text("size = 2048\nstrength = 0.7\n")
    config, _ = preview_options(file, {})
    assert (config.size, config.style_match, config.strength) == (PREVIEW_SIZE, PREVIEW_SIZE, 0.7)
    file.write_text("style_match = 512\n")
    config, _ = preview_options(file, {"size": "256"})
    assert (config.size, config.style_match) == (256, 512)
    config, _ = preview_options(None, {"style_match": "none"})
    assert config.style_match is None
    with pytest.raises(OptionError, match="size: expected a number of pixels for a preview"):
        preview_options(None, {"size": "original"})
