from __future__ import annotations

import numpy as np

from styler.images.reading import read_image
from styler.inputs import Inputs
from styler.render.outcome import notes_about

GRAY, RED = (read_image(np.float32(np.ones((20, 30, 3)) * color)) for color in ((0.5, 0.5, 0.5), (1, 0, 0)))


def test_gray_masks_in_color_are_noted():
    def notes(**masks):
        return list(notes_about(Inputs(content=RED, styles=((RED,),), **masks), {}))

    assert notes() == notes(keep=GRAY, strength_map=GRAY) == []
    assert notes(keep=RED, strength_map=GRAY) == ["the mask of --keep is in color; its lightness is used"]
    assert notes(strength_map=RED) == ["the mask of --strength-map is in color; its lightness is used"]
