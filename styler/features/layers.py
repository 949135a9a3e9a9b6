"""Checks layer names against the known layers of a network, before the network is built."""

from __future__ import annotations

from collections.abc import Iterable

from styler.errors import LayerError, suggestion


def check_addresses(layers: Iterable[str], known: Iterable[str], network: str) -> tuple[str, ...]:
    """Check that all layers exist and are given once, and return them.

    Raises:
        LayerError: There are no layers, a layer is given twice, or a layer is unknown.
    """
    addresses = tuple(layers)
    names = list(known)
    if not addresses:
        message = f"expected at least one layer, got none. {suggestion('', names)}"
        raise LayerError(message)
    for index, address in enumerate(addresses):
        if address not in names:
            message = f"unknown layer {address!r} of {network}. {suggestion(address, names)}"
            raise LayerError(message)
        if address in addresses[:index]:
            message = f"layer {address!r} is given twice; name it once"
            raise LayerError(message)
    return addresses
