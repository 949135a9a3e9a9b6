"""What a worker renders with."""

from __future__ import annotations

import pytest

from styler.batch.engine import Assignment
from styler.batch.worker import Pictures, Placement, Stylizers, render_assignments, written
from styler.cli.app import run
from styler.config import RenderConfig
from styler.images.export import Export
from styler.images.recipes import read_recipe
from styler.inputs import Inputs
from styler.recipe import Recipe
from support.programs import TERSE, TERSE_WORDS

DEVICE = ("--device", "cpu", "--compile", "graph")
QUICK = RenderConfig(network="tiny", size=64, steps=2, optimizer="adam", device="cpu", compile="graph", **TERSE)
DRAFT, INSTANT = (RenderConfig.preset(name, network="tiny", size=64) for name in ("draft", "instant"))


@pytest.mark.usefixtures("shared_programs", "tiny")
def test_a_worker_goes_from_config_to_config_as_they_are():
    studio = Stylizers(Placement())
    for config in (INSTANT, INSTANT.changed(strength=0.3, keep="mask.png"), DRAFT, INSTANT):
        assert studio._stylizer(config).config == config


@pytest.mark.usefixtures("shared_programs", "tiny")
def test_masks_are_found_for_each_picture_so_that_it_can_be_replayed(folder):
    names = ("out-mask.png", "out-mask-painting.png", "out-mask-overlay.png")
    assignment = Assignment(
        number=0,
        inputs=Inputs.of(folder / "photo.png", [folder / "painting.png"]),
        config=QUICK,
        shape=None,
        target=folder / "out.png",
        export=Export(),
        max_pixels=None,
        with_recipe=True,
        digests={},
        masks=tuple(folder / name for name in names),
    )
    ((_, made, together),) = render_assignments(
        Stylizers(Placement()), Pictures(), [assignment], lambda number, event: None
    )
    assert not (folder / names[0]).exists()
    assert written(made, assignment, 0, 1, together).masks.keys() == {*names}
    config = Recipe.from_text(read_recipe("out.png")).config
    assert (config.content_mask, config.style_mask) == (names[0], (names[1],))
    assert run(["replay", "out.png", "-o", "replayed.png"]) == 0
    assert (folder / "replayed.png").read_bytes() == (folder / "out.png").read_bytes()
    words = ("--network", "tiny", "--size", "64", "--steps", "2", "--optimizer", "adam", *TERSE_WORDS)
    assert run(["render", "photo.png", "painting.png", *words, *DEVICE, "--mask", "auto", "-o", "alone.png"]) == 0
    for name in names:
        assert (folder / name.replace("out", "alone")).read_bytes() == (folder / name).read_bytes()
