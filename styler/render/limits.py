"""What a plan is made for: a render, and what it may use of this machine."""

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

DEFAULT_SHARE = 0.8  # of what is available: the rest is for what else the machine does meanwhile
PLANNED_SHARE = 0.8  # of the budget: predictions may be 15 % too low, and at 90 % the watcher acts
DISK_SHARE = 0.9  # of what is free


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a plan depends on and must stay within.

    Attributes:
        config: Options of the render.
        engine: Engine that will carry it out.
        final: Size of the result.
        budget: Most resident memory, bytes; None for no limit.
        folder: Folder for the files of mapped arrays.
        disk: Free bytes on its disk that may be used.
        held: Bytes that the process holds now.
    """

    config: RenderConfig
    engine: Engine
    final: Size
    budget: int | None
    folder: Path
    disk: int
    held: int

    @classmethod
    def here(cls, config: RenderConfig, engine: Engine, final: Size, reserve: int = 0) -> Limits:
        """The limits on this machine now; `reserve` counts as bytes that the process already holds."""
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
        )

    @property
    def room(self) -> float:
        """Most bytes that a plan may be predicted to take."""
        return math.inf if self.budget is None else PLANNED_SHARE * self.budget


def budget_of(config: RenderConfig, held: int) -> int | None:
    """Most resident memory, bytes: as asked for, or a share of what the process holds and could still get."""
    if config.max_memory is not None:
        return config.max_memory
    available = available_memory()
    return None if available is None else int(DEFAULT_SHARE * (available + held))
