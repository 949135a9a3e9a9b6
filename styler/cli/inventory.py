"""Weights on this machine, in words, for `styler networks`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from styler.errors import WeightsError
from styler.networks import NETWORKS
from styler.networks.compact import FILENAME
from styler.networks.download import matches
from styler.networks.published import APPLICATIONS
from styler.networks.weights import (
    all_folders,
    expected_sha256,
    fetch,
    located,
    weights_advice,
)


def inventory() -> Iterator[str]:
    """A line for each network."""
    for name in NETWORKS:
        spec = NETWORKS[name]
        path = located(spec.weights_file) if spec.weights_file else None
        state = f"here   {path}" if path else "absent"
        yield f"{name:<16} {state if path else f'{state} {spec.summary}'}"


def digest_of(name: str) -> str:
    """The published checksum of a network's weights; empty where there is none."""
    return expected_sha256(FILENAME) if name not in APPLICATIONS else APPLICATIONS[name].digest


def _here(name: str) -> Path:
    path = located(NETWORKS[name].weights_file)
    if path is None:
        message = f"no weights for {name}: {NETWORKS[name].weights_file} is in none of {', '.join(paths(None))}. "
        raise WeightsError(message + (weights_advice(name) if name in APPLICATIONS else "Reinstall styler"))
    return path


def verdicts(name: str | None) -> Iterator[tuple[str, bool]]:
    """A line for each network whose weights are here, and whether they are sound.

    Raises:
        WeightsError: The weights of a network that was named are not here.
    """
    names = [name] if name else [each for each in NETWORKS if located(NETWORKS[each].weights_file)]
    for each in names:
        path, digest = _here(each), digest_of(each)
        if not digest:
            yield f"{each}  not known  Keras publishes no checksum for {path}", True
        else:
            sound = matches(path, digest)
            yield f"{each}  {'sound' if sound else 'DAMAGED'}  {path}", sound


def paths(name: str | None) -> list[str]:
    """Where the weights of a network are; every folder that is searched, in order, for None."""
    if name:
        return [str(_here(name))]
    return list(dict.fromkeys(map(str, all_folders())))


def fetch_with_bar(name: str, *, shown: bool | None) -> str:
    """Download a network's weights with a progress bar; returns where they are.

    Raises:
        WeightsError: They cannot be had.
        NetworkError: No such network.
    """
    spec = NETWORKS[name]
    if name not in APPLICATIONS:
        return str(_here(spec.name))
    from styler.cli.quiet import import_tensorflow

    import_tensorflow()  # Keras knows the address
    visible = sys.stderr.isatty() if shown is None else shown
    with tqdm(total=None, unit="B", unit_scale=True, desc=name, disable=not visible, file=sys.stderr) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return str(fetch(name, show))
