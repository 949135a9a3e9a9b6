from __future__ import annotations

from pathlib import Path

import pytest

from styler.render.mask_files import mask_files


@pytest.mark.parametrize(
    ("stems", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "b", "A"], ["1-a", "2-b", "3-A"]),
        (["a", "1-a", "a"], ["1-a", "2-1-a", "3-a"]),
        (["overlay"], ["1-overlay"]),
        (["é" * 122, "b"], ["1", "2"]),
    ],
)
def test_every_mask_has_a_file_of_its_own_with_a_name_that_can_be_written(stems, expected):
    paintings = [Path(f"{stem}.jpg") for stem in stems]
    names = [path.name for path in mask_files(Path("made/out.png"), paintings, 255)]
    assert names == ["out-mask.png", *(f"out-mask-{name}.png" for name in expected), "out-mask-overlay.png"]
