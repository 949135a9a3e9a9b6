from __future__ import annotations

from pathlib import Path

import pytest

from styler.config import RenderConfig
from styler.errors import ImageError
from styler.inputs import Inputs
from styler.render.files import image_files, read_images, with_network

PHOTO, PAINTING = Path("photo.png"), Path("painting.png")
pytestmark = pytest.mark.usefixtures("folder")


@pytest.mark.parametrize(("init", "expected"), [("noise", None), ("start.png", Path("start.png"))])
def test_a_start_is_a_file_where_its_name_is_no_built_in_one(init, expected):
    config = RenderConfig(init=init)
    assert image_files(PHOTO, [PAINTING], config) == Inputs.of(PHOTO, [PAINTING], expected)


def test_the_weights_of_a_network_are_a_file_too(folder, monkeypatch):
    (folder / "compact.npz").write_bytes(b"weights")
    monkeypatch.setenv("STYLER_WEIGHTS", str(folder))
    assert with_network(Inputs.of(PHOTO, [PAINTING]), RenderConfig()).network == folder / "compact.npz"


def test_a_network_without_a_file_has_none(tiny):
    assert with_network(Inputs.of(PHOTO, [PAINTING]), RenderConfig(network=tiny)).network is None


def test_every_image_is_read_and_the_network_is_not():
    files = with_network(image_files(PHOTO, [PAINTING], RenderConfig(init="painting.png")), RenderConfig())
    found = read_images(files)
    assert [each.name for each in found.items] == ["photo", "painting", "painting"]
    with pytest.raises(ImageError, match="pixels"):
        read_images(files, max_pixels=10)
