"""The description of a render in its checkpoint: options, files with their hashes, versions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from styler.config import RenderConfig
from styler.errors import CheckpointError, StylerError, shown
from styler.inputs import Entry, Inputs
from styler.networks import find_network, network_file
from styler.recipe import Plan, with_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A render of files.

    Attributes:
        inputs: The files.
        config: How to render them.
        max_pixels: Maximum number of pixels of an input; None for as many as fit into memory.
        choices: Plain values that the caller stores for later.
        plan: How the first process carried out the render, such as its device; None if unknown.
        versions: Versions of the libraries that the picture's bytes depend on.
    """

    inputs: Inputs[Path]
    config: RenderConfig
    max_pixels: int | None = None
    choices: Mapping[str, Any] = field(default_factory=dict)
    plan: Plan | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; paths become absolute, so that the render can be resumed from any folder.

        Raises:
            CheckpointError: A file cannot be read.
        """
        config = with_names(self.config, self.inputs.map(lambda path: str(path.absolute()))).to_dict()
        network = self.inputs.network
        if network is not None and Path(config["network"]) == network:
            config["network"] = str(network.absolute())
        return {
            "inputs": [_described(entry) for entry in self.inputs.entries],
            "config": config,
            "max_pixels": self.max_pixels,
            "choices": dict(self.choices),
            "plan": None if self.plan is None else self.plan.to_dict(),
            "versions": dict(self.versions),
        }


def _described(entry: Entry[Path]) -> dict[str, Any]:
    path = str(entry.item.absolute())
    return {"role": entry.role, "group": entry.group, "path": path, "sha256": digest(entry.item)}


def read_job(values: Mapping[str, Any]) -> Job:
    """Read a job from the result of `Job.to_dict`.

    Raises:
        CheckpointError: The values do not describe a render, or a file has changed or is missing.
    """
    try:
        files = list(values["inputs"])
        job = Job(
            inputs=Inputs.of_entries(Entry(each["role"], Path(each["path"]), each["group"]) for each in files),
            config=RenderConfig.from_dict(values["config"]),
            max_pixels=values["max_pixels"],
            choices=dict(values["choices"]),
            plan=None if values["plan"] is None else Plan.from_dict(values["plan"]),
            versions=dict(values["versions"]),
        )
        job = replace(job, inputs=_with_network_here(job))
        hashes = [each["sha256"] for each in files]
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        problem = cause if isinstance(cause, StylerError) else f"{type(cause).__name__} in its description"
        message = f"expected a checkpoint that this version of styler can resume: {problem}"
        raise CheckpointError(message) from cause
    for path, sha256 in zip(job.inputs.items, hashes, strict=True):
        if digest(path) != sha256:
            message = f"{shown(path)} has changed since the checkpoint was made; restore the old file or start again"
            raise CheckpointError(message)
    return job


def _with_network_here(job: Job) -> Inputs[Path]:
    """Update the path of the network's file; the weights may have moved with the installation."""
    found = network_file(find_network(job.config.network), job.config.network)
    return replace(job.inputs, network=job.inputs.network and (found or job.inputs.network))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal.

    Raises:
        CheckpointError: The file cannot be read.
    """
    try:
        if not path.is_file() and path.exists():  # opening a pipe would wait for its writer
            message = f"cannot read {shown(path)}, which the render needs: it is not a regular file"
            raise CheckpointError(message)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except CheckpointError:
        raise
    except (OSError, ValueError) as cause:
        why = getattr(cause, "strerror", None) or cause
        message = f"cannot read {shown(path)}, which the render needs: {why}"
        raise CheckpointError(message) from cause
