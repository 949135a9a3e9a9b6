"""Render from Python: `stylize` for one picture, `Stylizer` for many."""

from __future__ import annotations

import copy
import hashlib
import json
import platform
import resource
import sys
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from styler.config import PROFILES, QUALITY, RenderConfig
from styler.errors import ConfigError
from styler.images.export import Export
from styler.images.picture import Picture, Pixels
from styler.images.reading import ImageLike, read_image
from styler.images.resampling import resampled
from styler.images.writing import as_pil, write_picture
from styler.networks import NetworkSpec, find_network
from styler.progress import Observer, StepEvent
from styler.render.engine import Engine
from styler.render.renderer import Rendered, Renderer
from styler.types import PathLike, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What happened during a render.

    Attributes:
        config: The options it was made with.
        inputs: Name, size (height, width), notes and SHA-256 of the pixels of each image, content first.
        octaves: A line for each octave: size, steps, evaluations, seconds, loss at the end.
        style_distances: Style layer -> relative style distance of the result, 0 for a perfect match.
        stop_reason: "steps", "converged" or "strength".
        seconds: Wall time of the render, without imports and reading.
        peak_memory: Largest resident memory of the process so far, bytes.
        versions: Of Python, styler, TensorFlow and Keras.
    """

    config: dict[str, Any]
    inputs: list[dict[str, Any]]
    octaves: list[dict[str, object]]
    style_distances: dict[str, float]
    stop_reason: str
    seconds: float
    peak_memory: int
    versions: dict[str, str]

    def to_json(self) -> str:
        """The report as indented JSON."""
        return json.dumps(asdict(self), indent=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleResult:
    """A rendered picture.

    Attributes:
        picture: Pixels as floats, with the photo's alpha, color profile, depth and camera fields.
        report: How it came about.
        config: The options it was made with.
    """

    picture: Picture
    report: Report
    config: RenderConfig

    @property
    def image(self) -> Image.Image:
        """8 bits in sRGB, dithered: RGB, or RGBA where the photo was transparent."""
        return as_pil(self.picture)

    def save(
        self,
        path: PathLike,
        *,
        quality: int = QUALITY,
        depth: int | None = None,
        profile: str = PROFILES[0],
        keep_gps: bool = False,
        recipe: str | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write atomically in the format of the suffix.

        Args:
            path: Target: png, jpg, webp or tif.
            quality: 1..100, of JPEG and WebP.
            depth: 8 or 16 bits a channel; None for 16 where the photo has more than 8 and the format holds them.
            profile: "keep" for the photo's own color profile, "srgb" for sRGB.
            keep_gps: Whether the place where the photo was taken is passed on.
            recipe: A text to carry along, see `styler.images.recipes`.
            overwrite: Whether an existing file may be replaced.

        Raises:
            OutputError: Unknown format, absent folder, full disk, or an existing file without `overwrite`.
        """
        export = Export(quality=quality, depth=depth, profile=profile, keep_gps=keep_gps, recipe=recipe)
        return write_picture(self.picture, path, export=export, overwrite=overwrite)


