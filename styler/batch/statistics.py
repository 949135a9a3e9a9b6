"""Cache style statistics in a folder, so that later runs need not analyze the same painting again."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from styler.errors import OutputError
from styler.images.atomic import write_atomically
from styler.losses.base import Stats
from styler.render.recent import Recent
from styler.types import Size

Key: TypeAlias = tuple[str, Size]
Value: TypeAlias = dict[str, Stats]


class StatisticsFolder(MutableMapping[Key, Value]):
    """Style statistics, keyed by the SHA-256 of a painting's pixels and the painting's size.

    All statistics are on disk; the most recently used ones are also in memory. If a file cannot be read or written,
    the statistics are computed again.

    Args:
        folder: Folder of the files; created when first needed.
        tag: Everything else that the statistics depend on. Statistics stored under another tag are ignored.
    """

    def __init__(self, folder: Path, tag: str) -> None:
        self._folder = folder
        self._tag = tag
        self._known = Recent()

    def __getitem__(self, key: Key) -> Value:
        """Return the statistics of a painting at a size.

        Raises:
            KeyError: They are not in the cache.
        """
        if key not in self._known:
            self._known[key] = self._read(key)
        return self._known[key]

    def __setitem__(self, key: Key, value: Value) -> None:
        """Store statistics in memory and on disk."""
        self._known[key] = value
        with suppress(OSError, OutputError):
            self._write(key, value)

    def __delitem__(self, key: Key) -> None:
        """Remove statistics from memory and disk."""
        del self._known[key]
        self._path(key).unlink(missing_ok=True)

    def __iter__(self) -> Iterator[Key]:
        """Iterate over the keys in memory."""
        return iter(self._known)

    def __len__(self) -> int:
        """Return the number of keys in memory."""
        return len(self._known)

    def __contains__(self, key: object) -> bool:
        """Whether the statistics of a painting at a size are cached; loads them from disk if necessary."""
        return super().__contains__(key)

    def _path(self, key: Key) -> Path:
        digest, size = key
        words = json.dumps([self._tag, digest, list(size)])
        return self._folder / f"{hashlib.sha256(words.encode()).hexdigest()}.npz"

    def _read(self, key: Key) -> Value:
        try:
            with self._path(key).open("rb") as file, np.load(file, allow_pickle=False) as archive:
                terms: dict[str, list[str]] = json.loads(str(archive["terms"]))
                return {
                    term: {name: tf.constant(archive[f"{number} {name}"]) for name in names}
                    for number, (term, names) in enumerate(terms.items())
                }
        except (OSError, ValueError, KeyError, AttributeError, EOFError, zipfile.BadZipFile) as cause:
            raise KeyError(key) from cause

    def _write(self, key: Key, value: Value) -> None:
        arrays = {"terms": np.array(json.dumps({term: list(stats) for term, stats in value.items()}))}
        for number, stats in enumerate(value.values()):
            arrays |= {f"{number} {name}": np.asarray(part) for name, part in stats.items()}
        self._folder.mkdir(exist_ok=True)
        write_atomically(self._path(key), lambda file: np.savez(file, **arrays), overwrite=True)  # type: ignore[arg-type]
