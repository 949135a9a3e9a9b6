"""Pictures that are rendered as one tensor: which may be, and how many at a time."""

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
GAIN = 1.03  # times as many pictures a second as with fewer together: less is noise of the clock
PHOTO_MEMORY = 24  # bytes a pixel of a content image: float32 of one being rendered and of one read ahead
OWN = fields_with(START, WEIGHTS)
"""Options that pictures in one tensor may differ in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """How many pictures go into one tensor.

    Attributes:
        count: So many, or 1.
        program: Reduced config that this was measured with; others are rendered alone.
        pixels: Of the largest result that it holds for: the smaller the picture, the more is gained.
    """

    count: int = 1
    program: RenderConfig | None = None
    pixels: int = 0

    def kind(self, task: Task) -> Hashable | None:
        """What tasks of one tensor have in common; None for a task that is to be rendered alone."""
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
    """What a task must share with others to be rendered together with them; None if it cannot be."""
    config = task.job.config
    bounded = config.max_memory is not None or config.time_budget is not None or config.tile not in ("auto", "off")
    if not task.snapped or bounded or is_photo(config):
        return None
    usual = RenderConfig()
    common = config.changed(**{name: getattr(usual, name) for name in OWN})
    return common, task.size, task.job.max_pixels


def largest_of_many(tasks: Sequence[Task], many: int) -> Task | None:
    """The task with the largest result of those that at least so many could be rendered together with."""
    kinds = {number: kind for number, task in enumerate(tasks) if (kind := kind_of(task)) is not None}
    counts = Counter(kinds.values())
    enough = [tasks[number] for number, kind in kinds.items() if counts[kind] >= many]
    return max(enough, key=lambda task: task.size.height * task.size.width, default=None)


def most_that_fit(tasks: Sequence[Task], task: Task, memory: float, picture: int) -> int:
    """Pictures like a task that fit into memory together, with their content images and those read ahead.

    Args:
        tasks: Of the batch.
        task: The one that is measured.
        memory: Bytes of one worker beyond what it takes with nothing to do.
        picture: Bytes that rendering one picture takes.
    """
    photos = [other.photo.height * other.photo.width for other in tasks if kind_of(other) is not None]
    return int(memory // (picture + PHOTO_MEMORY * max(photos, default=0)))
