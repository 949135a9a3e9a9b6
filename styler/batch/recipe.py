"""Hash everything that a picture depends on: options, input files, network weights and versions."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import styler
from styler.batch.jobs import Job
from styler.config import RenderConfig, fields_with
from styler.images.libvips import libvips
from styler.networks import decoder_file, find_network, network_file
from styler.networks.weights import sha256
from styler.options import REGIONS, SCHEDULE, START, WEIGHTS
from styler.processors import count_processors
from styler.recipe import with_names
from styler.types import Size

FORMAT = 2  # increase it when the same options give a different picture but the version stays the same
UNREADABLE = "unreadable"  # in place of the hash of a file that cannot be read
PACKAGES = ("tensorflow", "keras", "numpy", "pillow", "imagecodecs")
SHARED = fields_with(SCHEDULE, START, REGIONS, WEIGHTS)
"""Options that do not affect compiled programs or style statistics; see `Stylizer.changed`."""


def recipe_hash(job: Job, digests: Mapping[Path, str], shape: Size | None) -> str:
    """Return the SHA-256 of a job's recipe as 64 hexadecimal digits.

    Args:
        job: The job.
        digests: SHA-256 of each input file.
        shape: (height, width) on the grid of `--fast-shapes`, or None if that option is off.
    """
    hashes = job.inputs.map(digests.__getitem__)
    config = with_names(job.config, hashes.map(lambda sha256: sha256 or UNREADABLE)).to_dict()
    recipe = {
        "format": FORMAT,
        "config": {**config, "network": _network(config["network"], job.config.needs_decoder)},
        "content": hashes.content,
        "styles": hashes.styles if any(len(group) > 1 for group in hashes.styles) else hashes.paintings,
        "shape": shape,
        "suffix": Path(job.name).suffix.lower(),
        "export": {**asdict(job.export), "with_recipe": job.with_recipe},
        "versions": versions(),
        **_mask(job),
    }
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def _mask(job: Job) -> dict[str, str]:
    """Return how masks are found: what is found depends on the images, the network and the versions alone."""
    return {} if job.mask is None else {"mask": job.mask}


def own_network(job: Job) -> dict[Path, str]:
    """Map the file of a custom network to its SHA-256; empty for a registered network, which every machine has."""
    path = Path(job.config.network)
    return {path: sha256(path)} if path.is_file() else {}


def file_digests(paths: Iterable[Path]) -> dict[Path, str]:
    """Hash many files in parallel with SHA-256; a file that cannot be read gets ""."""
    unique = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(count_processors()) as pool:  # hashing releases the GIL
        return dict(zip(unique, pool.map(digest, unique), strict=True))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits, or "" if the file cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def without_shared(config: RenderConfig) -> RenderConfig:
    """Reset the options that do not affect compiled programs or style statistics to their defaults."""
    usual = RenderConfig()
    return config.changed(**{name: getattr(usual, name) for name in SHARED})


def statistics_tag(config: RenderConfig) -> str:
    """Return, as text, everything that style statistics depend on, apart from the painting and its size."""
    network = _network(config.network, config.needs_decoder)
    return json.dumps([FORMAT, without_shared(config).to_dict(), network, versions()], sort_keys=True)


@cache
def _network(name: str, needs_decoder: bool) -> dict[str, str]:
    """Identify a network by its name (or file name) and the SHA-256 of its weights, and of its decoder's if needed."""
    network = find_network(name)
    path = network_file(network, name)
    found = {"name": Path(name).name, "weights": sha256(path) if path else ""}
    decoder = decoder_file(network) if needs_decoder else None
    return found if decoder is None else {**found, "decoder": sha256(decoder)}


@cache
def versions() -> dict[str, str]:
    """Return the versions of all software that affects a picture's bytes, without importing TensorFlow."""
    return {
        "python": platform.python_version(),
        "styler": styler.__version__,
        **{name: _version(name) for name in PACKAGES},
        "libvips": ".".join(str(libvips().version(part)) for part in range(3)),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def recipe_words(job: Job) -> dict[str, Any]:
    """Describe a job for the ledger and the report: its files and the options that differ from the defaults."""
    usual = type(job.config)().to_dict()
    options = {name: value for name, value in job.config.to_dict().items() if value != usual[name]}
    options |= _mask(job)
    return {"content": str(job.content), "styles": [str(style) for style in job.styles], "options": options}
