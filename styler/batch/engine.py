"""Define the interface of engines: their workers take assignments and report progress in messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

from styler.config import RenderConfig
from styler.images.export import Export
from styler.inputs import Inputs
from styler.types import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A task in the form that is sent to a worker.

    Attributes:
        number: Number of the task in this run.
        inputs: Images to read.
        config: Options of the render.
        shape: (height, width) of the result, or None for the size that follows from the config.
        target: Path of the picture to write.
        export: Options of the output file.
        max_pixels: Maximum number of pixels of an input, or None.
        with_recipe: Whether the recipe is stored in the picture.
        digests: SHA-256 of each input file.
        masks: Files for the masks to find, of the photo and of each painting, and for their overlay; empty for the
            masks among the inputs.
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
    masks: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A worker is ready for an assignment."""

    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A worker has started an assignment."""

    worker: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A worker has finished a step of an assignment."""

    worker: int
    number: int
    step: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A worker has written a picture.

    Attributes:
        worker: Number of the worker.
        number: Number of the task.
        sha256: SHA-256 of the file.
        size: Size of the file in bytes.
        seconds: Render time in seconds. For pictures rendered together, the time is divided equally among them.
        together: Number of pictures that were rendered as one tensor.
        peak_memory: Peak resident memory of the worker so far, in bytes.
        threads: Number of threads that TensorFlow used; 0 if TensorFlow chose the number.
        masks: SHA-256 of each mask that was found and written beside the picture, by file name.
    """

    worker: int
    number: int
    sha256: str
    size: int
    seconds: float
    peak_memory: int
    threads: int
    together: int = 1
    masks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An assignment ended with an error.

    Attributes:
        worker: Number of the worker.
        number: Number of the task.
        error: The error in one line.
        may_pass: Whether a retry may succeed, for example after a memory or I/O error.
    """

    worker: int
    number: int
    error: str
    may_pass: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A worker process has ended; its unfinished assignments are lost."""

    worker: int
    reason: str


Message: TypeAlias = Ready | Begun | Step | Finished | Broken | Lost


class Engine(Protocol):
    """A pool of workers; `__enter__` starts them and `__exit__` stops them."""

    @property
    def workers(self) -> int:
        """The number of workers, including those that are still starting."""
        ...

    def __enter__(self) -> Engine:
        """Start the workers."""
        ...

    def __exit__(self, *error: object) -> None:
        """Stop the workers and abandon any work in progress."""
        ...

    def give(
        self,
        worker: int,
        assignments: Sequence[Assignment],
        upcoming: Sequence[Path],
    ) -> None:
        """Send assignments to a ready worker, together with the images that it will probably need next.

        Several assignments are rendered together; if that fails, they are rendered one by one.
        """
        ...

    def messages(self, seconds: float) -> list[Message]:
        """Return new messages from the workers; wait up to `seconds` for the first one.

        Raises:
            BatchError: No worker can be started.
        """
        ...


EngineFactory: TypeAlias = Callable[[], Engine]
