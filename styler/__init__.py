"""Neural style transfer: a photo and a painting in, a picture out.

`stylize` renders one picture, `Stylizer` renders many, and `render_batch` renders whole lists of jobs.
`FeatureExtractor` returns the activations of any Keras model, and `GraphExtractor` those of any TensorFlow graph.
TensorFlow is imported when one of these is first used, not when this package is imported.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import styler.forks  # noqa: F401 - notices a fork from now on
from styler.config import RenderConfig
from styler.errors import (
    BatchError,
    CheckpointError,
    ConfigError,
    ImageError,
    LayerError,
    NetworkError,
    OutputError,
    ResourceError,
    StylerError,
    WeightsError,
)
from styler.progress import Observer, StepEvent
from styler.quiet import without_messages

if TYPE_CHECKING:
    from styler.api import StyleResult, Stylizer, resume, stylize
    from styler.batch.batch import render_batch
    from styler.batch.events import Outcome
    from styler.batch.jobs import Job
    from styler.features.extractor import FeatureExtractor
    from styler.features.graph import GraphExtractor
    from styler.features.table import addresses
    from styler.render.report import Report

__version__ = "0.1.0"

_LATE = {
    "Job": "styler.batch.jobs",
    "Outcome": "styler.batch.events",
    "render_batch": "styler.batch.batch",
    "FeatureExtractor": "styler.features.extractor",
    "GraphExtractor": "styler.features.graph",
    "addresses": "styler.features.table",
    "Report": "styler.render.report",
    "StyleResult": "styler.api",
    "Stylizer": "styler.api",
    "resume": "styler.api",
    "stylize": "styler.api",
}

__all__ = [
    "BatchError",
    "CheckpointError",
    "ConfigError",
    "FeatureExtractor",
    "GraphExtractor",
    "ImageError",
    "Job",
    "LayerError",
    "NetworkError",
    "Observer",
    "Outcome",
    "OutputError",
    "RenderConfig",
    "Report",
    "ResourceError",
    "StepEvent",
    "StyleResult",
    "StylerError",
    "Stylizer",
    "WeightsError",
    "addresses",
    "render_batch",
    "resume",
    "stylize",
]


def __getattr__(name: str) -> Any:
    """Import a part that needs TensorFlow or Pillow when it is first used."""
    if name not in _LATE:
        raise AttributeError(f"module 'styler' has no attribute {name!r}")  # noqa: EM102
    from importlib import import_module

    with without_messages() if "tensorflow" not in sys.modules else nullcontext():
        return getattr(import_module(_LATE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