class Stylizer:
    """Renders many pictures with one config; keeps the network, compiled programs and style statistics.

    Args:
        config: What to render; the default is the preset "balanced".
        network: A network that is not registered, instead of the one that `config` names.

    Raises:
        NetworkError: `config` names an unknown network.
        LayerError: `config` names a layer that the network does not have.
        WeightsError: The network's weights are absent or damaged.
    """

    def __init__(self, config: RenderConfig | None = None, *, network: NetworkSpec | None = None) -> None:
        self.config = config or RenderConfig()
        self._engine = Engine(self.config, network or find_network(self.config.network))

    def changed(self, **changes: Any) -> Stylizer:
        """One with another config, which shares network, compiled programs and statistics where they fit.

        They fit when only size, strength, weights, color, start, steps, scales or seed change.

        Args:
            **changes: Fields of `RenderConfig`.

        Raises:
            StylerError: As for the class.
        """
        config = RenderConfig.from_dict({**self.config.to_dict(), **changes})
        if not self._engine.serves(config):
            return Stylizer(config, network=None if "network" in changes else self._engine.network)
        shared = copy.copy(self)
        shared.config = config
        return shared

    def render(
        self, content: ImageLike, style: ImageLike | Sequence[ImageLike], *, observer: Observer | None = None
    ) -> StyleResult:
        """Render one picture.

        Args:
            content: The photo: a path, a PIL image, an array (H, W, 3 or 4), uint8, uint16 or float 0..1, or a
                picture that `styler.images.reading.read_image` has read.
            style: The painting, or several of them.
            observer: Called with a `StepEvent` about every second.

        Raises:
            ImageError: An image cannot be read.
            ConfigError: The images do not fit the config.
        """
        events = self.iterate(content, style)
        while True:
            try:
                event = next(events)
            except StopIteration as finished:
                result: StyleResult = finished.value
                return result
            if observer is not None:
                observer(event)

    def iterate(
        self, content: ImageLike, style: ImageLike | Sequence[ImageLike], *, event_every: int | None = None
    ) -> Generator[StepEvent, None, StyleResult]:
        """Render step by step: stop whenever you like, `event.image()` is the best so far.

        Args:
            content: As in `render`.
            style: As in `render`.
            event_every: An event at every multiple of this step at the latest.

        Yields:
            An event after each call of the compiled program, about every second.

        Returns:
            The result, as the value of the generator.
        """
        photo = read_image(content)
        paintings = [read_image(source) for source in listed(style)]
        rendered = yield from Renderer(self.config, self._engine).render(photo, paintings, event_every)
        report = _report(self.config, [photo, *paintings], rendered)
        return StyleResult(picture=finished(photo, rendered.pixels), report=report, config=self.config)


def stylize(
    content: ImageLike,
    style: ImageLike | Sequence[ImageLike],
    *,
    config: RenderConfig | None = None,
    observer: Observer | None = None,
    **changes: Any,
) -> StyleResult:
    """Render a photo in the style of a painting.

    Args:
        content: The photo: a path, a PIL image, or an array (H, W, 3 or 4), uint8 or float 0..1.
        style: The painting, or several of them.
        config: What to render; the default is the preset "balanced".
        observer: Called with a `StepEvent` about every second.
        **changes: Fields of `RenderConfig` that win over `config`, such as `size=1024`.

    Returns:
        The picture, its report and its config.

    Raises:
        StylerError: Any of the errors of `styler.errors`.

    Example:
        >>> result = stylize("photo.jpg", "painting.jpg", size=512)
        >>> result.save("out.png")
    """
    chosen = config or RenderConfig()
    values = {**chosen.to_dict(), **changes}
    return Stylizer(RenderConfig.from_dict(values)).render(content, style, observer=observer)


def finished(photo: Picture, pixels: Pixels) -> Picture:
    """Rendered pixels with what the photo brings along: alpha at the new size, profile, depth, camera fields."""
    alpha = photo.alpha
    if alpha is not None:
        alpha = resampled(alpha[..., None], Size(*pixels.shape[:2]))[..., 0]
    return replace(photo, pixels=pixels, alpha=alpha)


def listed(style: ImageLike | Sequence[ImageLike]) -> list[ImageLike]:
    """One style or several as a list.

    Raises:
        ConfigError: An empty list.
    """
    styles: list[ImageLike] = list(style) if isinstance(style, list | tuple) else [style]  # type: ignore[list-item]
    if not styles:
        message = "expected at least one style image, got none"
        raise ConfigError(message)
    return styles


def _report(config: RenderConfig, pictures: list[Picture], rendered: Rendered) -> Report:
    return Report(
        config=config.to_dict(),
        inputs=[
            {
                "name": picture.name,
                "size": list(picture.size),
                "notes": list(picture.notes),
                "pixels_sha256": hashlib.sha256(picture.pixels.tobytes()).hexdigest(),
            }
            for picture in pictures
        ],
        octaves=rendered.octaves,
        style_distances=rendered.style_distances,
        stop_reason=rendered.stop_reason,
        seconds=round(rendered.seconds, 3),
        peak_memory=peak_memory(),
        versions=versions(),
    )


def peak_memory() -> int:
    """Largest resident memory of this process so far, bytes."""
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes on macOS, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def versions() -> dict[str, str]:
    """Versions of what a picture's bytes depend on."""
    import keras
    import numpy as np
    import tensorflow as tf

    import styler

    return {
        "python": platform.python_version(),
        "styler": styler.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }
