"""The requested addresses, and the keys of the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from styler.errors import LayerError
from styler.types import Features, Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The addresses that a caller requested, in order.

    Attributes:
        addresses: Addresses as the caller wrote them.
        keys: A key for each address; None if the addresses are the keys.
    """

    addresses: tuple[str, ...]
    keys: tuple[str, ...] | None = None

    def named(self, features: Features) -> Features:
        """Return the tensors under their keys."""
        return features if self.keys is None else dict(zip(self.keys, features.values(), strict=True))


def asked(layers: Any, what: str = "layer address", several: str = "layer addresses") -> Asked:
    """Read a list of addresses or a dict `{key: address}`.

    Args:
        layers: An iterable of strings, or a mapping from strings to strings.
        what: What is listed, in the singular, for messages.
        several: The same in the plural.

    Raises:
        LayerError: `layers` is neither, or contains something that is not a string.
    """
    if isinstance(layers, str):
        message = f"expected a list of {several}, got the string {layers!r}; write [{layers!r}]"
        raise LayerError(message)
    if isinstance(layers, Mapping):
        keys = tuple(_text(key, "key") for key in layers)
        return Asked(addresses=tuple(_text(address, what) for address in layers.values()), keys=keys)
    if not isinstance(layers, Iterable) or hasattr(layers, "shape") or callable(layers):
        message = f"expected a list of {several} as strings, or a dict {{key: {what}}}, got {_kind(layers)}"
        raise LayerError(message)
    return Asked(addresses=tuple(_text(address, what) for address in layers))


def _text(value: Any, what: str) -> str:
    if isinstance(value, str):
        return value
    name = getattr(value, "name", None)
    advice = f"write {name!r}" if isinstance(name, str) else "write its name"
    message = f"expected every {what} as a string, got {_kind(value)}; {advice}"
    raise LayerError(message)


def _kind(value: Any) -> str:
    return "None" if value is None else type(value).__name__


def check_one_each(keys: Iterable[str] | None, addresses: Iterable[str], found: Iterable[str]) -> None:
    """Refuse a dict in which one address matches several tensors.

    Args:
        keys: Keys of the dict; None for a list of addresses.
        addresses: Values of the dict.
        found: Addresses of the tensors that match them.

    Raises:
        LayerError: The number of tensors differs from the number of keys.
    """
    wanted = list(addresses)
    spread = list(found)
    if keys is not None and len(wanted) != len(spread):
        message = (
            f"expected one tensor for each of the keys {list(keys)}, got {len(spread)} for {wanted}: a pattern or a "
            "layer with several outputs matches more than one; give a key for each, or a list of addresses"
        )
        raise LayerError(message)


REDUCTIONS = ("mean", "max")


def check_reduction(reduce: Any) -> None:
    """Check the name of a reduction.

    Raises:
        LayerError: It is not None, "mean" or "max".
    """
    if reduce is not None and reduce not in REDUCTIONS:
        message = f"expected reduce={' or '.join(map(repr, REDUCTIONS))} or None, got {reduce!r}"
        raise LayerError(message)


def reduced(tensor: Tensor, reduce: str | None, channels: int = -1) -> Tensor:
    """Compute the mean or maximum over all positions, that is, over all axes except batch and channels.

    Args:
        tensor: Dense or ragged tensor (B, …, C). With one or two axes it has no positions and is returned unchanged.
        reduce: "mean", "max" or None.
        channels: Axis of the channels: -1, or 1 if the model has channels first.

    Returns:
        Tensor (B, C) of the same dtype; the mean of integers is float32.
    """
    import tensorflow as tf

    rank = tensor.shape.rank
    if reduce is None or rank is None or rank < 3:
        return tensor
    axes = [axis for axis in range(1, rank) if axis != channels % rank]
    if reduce == "max":
        return tf.reduce_max(tensor, axes)
    mean = tf.reduce_mean(tf.cast(tensor, tf.float64 if tensor.dtype == tf.float64 else tf.float32), axes)
    return tf.cast(mean, tensor.dtype) if tensor.dtype.is_floating else mean
