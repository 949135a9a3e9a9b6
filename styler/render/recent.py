"""Statistics of paintings in memory: the latest, within a number of bytes."""

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
    """Forgets what was used longest ago when there is more than it may hold; the latest stays, however large.

    Args:
        most: Bytes of all values together; None for `MOST`.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most, self.held = MOST if most is None else most, 0
        self._kept: OrderedDict[Key, Value] = OrderedDict()

    def __getitem__(self, key: Key) -> Value:
        """What is kept; it counts as used.

        Raises:
            KeyError: Nothing is.
        """
        value = self._kept[key]
        self._kept.move_to_end(key)
        return value

    def __setitem__(self, key: Key, value: Value) -> None:
        """Keep a value, and forget others if need be."""
        if key in self._kept:
            del self[key]
        self._kept[key] = value
        self.held += _size(value)
        while self.held > self.most and len(self._kept) > 1:
            del self[next(iter(self._kept))]

    def __delitem__(self, key: Key) -> None:
        """Forget.

        Raises:
            KeyError: It is not kept.
        """
        self.held -= _size(self._kept.pop(key))

    def __iter__(self) -> Iterator[Key]:
        """Keys, longest unused first."""
        return iter(self._kept)

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)


def _size(value: Value) -> int:
    """Bytes of a painting's statistics."""
    parts = [part for stats in value.values() for part in stats.values()]
    return sum(math.prod(part.shape) * tf.as_dtype(part.dtype).size for part in parts)
