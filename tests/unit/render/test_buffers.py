from __future__ import annotations

from styler.images.mapped import is_mapped
from styler.render.buffers import Buffers


def test_arrays_are_zeros_and_told_of(tmp_path):
    buffers = Buffers(tmp_path, frozenset({"image"}))
    image, moves = buffers.zeros("image", (4, 5, 3)), buffers.zeros("moves", (2, 60))
    assert not image.any()
    assert not moves.any()
    assert buffers.described() == {"image": {"bytes": 240, "mapped": False}, "moves": {"bytes": 480, "mapped": True}}
    assert is_mapped(moves)
    assert not is_mapped(image)


def test_without_a_folder_all_stays_in_memory():
    buffers = Buffers()
    assert not is_mapped(buffers.zeros("moves", (2, 60)))
    assert not buffers.mapped
