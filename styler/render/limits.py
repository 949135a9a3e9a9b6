"""The limits of a plan: the render, and the memory and disk space that it may use on this machine."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

from styler.config import RenderConfig
from styler.images.mapped import folder_for_files
from styler.memory import available_memory, resident_memory
from styler.render.engine import Engine
from styler.types import Size

DEFAULT_SHARE = 0.8  # share of the available memory; the rest is for other programs
PLANNED_SHARE = 0.8  # share of the budget; predictions may be 15 % too low, and at 90 % `MemoryWatch` acts
DISK_SHARE = 0.9  # share of the free disk space


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The render that a plan is for, and the limits that it must respect.

    Attributes:
        config: Options of the render.
        engine: Engine that will carry it out.
        final: Size of the result.
        budget: Maximum resident memory, in bytes; None for no limit.
        folder: Folder for the files of mapped arrays.
        disk: Free bytes on its disk that may be used.
        held: Bytes that the process holds now.
        regions: Number of regions; 0 without masks.
    """

    config: RenderConfig
    engine: Engine
    final: Size
    budget: int | None
    folder: Path
    disk: int
    held: int
    regions: int = 0

    @classmethod
    def here(
        cls,
        config: RenderConfig,
        engine: Engine,
        final: Size,
        reserve: int = 0,
        regions: int = 0,
    ) -> Limits:
        """Determine the limits on this machine now; `reserve` is added to the bytes that the process holds."""
        folder = folder_for_files()
        held = resident_memory() + reserve
        return cls(
            config=config,
            engine=engine,
            final=final,
            budget=budget_of(config, held),
            folder=folder,
            disk=int(DISK_SHARE * shutil.disk_usage(folder).free),
            held=held,
            regions=regions,
        )

    @property
    def room(self) -> float:
        """The largest predicted memory use that a plan may have, bytes."""
        return math.inf if self.budget is None else PLANNED_SHARE * self.budget


def budget_of(config: RenderConfig, held: int) -> int | None:
    """Return the maximum resident memory in bytes: `max_memory`, or a share of the memory that is held or available."""
    if config.max_memory is not None:
        return config.max_memory
    available = available_memory()
    return None if available is None else int(DEFAULT_SHARE * (available + held))


def memory_text(amount: float) -> str:
    """Format an amount of memory for `--max-memory`, rounded up."""
    return f"{math.ceil(amount / 2**20)}M"
