import pytest

from styler.cli.reader import cut
from styler.types import Size


@pytest.mark.parametrize(
    ("size", "shape", "said"),
    [
        ((200, 300), (96, 96), "the middle 200x200 of 300x200 pixels"),
        ((300, 200), (50, 100), "the middle 200x100 of 200x300 pixels"),
        ((200, 300), (96, 144), ""),
        ((201, 300), (96, 144), ""),
        ((96, 96), (96, 96), ""),
    ],
)
def test_what_is_cut_off_is_said(size, shape, said):
    assert cut(Size(*size), Size(*shape)) == said
