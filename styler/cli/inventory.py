"""Describe the weights on this machine, for `styler networks`."""

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
    """Yield a line for each network."""
    for name in NETWORKS:
        spec = NETWORKS[name]
        path = located(spec.weights_file) if spec.weights_file else None
        if path:
            state = f"here   {path}"
        elif spec.weights_file:
            state = f"absent {spec.summary}"
        else:
            state = f"here   {spec.summary} (it has no weights file)"
        yield f"{name:<16} {state}"


def digest_of(name: str) -> str:
    """Return the published checksum of a network's weights; "" if there is none."""
    return expected_sha256(FILENAME) if name not in APPLICATIONS else APPLICATIONS[name].digest


def _here(name: str) -> Path:
    if not NETWORKS[name].weights_file:
        message = f"{name} has no weights file: its weights are made when it is built"
        raise WeightsError(message)
    path = located(NETWORKS[name].weights_file)
    if path is None:
        message = f"no weights for {name}: {NETWORKS[name].weights_file} is in none of {', '.join(paths(None))}. "
        raise WeightsError(message + (weights_advice(name) if name in APPLICATIONS else "Reinstall styler"))
    return path


def verdicts(name: str | None) -> Iterator[tuple[str, bool]]:
    """Check the weights on this machine; yield a line for each network and whether its weights are intact.

    Raises:
        WeightsError: The weights of the named network are not on this machine.
    """
    names = (
        [name]
        if name
        else [each for each in NETWORKS if NETWORKS[each].weights_file and located(NETWORKS[each].weights_file)]
    )
    for each in names:
        path = _here(each)
        digest = digest_of(each)
        if not digest:
            yield f"{each}  not known  Keras publishes no checksum for {path}", True
        else:
            sound = matches(path, digest)
            yield f"{each}  {'intact' if sound else 'DAMAGED'}  {path}", sound


def paths(name: str | None) -> list[str]:
    """Return the path of a network's weights; if no name is given, all folders that are searched, in order."""
    if name:
        return [str(_here(name))]
    return list(dict.fromkeys(map(str, all_folders())))


def fetch_with_bar(name: str, *, shown: bool | None) -> str:
    """Download the weights of a network with a progress bar and return their path.

    Raises:
        WeightsError: The weights cannot be downloaded.
        NetworkError: The network is unknown.
    """
    spec = NETWORKS[name]
    if name not in APPLICATIONS:
        return str(_here(spec.name))
    from styler.cli.quiet import import_tensorflow

    import_tensorflow()  # Keras provides the download address
    visible = sys.stderr.isatty() if shown is None else shown
    with tqdm(
        total=None,
        unit="B",
        unit_scale=True,
        desc=name,
        disable=not visible,
        file=sys.stderr,
    ) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return str(fetch(name, show))
