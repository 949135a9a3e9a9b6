"""Decide which pictures are rendered together as one tensor, and how many at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from styler.batch.plan import Task
from styler.batch.recipe import without_shared
from styler.config import RenderConfig, fields_with
from styler.objective.strength import is_photo
from styler.options import START, WEIGHTS
from styler.recipe import LARGEST_BATCH

COUNTS = tuple(count for count in (2, 4, 8) if count <= LARGEST_BATCH)
GAIN = 1.03  # smallest speedup that counts; less may be measurement noise
PHOTO_MEMORY = 24  # bytes per pixel of a content image: one being rendered and one read ahead, both float32
OWN = fields_with(START, WEIGHTS)
"""Options that pictures in one tensor may differ in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """How many pictures go into one tensor.

    Attributes:
        count: Number of pictures in one tensor; 1 renders each picture alone.
        program: Config that was measured, without the options that do not affect the program. Tasks with another
            program are rendered alone.
        pixels: Number of pixels of the largest result to be grouped. Smaller pictures gain more from grouping.
    """

    count: int = 1
    program: RenderConfig | None = None
    pixels: int = 0

    def kind(self, task: Task) -> Hashable | None:
        """Return a key that tasks of one tensor share; None for a task that is rendered alone."""
        config = task.job.config
        if (
            self.count == 1
            or without_shared(config) != self.program
            or task.size.height * task.size.width > self.pixels
        ):
            return None
        return kind_of(task)


ALONE = Grouping()


def kind_of(task: Task) -> Hashable | None:
    """Return a key that is equal for tasks that can be rendered together; None if the task must be alone."""
    config = task.job.config
    bounded = config.max_memory is not None or config.time_budget is not None or config.tile not in ("auto", "off")
    finds_masks = task.job.mask is not None
    if not task.snapped or bounded or finds_masks or not config.steps or is_photo(config):
        return None
    usual = RenderConfig()
    common = config.changed(**{name: getattr(usual, name) for name in OWN})
    return common, task.size, task.job.max_pixels


def largest_of_many(tasks: Sequence[Task], many: int) -> Task | None:
    """Return the task with the largest result among the kinds that have at least `many` tasks; None if none has."""
    kinds = {number: kind for number, task in enumerate(tasks) if (kind := kind_of(task)) is not None}
    counts = Counter(kinds.values())
    enough = [tasks[number] for number, kind in kinds.items() if counts[kind] >= many]
    return max(enough, key=lambda task: task.size.height * task.size.width, default=None)


def most_that_fit(
    tasks: Sequence[Task],
    task: Task,
    memory: float,
    picture: int,
) -> int:
    """Return how many pictures like that of `task` fit into memory, including current and read-ahead photos.

    Args:
        tasks: Tasks of the batch.
        task: Task to measure.
        memory: Bytes that one worker has beyond what it needs when idle.
        picture: Bytes needed to render one picture.
    """
    photos = [other.photo.height * other.photo.width for other in tasks if kind_of(other) is not None]
    return int(memory // (picture + PHOTO_MEMORY * max(photos, default=0)))
