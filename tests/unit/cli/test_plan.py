from __future__ import annotations

from pathlib import Path

import pytest

from styler.cli.plan import describe
from styler.cli.request import checked_request
from styler.config import RenderConfig
from styler.render.files import image_files


@pytest.fixture
def plan(folder):
    def written(**options):
        config = RenderConfig(**options)
        files = image_files(Path("photo.png"), [Path("painting.png")], config)
        return describe(checked_request(files, Path("photo-painting.png"), config, overwrite=False))

    return written


def test_says_what_is_read_and_written_width_before_height(plan):
    lines = plan(size=512).splitlines()
    assert lines[0] == "content   photo.png  80x60"
    assert lines[1] == "style     painting.png"
    assert lines[2] == "output    photo-painting.png  512x384 (enlarged)"


def test_only_an_enlarged_photo_is_called_so(plan):
    assert "(enlarged)" not in plan(size="original")
    assert "(enlarged)" not in plan(size=80)


def test_tells_octaves_with_their_steps(plan):
    line = plan(size=256, steps=3).splitlines()[-1]
    assert line == "octaves   128x96 (1), 181x136 (1), 256x192 (1); 3 steps of lbfgs"


def test_tells_the_layers_in_use(plan):
    assert "style at  block1_conv1:81, block2_conv1:27" in plan()
    assert "style at  block2_conv1:0.5, loss gram" in plan(style_layers=(("block2_conv1", 0.5),), loss="gram")
    assert "content at block3_conv1:2" in plan(content_layers=(("block3_conv1", 2.0),))


def test_tells_strength_colors_and_start(plan):
    changed = {"strength": 0.3, "content_tone": "match", "start_noise": 0.02, "seed": 4}
    lines = plan(**changed).splitlines()
    assert "strength  0.3, color style, content tone match" in lines
    assert "start     content, noise 0.02, seed 4" in lines
