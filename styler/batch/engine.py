"""What an engine is: workers that take one assignment at a time and tell how it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from styler.config import RenderConfig
from styler.images.export import Export
from styler.inputs import Inputs
from styler.types import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A task as it goes to a worker.

    Attributes:
        number: Of the task in this run.
        inputs: Images to read.
        config: How to render.
        shape: (height, width) of the result, or None for what the config gives.
        target: Where the picture goes.
        export: How to write it.
        max_pixels: Most pixels of an input, or None.
        with_recipe: Whether the picture carries its recipe.
        digests: Input file -> SHA-256 of its bytes.
    """

    number: int
    inputs: Inputs[Path]
    config: RenderConfig
    shape: Size | None
    target: Path
    export: Export
    max_pixels: int | None
    with_recipe: bool
    digests: dict[Path, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A worker has nothing to compute."""

    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A worker has begun with an assignment."""

    worker: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An assignment has come further."""

    worker: int
    number: int
    step: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A picture is written.

    Attributes:
        worker: Who made it.
        number: Of the task.
        sha256: Of the file's bytes.
        size: Of the file, bytes.
        seconds: Of rendering; its share of those that it was rendered together with.
        together: Pictures in one tensor.
        peak_memory: Largest resident memory of the worker so far, bytes.
        threads: That TensorFlow computed with, 0 for its own choice.
    """

    worker: int
    number: int
    sha256: str
    size: int
    seconds: float
    peak_memory: int
    threads: int
    together: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An assignment ended with an error.

    Attributes:
        worker: Who tried.
        number: Of the task.
        error: One line.
        may_pass: Whether another try may succeed: memory, input and output.
    """

    worker: int
    number: int
    error: str
    may_pass: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A worker is gone, with whatever it was doing."""

    worker: int
    reason: str


Message: TypeAlias = Ready | Begun | Step | Finished | Broken | Lost


class Engine(Protocol):
    """Workers somewhere, started by `__enter__` and gone after `__exit__`."""

    @property
    def workers(self) -> int:
        """How many there are or soon will be."""
        ...

    def __enter__(self) -> Engine:
        """Start the workers."""
        ...

    def __exit__(self, *error: object) -> None:
        """Stop them; what still runs is given up."""
        ...

    def give(self, worker: int, assignments: Sequence[Assignment], upcoming: Sequence[Path]) -> None:
        """Let a ready worker begin, and tell it which images it will probably need next.

        Several assignments are rendered together, or one after the other where that fails.
        """
        ...

    def messages(self, seconds: float) -> list[Message]:
        """What has been heard from the workers; waits at most so long for the first message.

        Raises:
            BatchError: No worker can be started.
        """
        ...


EngineFactory: TypeAlias = Callable[[], Engine]
