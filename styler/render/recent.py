"""An in-memory cache for the statistics of paintings, with a limit in bytes."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping

import tensorflow as tf

from styler.losses.base import Stats
from styler.types import Size

Key = tuple[str, Size]
Value = dict[str, Stats]

MOST = 2**28  # bytes, 256 MiB: 50 octaves of VGG-19, or 500 of the built-in network


class Recent(MutableMapping[Key, Value]):
    """A mapping that drops the least recently used values when it holds too many bytes; the latest value always stays.

    Args:
        most: Maximum total size of the values, in bytes; None for `MOST`.

    Attributes:
        most: Maximum total size of the values, in bytes.
        held: Current total size of the values, in bytes.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = MOST if most is None else most
        self.held = 0
        self._kept: OrderedDict[Key, Value] = OrderedDict()

    def __getitem__(self, key: Key) -> Value:
        """Return a value and mark it as the most recently used.

        Raises:
            KeyError: The cache does not have the key.
        """
        value = self._kept[key]
        self._kept.move_to_end(key)
        return value

    def __setitem__(self, key: Key, value: Value) -> None:
        """Keep a value, and drop others if necessary."""
        if key in self._kept:
            del self[key]
        self._kept[key] = value
        self.held += _size(value)
        while self.held > self.most and len(self._kept) > 1:
            oldest = next(iter(self._kept))
            del self[oldest]

    def __delitem__(self, key: Key) -> None:
        """Drop a value.

        Raises:
            KeyError: The cache does not have the key.
        """
        self.held -= _size(self._kept.pop(key))

    def __iter__(self) -> Iterator[Key]:
        """Iterate over the keys, the least recently used first."""
        return iter(self._kept)

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self._kept)


def _size(value: Value) -> int:
    """Return the bytes of a painting's statistics."""
    total = 0
    for stats in value.values():
        for part in stats.values():
            total += math.prod(part.shape) * tf.as_dtype(part.dtype).size
    return total
