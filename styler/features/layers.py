"""Check layer names of a network against the list of them, before the network is built."""

from __future__ import annotations

from collections.abc import Iterable

from styler.errors import LayerError, suggestion


def check_addresses(layers: Iterable[str], known: Iterable[str], network: str) -> tuple[str, ...]:
    """Layer names that exist, each once.

    Raises:
        LayerError: None, one twice, or an unknown one.
    """
    addresses, names = tuple(layers), list(known)
    if not addresses:
        message = f"no layers asked for. {suggestion('', names)}"
        raise LayerError(message)
    for index, address in enumerate(addresses):
        if address not in names:
            message = f"unknown layer {address!r} of {network}. {suggestion(address, names)}"
            raise LayerError(message)
        if address in addresses[:index]:
            message = f"layer {address!r} is asked for twice"
            raise LayerError(message)
    return addresses
