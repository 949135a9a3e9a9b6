"""What a worker does with an assignment: read, render, write. The same on every engine."""

from __future__ import annotations

import errno
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from styler.batch.engine import Assignment, Finished
from styler.batch.recipe import digest, statistics_tag
from styler.config import RenderConfig
from styler.errors import ResourceError, StylerError, one_line
from styler.images.export import Export
from styler.images.picture import Picture
from styler.images.reading import read_image
from styler.images.writing import write_picture
from styler.inputs import Inputs
from styler.progress import Observer, StepEvent
from styler.types import Size

KEPT_PIXELS = 2**25  # of decoded pictures, 400 MB as float32: two photos of 12 megapixels and some paintings
PASSING = {
    *(errno.EIO, errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT),
    *(errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ETIMEDOUT, errno.ENETDOWN, errno.EHOSTDOWN),
}  # errors of the system that another try may not meet


class Result(Protocol):
    """A rendered picture; `StyleResult` is one."""

    @property
    def picture(self) -> Picture:
        """What is to be written."""
        ...

    @property
    def report(self) -> Any:
        """With `seconds` and `peak_memory`."""
        ...

    def exported(self, export: Export, *, recipe: bool) -> Export:
        """How to write it, with the recipe as its text if that is wanted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A picture to render, its images read."""

    config: RenderConfig
    inputs: Inputs[Picture]
    shape: Size | None


class Studio(Protocol):
    """Renders pictures and keeps what can be used again."""

    def render(self, order: Order, observer: Observer) -> Result:
        """Render one picture; `shape` is the result's (height, width), None for what the config gives."""
        ...

    def render_together(self, orders: Sequence[Order], heard: Callable[[int, StepEvent], object]) -> Sequence[Result]:
        """Render pictures of one program and size as one tensor; `heard` is told which of them an event is of."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a worker computes.

    Attributes:
        threads: That TensorFlow may compute with; 0 leaves it the choice.
        gpu: Index of the one GPU to use, or None for the processor, or whatever the config says.
        statistics: Folder that keeps style statistics, or None.
    """

    threads: int = 0
    gpu: int | None = None
    statistics: Path | None = None


StudioFactory: TypeAlias = Callable[[Placement], Studio]


class Stylizers:
    """The studio of this program: a `Stylizer` that is taken from config to config.

    Args:
        placement: Applied to TensorFlow, which must not have computed anything in this process.
    """

    def __init__(self, placement: Placement) -> None:
        import tensorflow as tf

        import styler.api  # noqa: F401  with the rest of what takes long

        if placement.threads:
            tf.config.threading.set_intra_op_parallelism_threads(placement.threads)
            tf.config.threading.set_inter_op_parallelism_threads(placement.threads)
        gpus = tf.config.list_physical_devices("GPU")
        if placement.gpu is not None and gpus:
            tf.config.set_visible_devices(gpus[placement.gpu % len(gpus)], "GPU")
        self._placement = placement
        self._latest: Any = None

    def render(self, order: Order, observer: Observer) -> Result:
        """Render one picture, with the compiled programs of the one before where they fit."""
        from styler.api import driven

        return driven(self._stylizer(order.config).events(order.inputs, shape=order.shape), [observer])

    def render_together(self, orders: Sequence[Order], heard: Callable[[int, StepEvent], object]) -> Sequence[Result]:
        """Render pictures of one program and size as one tensor."""
        batch = self._stylizer(orders[0].config).batch(len(orders))
        renders = [
            self._stylizer(order.config).in_batch(batch).events(order.inputs, shape=order.shape) for order in orders
        ]
        results: Sequence[Result] = batch.run(renders, heard)
        return results

    def _stylizer(self, config: RenderConfig) -> Any:
        """The last one with another config: it keeps what the two have in common."""
        from styler.api import Stylizer

        if self._latest is None:
            self._latest = Stylizer(config, statistics=self._statistics if self._placement.statistics else None)
        elif self._latest.config != config:
            self._latest = self._latest.changed(**config.to_dict())
        return self._latest

    def _statistics(self, config: RenderConfig) -> Any:
        from styler.batch.statistics import StatisticsFolder

        tag = f"{statistics_tag(config)} {self._placement.threads}"  # sums depend on how threads share them out
        return StatisticsFolder(self._placement.statistics or Path(), tag)


_Source: TypeAlias = tuple[Path, int | None]  # a file and the most pixels that it may have


