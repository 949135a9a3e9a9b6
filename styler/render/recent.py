"""A cache in memory for the statistics of paintings, bounded in bytes."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping

import tensorflow as tf

from styler.losses.base import Stats
from styler.types import Size

Key = tuple[str, Size]
Value = dict[str, Stats]

MOST = 2**28  # bytes, 256 MiB: 50 octaves of VGG-19, or 500 of the embedded network


class Recent(MutableMapping[Key, Value]):
    """A mapping that drops the values used longest ago when it holds too much; the latest one always stays.

    Args:
        most: Most bytes of all values together; None for `MOST`.

    Attributes:
        most: Most bytes of all values together.
        held: Bytes of all values now.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = MOST if most is None else most
        self.held = 0
        self._kept: OrderedDict[Key, Value] = OrderedDict()

    def __getitem__(self, key: Key) -> Value:
        """A value, which then counts as used last.

        Raises:
            KeyError: It is not kept.
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
            KeyError: It is not kept.
        """
        self.held -= _size(self._kept.pop(key))

    def __iter__(self) -> Iterator[Key]:
        """Keys, the one used longest ago first."""
        return iter(self._kept)

    def __len__(self) -> int:
        """Number of values."""
        return len(self._kept)


def _size(value: Value) -> int:
    """Bytes of a painting's statistics."""
    total = 0
    for stats in value.values():
        for part in stats.values():
            total += math.prod(part.shape) * tf.as_dtype(part.dtype).size
    return total
