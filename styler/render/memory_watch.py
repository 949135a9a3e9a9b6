"""Watches the memory use of a render, and records the actions that reduced it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import TracebackType

from styler.errors import ResourceError
from styler.images.mapped import folder_for_files
from styler.memory import resident_memory, trim
from styler.render.pyramid import Stage

NEAR = 0.9  # share of the budget above which tiles shrink
GROWN = 1.02  # factor on the memory at the last alarm: TensorFlow returns no memory, so only growth is a new alarm
FIRST = 512  # pixels; largest tile to continue with if one piece was too large
EVERY = 0.05  # seconds between two checks; a tile takes longer, and a check takes a few microseconds


@dataclass
class MemoryWatch:
    """A context manager that watches memory in a thread of its own.

    Attributes:
        budget: Maximum resident memory of the process, in bytes; None disables the watch.
        resident: Returns the bytes that the process holds now.
        give_back: Returns free memory to the system, before the watch decides whether too much is held.
        said: Actions that were taken, for the report.
        cap: Largest tile from now on, pixels; None follows the plan.
    """

    budget: int | None = None
    resident: Callable[[], int] = resident_memory
    give_back: Callable[[], None] = trim
    said: list[str] = field(default_factory=list)
    cap: int | None = None
    _level: float = 0.0
    _near: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> MemoryWatch:
        """Start watching."""
        if self.budget is not None:
            threading.Thread(
                target=self._watch,
                daemon=True,
                name="styler-memory",
            ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Stop watching."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            self.look()

    def look(self) -> None:
        """Raise an alarm if memory use is near the budget now."""
        if self.budget is None:
            return
        limit = max(NEAR * self.budget, GROWN * self._level)
        if self.resident() > limit:
            self.give_back()
            held = self.resident()
            if held > limit:
                self._level = held
                self._near.set()

    def alarmed(self) -> bool:
        """Whether memory use came near the budget since the last call."""
        near = self._near.is_set()
        self._near.clear()
        return near

    def smaller(
        self,
        tile: int,
        smallest: int,
        reason: str,
        *,
        needed: bool,
    ) -> int:
        """Halve the tile, but make it no smaller than `smallest`.

        Args:
            tile: Current side of the tiles, pixels.
            smallest: Smallest side that works, pixels.
            reason: Reason for the report.
            needed: Whether the render cannot continue with the tile as it is.

        Raises:
            ResourceError: A smaller tile is needed, and there is none.
        """
        if tile <= smallest:
            if not needed:
                return tile
            message = f"{reason} with tiles of {tile} pixels, the smallest that these layers allow; allow more memory"
            raise ResourceError(message)
        chosen = self.cap = max(tile // 2, smallest)
        self.note(f"{reason}: tiles of {chosen} pixels instead of {tile}")
        return chosen

    def split(self, stage: Stage, smallest: int) -> Stage:
        """Divide a stage in one piece into tiles, each with at most a quarter of its pixels."""
        height, width = stage.size
        half = max(height, width) // 2
        self.cap = max(min(FIRST, half), smallest)
        self.note(f"octave {width}x{height} continues in tiles of {self.cap} pixels")
        return replace(stage, tile=self.cap, folder=stage.folder or folder_for_files())

    def capped(self, stage: Stage) -> Stage:
        """Reduce the tiles of a planned stage to the largest that memory allows."""
        if self.cap is None:
            return stage
        if stage.tile is not None and stage.tile <= self.cap:
            return stage
        return replace(stage, tile=self.cap, folder=stage.folder or folder_for_files())

    def note(self, what: str) -> None:
        """Add a line to the report."""
        self.said.append(what)
