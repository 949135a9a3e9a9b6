"""The report of a finished render."""

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
        config: Options of the render.
        inputs: Role, name, size (height, width), notes and SHA-256 of the pixels of each image, content first.
        octaves: One row per octave: size, steps, evaluations, seconds, final loss.
        style_distances: Style layer -> relative style distance of the result, 0 for a perfect match.
        content_distances: Content layer -> distance of the result, 0 for the photo itself.
        history: Steps made so far and the lowest loss of their octave, about once per second; losses of different
            octaves cannot be compared.
        stop_reason: "steps", "converged", "line search", "diverged", "one pass" or "strength": see
            `styler.render.outcome`.
        setbacks: Number of times that the optimizer diverged and went back to its best image.
        notes: Remarks about the render, such as regions that are too small for a layer.
        warnings: Flaws that `styler.render.flaws` found, and whether the optimizer diverged.
        seconds: Wall time of the render, without imports and reading.
        peak_memory: Largest resident memory of the process so far, bytes.
        versions: Versions of Python, styler and the libraries that the picture's bytes depend on.
        plan: Predicted memory and seconds, the tiles, and the reasons for them.
        memory: Actions that were taken when memory ran low, and the last octave's buffers with their bytes.
    """

    config: dict[str, Any]
    inputs: list[dict[str, Any]]
    octaves: list[dict[str, object]]
    style_distances: dict[str, float]
    content_distances: dict[str, float]
    history: list[list[float]]
    stop_reason: str
    setbacks: int
    notes: list[str]
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
    """Make the report of a finished render of these pictures."""
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
        notes=list(outcome.notes),
        warnings=list(outcome.warnings),
        seconds=round(outcome.seconds, 3),
        peak_memory=peak_memory(),
        versions=versions(),
        plan=outcome.plan,
        memory=outcome.memory,
    )


def versions() -> dict[str, str]:
    """Return the versions of Python, styler and the libraries that a picture's bytes depend on."""
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
