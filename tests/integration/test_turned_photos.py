"""Photos of 12 megapixels, as a telephone makes them: what is too large for memory is turned as well."""

from __future__ import annotations

import numpy as np
import pytest

from support.turned import TURNS, check_turned, ramps

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [3, 4])
def test_turns_as_the_camera_was_held(tmp_path, orientation, dtype, channels):
    check_turned(tmp_path / "photo.png", ramps((3000, 4000), dtype, channels), orientation)
