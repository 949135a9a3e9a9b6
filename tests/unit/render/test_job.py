import os
import re
from pathlib import Path

import pytest

from styler.config import RenderConfig
from styler.errors import CheckpointError
from styler.inputs import Inputs
from styler.render.files import image_files, with_network
from styler.render.job import Job, read_job

pytestmark = pytest.mark.usefixtures("folder", "tiny")


def job(**options):
    config = RenderConfig(network="tiny", **options)
    files = image_files(Path("photo.png"), [Path("painting.png")], config)
    return Job(inputs=with_network(files, config), config=config)


def test_it_can_be_read_from_another_folder(folder, tmp_path_factory, monkeypatch):
    described = job(strength=0.3, style_layers=(("block1_conv1", 1.0),)).to_dict()
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    found = read_job(described)
    assert found.inputs == Inputs.of(folder / "photo.png", [folder / "painting.png"])
    assert found.config == job(strength=0.3, style_layers=(("block1_conv1", 1.0),)).config
    assert found.to_dict() == described


def test_the_paintings_of_a_folder_stay_one_group(folder):
    (folder / "art").mkdir()
    for name in ("a.png", "b.png"):
        (folder / "art" / name).write_bytes((folder / "painting.png").read_bytes())
    config = RenderConfig(network="tiny", style_weights=(2.0, 1.0))
    files = image_files(Path("photo.png"), [Path("art"), Path("painting.png")], config)
    described = Job(inputs=files, config=config).to_dict()
    (folder / "art" / "new.png").touch()
    expected = ((folder / "art" / "a.png", folder / "art" / "b.png"), (folder / "painting.png",))
    assert read_job(described).inputs.styles == expected


@pytest.mark.parametrize("name", ["photo.png", "painting.png", "start.png"])
def test_a_changed_file_is_named(folder, name):
    (folder / "start.png").write_bytes((folder / "photo.png").read_bytes())
    described = job(init="start.png").to_dict()
    with (folder / name).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(CheckpointError, match=rf"{re.escape(name)} has changed since the checkpoint was made"):
        read_job(described)


@pytest.mark.parametrize("make", [Path.unlink, lambda path: (path.unlink(), os.mkfifo(path))], ids=["absent", "pipe"])
def test_a_file_that_cannot_be_read_is_named(folder, make):
    described = job().to_dict()
    make(folder / "painting.png")
    with pytest.raises(CheckpointError, match=r"cannot read .*painting\.png, which the render needs"):
        read_job(described)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"config": {"stength": 1}}, "Did you mean 'strength'"),
        ({"config": {"network": "vgg18"}}, "unknown network 'vgg18'"),
        ({"inputs": 3}, "TypeError in its description"),
        ({"inputs": [{"role": "content"}]}, "KeyError in its description"),
    ],
)
def test_a_description_of_another_kind_is_refused(changes, said):
    with pytest.raises(CheckpointError, match=said):
        read_job({**job().to_dict(), **changes})


def test_the_weights_are_among_the_files(monkeypatch, folder):
    (folder / "compact.npz").write_bytes(b"weights")
    monkeypatch.setenv("STYLER_WEIGHTS", str(folder))
    files = Inputs.of(Path("photo.png"), [Path("painting.png")])
    compact = Job(inputs=with_network(files, RenderConfig()), config=RenderConfig())
    described = compact.to_dict()
    (folder / "compact.npz").write_bytes(b"others")
    with pytest.raises(CheckpointError, match=r"compact\.npz has changed"):
        read_job(described)