class Pictures:
    """Decoded images, read ahead by a thread of its own; the latest are kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Source, Future[Picture]] = OrderedDict()
        self._reader = ThreadPoolExecutor(1)

    def read_ahead(self, paths: Iterable[Path], max_pixels: int | None) -> None:
        """Begin to read what will be needed."""
        for path in paths:
            self._future((path, max_pixels))

    def get(self, path: Path, max_pixels: int | None) -> Picture:
        """One image.

        Raises:
            ImageError: It cannot be read, or has too many pixels.
        """
        source = path, max_pixels
        future = self._future(source)
        if future.done() and future.exception():
            self._kept.pop(source, None)  # another try reads it anew
        picture = future.result()
        self._forget(source)
        return picture

    def close(self) -> None:
        """Stop reading."""
        self._reader.shutdown(cancel_futures=True)

    def _future(self, source: _Source) -> Future[Picture]:
        if source not in self._kept:
            path, max_pixels = source
            self._kept[source] = self._reader.submit(read_image, path, max_pixels=max_pixels)
        self._kept.move_to_end(source)
        return self._kept[source]

    def _forget(self, latest: _Source) -> None:
        """Drop the oldest pictures beyond `KEPT_PIXELS`."""
        pixels = 0
        for source in reversed(list(self._kept)):
            future = self._kept[source]
            if future.done() and not future.exception():
                pixels += future.result().pixels.size // 3
                if pixels > KEPT_PIXELS and source != latest:
                    del self._kept[source]


def rendered(studio: Studio, pictures: Pictures, assignment: Assignment, observer: Observer) -> Result:
    """Read what is not read yet, and render.

    Raises:
        StylerError: Whatever stands in the way.
    """
    return studio.render(_order(pictures, assignment), observer)


def _order(pictures: Pictures, assignment: Assignment) -> Order:
    return Order(
        config=assignment.config,
        inputs=assignment.inputs.map(lambda path: pictures.get(path, assignment.max_pixels)),
        shape=assignment.shape,
    )


def all_rendered(
    studio: Studio, pictures: Pictures, assignments: Sequence[Assignment], heard: Callable[[int, StepEvent], object]
) -> Iterator[tuple[Assignment, Result | Exception, int]]:
    """Each assignment with its result, or why there is none, and how many were rendered together.

    Several are rendered together; whatever goes wrong with that, they are rendered one by one, so that none suffers
    from what is wrong with another.

    Args:
        studio: To render in.
        pictures: Of the worker.
        assignments: One, or several of one program and size.
        heard: Told of every event with the number of its task.
    """
    if len(assignments) > 1:
        made = _together(studio, pictures, assignments, heard)
        if made is not None:
            yield from ((each, result, len(assignments)) for each, result in zip(assignments, made, strict=True))
            return
    for each in assignments:
        try:
            result: Result | Exception = rendered(studio, pictures, each, partial(heard, each.number))
        except Exception as error:  # whatever it is, it is this picture's and not the batch's
            result = error
        yield each, result, 1


def _together(
    studio: Studio, pictures: Pictures, assignments: Sequence[Assignment], heard: Callable[[int, StepEvent], object]
) -> Sequence[Result] | None:
    try:
        orders = [_order(pictures, each) for each in assignments]
        return studio.render_together(orders, lambda place, event: heard(assignments[place].number, event))
    except Exception:  # its message comes up again when the picture that is to blame is rendered alone
        return None


def written(result: Result, assignment: Assignment, worker: int, threads: int, together: int = 1) -> Finished:
    """Write a picture and tell about the file.

    Args:
        result: The picture.
        assignment: Says where to write it, and how.
        worker: Who made it.
        threads: It was computed with.
        together: How many were rendered as one tensor.

    Raises:
        OutputError: It cannot be written.
    """
    export = result.exported(assignment.export, recipe=assignment.with_recipe)
    path = write_picture(result.picture, assignment.target, export=export, overwrite=True)
    return Finished(
        worker=worker,
        number=assignment.number,
        sha256=digest(path),
        size=path.stat().st_size,
        seconds=result.report.seconds / together,
        peak_memory=result.report.peak_memory,
        threads=threads,
        together=together,
    )


def described(error: BaseException) -> str:
    """An error in one line; one that the program did not raise on purpose with its class."""
    text = one_line(str(error)) or type(error).__name__
    if isinstance(error, StylerError):
        return text
    return text if text == type(error).__name__ else f"{type(error).__name__}: {text}"


def may_pass(error: BaseException | None) -> bool:
    """Whether another try may succeed: too little memory or disk, a device or file that did not answer."""
    if error is None:
        return False
    if isinstance(error, MemoryError | ResourceError) or type(error).__name__ == "ResourceExhaustedError":
        return True
    if isinstance(error, OSError) and error.errno in PASSING:
        return True
    return may_pass(error.__cause__)
