"""What a checkpoint says of its render beside where it stands: options, files with their hashes, versions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from styler.config import BUILT_IN_INITS, RenderConfig
from styler.errors import CheckpointError, StylerError, shown
from styler.networks import find_network
from styler.networks.weights import located
from styler.recipe import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A render of files.

    Attributes:
        content: The photo.
        styles: The paintings.
        config: How to render them.
        max_pixels: Most pixels of an input, None for what fits into memory.
        choices: What the caller wants to find again; plain values.
        plan: What the options came to in the process that began it, such as the device; None where nobody said.
        versions: Of what the picture's bytes depend on.
    """

    content: Path
    styles: tuple[Path, ...]
    config: RenderConfig
    max_pixels: int | None = None
    choices: Mapping[str, Any] = field(default_factory=dict)
    plan: Plan | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        """Every file that is read: photo, paintings, what to start from, network or weights."""
        config = self.config
        start = [] if config.init in BUILT_IN_INITS else [Path(config.init)]
        name = find_network(config.network).weights_file
        weights = located(name) if name else Path(config.network)
        return [self.content, *self.styles, *start, *([weights] if weights and weights.is_file() else [])]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON; paths become absolute, so that it can be resumed from any folder.

        Raises:
            CheckpointError: A file cannot be read.
        """
        config = self.config.to_dict()
        for name in ("init", "network"):
            if Path(config[name]) in self.files:
                config[name] = str(Path(config[name]).absolute())
        return {
            "content": str(self.content.absolute()),
            "styles": [str(path.absolute()) for path in self.styles],
            "config": config,
            "sha256": [digest(path) for path in self.files],
            "max_pixels": self.max_pixels,
            "choices": dict(self.choices),
            "plan": None if self.plan is None else self.plan.to_dict(),
            "versions": dict(self.versions),
        }


def read_job(values: Mapping[str, Any]) -> Job:
    """The inverse of `Job.to_dict`.

    Raises:
        CheckpointError: It is of another kind, or a file has changed since or is missing.
    """
    try:
        job = Job(
            content=Path(values["content"]),
            styles=tuple(Path(path) for path in values["styles"]),
            config=RenderConfig.from_dict(values["config"]),
            max_pixels=values["max_pixels"],
            choices=dict(values["choices"]),
            plan=None if values["plan"] is None else Plan.from_dict(values["plan"]),
            versions=dict(values["versions"]),
        )
        hashes = list(values["sha256"])
        files = job.files
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        said = cause if isinstance(cause, StylerError) else f"{type(cause).__name__} in what it says of its render"
        message = f"a checkpoint that this styler can resume was expected: {said}"
        raise CheckpointError(message) from cause
    if len(files) != len(hashes):
        message = f"a checkpoint with the hashes of {len(files)} files was expected, it has {len(hashes)}"
        raise CheckpointError(message)
    for path, sha256 in zip(files, hashes, strict=True):
        if digest(path) != sha256:
            message = f"{shown(path)} has changed since the checkpoint was made; put the old file back or start anew"
            raise CheckpointError(message)
    return job


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Raises:
        CheckpointError: It cannot be read.
    """
    try:
        if not path.is_file() and path.exists():  # opening a pipe would wait for its writer
            message = f"cannot read {shown(path)}, which the render needs: a file was expected"
            raise CheckpointError(message)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except CheckpointError:
        raise
    except (OSError, ValueError) as cause:
        why = getattr(cause, "strerror", None) or cause
        message = f"cannot read {shown(path)}, which the render needs: {why}"
        raise CheckpointError(message) from cause
