"""What is told of a render once it is done."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from typing import Any

from styler.config import RenderConfig
from styler.images.picture import Picture
from styler.inputs import Inputs
from styler.memory import peak_memory
from styler.render.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What happened during a render.

    Attributes:
        config: The options it was made with.
        inputs: Role, name, size (height, width), notes and SHA-256 of the pixels of each image, content first.
        octaves: A line for each octave: size, steps, evaluations, seconds, loss at the end.
        style_distances: Style layer -> relative style distance of the result, 0 for a perfect match.
        content_distances: Content layer -> distance of the result, 0 for the photo itself.
        history: Steps made so far and the lowest loss of their octave, about every second; losses of different
            octaves do not compare.
        stop_reason: "steps", "converged", "line search", "diverged" or "strength": see `styler.render.renderer`.
        setbacks: How often the optimizer went astray and was set back to its best image.
        warnings: What is wrong with the picture to the eye of `styler.render.flaws`.
        seconds: Wall time of the render, without imports and reading.
        peak_memory: Largest resident memory of the process so far, bytes.
        versions: Of Python, styler, TensorFlow and Keras.
        plan: Predicted memory and seconds, tiles, and why they were chosen.
        memory: What was done when memory ran low, and the buffers of the last octave with their bytes.
    """

    config: dict[str, Any]
    inputs: list[dict[str, Any]]
    octaves: list[dict[str, object]]
    style_distances: dict[str, float]
    content_distances: dict[str, float]
    history: list[list[float]]
    stop_reason: str
    setbacks: int
    warnings: list[str]
    seconds: float
    peak_memory: int
    versions: dict[str, str]
    plan: dict[str, Any]
    memory: dict[str, Any]

    def to_json(self) -> str:
        """The report as indented JSON."""
        return json.dumps(asdict(self), indent=2)


def reported(config: RenderConfig, inputs: Inputs[Picture], outcome: Outcome) -> Report:
    """What is told of a render of these pictures."""
    return Report(
        config=config.to_dict(),
        inputs=[
            {
                "role": role,
                "name": picture.name,
                "size": list(picture.size),
                "notes": list(picture.notes),
                "pixels_sha256": picture.pixels_sha256,
            }
            for role, picture, _ in inputs.entries
        ],
        octaves=outcome.octaves,
        style_distances=outcome.style_distances,
        content_distances=outcome.content_distances,
        history=[[step, round(loss, 6)] for step, loss in outcome.history],
        stop_reason=outcome.stop_reason,
        setbacks=outcome.setbacks,
        warnings=list(outcome.warnings),
        seconds=round(outcome.seconds, 3),
        peak_memory=peak_memory(),
        versions=versions(),
        plan=outcome.plan,
        memory=outcome.memory,
    )


def versions() -> dict[str, str]:
    """Versions of what a picture's bytes depend on."""
    import imagecodecs
    import keras
    import numpy as np
    import PIL
    import tensorflow as tf

    import styler
    from styler.images.libvips import libvips

    return {
        "python": platform.python_version(),
        "styler": styler.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "pillow": PIL.__version__,
        "libvips": ".".join(str(libvips().version(part)) for part in range(3)),
        "imagecodecs": imagecodecs.__version__,
    }
