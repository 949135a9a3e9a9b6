"""Carry out an assignment in a worker of any engine: read the images, render, and write the picture."""

from __future__ import annotations

import errno
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from styler.batch.engine import Assignment, Finished
from styler.batch.recipe import digest, statistics_tag
from styler.config import RenderConfig
from styler.errors import OutputError, ResourceError, StylerError, one_line
from styler.images.atomic import write_bytes
from styler.images.export import Export
from styler.images.mapped import Array
from styler.images.picture import Picture
from styler.images.reading import read_image
from styler.images.writing import encode_picture, write_picture
from styler.inputs import Inputs
from styler.progress import Observer, StepEvent
from styler.sources import identified
from styler.types import Size

KEPT_PIXELS = 2**25  # pixels of decoded images to keep, 400 MB as float32: two 12-megapixel photos and some paintings
MASK_FORMAT = "PNG"
PASSING = {
    *(errno.EIO, errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT),
    *(errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ETIMEDOUT, errno.ENETDOWN, errno.EHOSTDOWN),
}  # system errors that may be temporary


class Result(Protocol):
    """A rendered picture; `StyleResult` is one."""

    @property
    def picture(self) -> Picture:
        """The picture to write."""
        ...

    @property
    def report(self) -> Any:
        """A report with the attributes `seconds` and `peak_memory`."""
        ...

    def exported(self, export: Export, *, recipe: bool) -> Export:
        """Return the options of the output file, with the recipe to store in it if `recipe` is true."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A picture to render, with its images already read."""

    config: RenderConfig
    inputs: Inputs[Picture]
    shape: Size | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A rendered picture, and the files of the masks that were found for it.

    Attributes:
        result: The picture.
        masks: Contents of each file; none for a picture that was rendered together with others.
    """

    result: Result
    masks: Mapping[Path, bytes] = field(default_factory=dict)


class Studio(Protocol):
    """Renders pictures and keeps whatever later renders can reuse."""

    def render(self, order: Order, observer: Observer) -> Result:
        """Render one picture and report its steps to `observer`."""
        ...

    def masks(self, order: Order) -> Sequence[Array]:
        """Find the masks of the photo and of each painting, and draw their overlay; uint8, (height, width, 3)."""
        ...

    def render_together(self, orders: Sequence[Order], heard: Callable[[int, StepEvent], object]) -> Sequence[Result]:
        """Render pictures of the same program and size as one tensor.

        `heard` is called with the index of a picture and each of its step events.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The hardware that a worker uses.

    Attributes:
        threads: Number of threads that TensorFlow may use; 0 lets TensorFlow choose.
        gpu: Index of the only GPU to use; None for the CPU or whatever the config says.
        statistics: Folder for cached style statistics, or None.
    """

    threads: int = 0
    gpu: int | None = None
    statistics: Path | None = None


StudioFactory: TypeAlias = Callable[[Placement], Studio]


class Stylizers:
    """The standard studio: one `Stylizer` that is changed from config to config.

    Args:
        placement: Settings for TensorFlow, which must not have computed anything in this process yet.
    """

    def __init__(self, placement: Placement) -> None:
        import tensorflow as tf

        import styler.api  # noqa: F401  slow to import, so it is done before the first assignment

        if placement.threads:
            tf.config.threading.set_intra_op_parallelism_threads(placement.threads)
            tf.config.threading.set_inter_op_parallelism_threads(placement.threads)
        gpus = tf.config.list_physical_devices("GPU")
        if placement.gpu is not None and gpus:
            tf.config.set_visible_devices(gpus[placement.gpu % len(gpus)], "GPU")
        self._placement = placement
        self._latest: Any = None

    def render(self, order: Order, observer: Observer) -> Result:
        """Render one picture; reuse the compiled programs of the previous one if they fit."""
        from styler.api import driven

        return driven(self._stylizer(order.config).events(order.inputs, shape=order.shape), [observer])

    def masks(self, order: Order) -> Sequence[Array]:
        """Find the masks with the network that renders the picture."""
        from styler.render.auto_regions import overview

        images = [order.inputs.photo, *order.inputs.paintings]
        found = self._stylizer(order.config).auto_masks(images[0], images[1:])
        return [*found, overview(images, found)]

    def render_together(self, orders: Sequence[Order], heard: Callable[[int, StepEvent], object]) -> Sequence[Result]:
        """Render pictures of the same program and size as one tensor."""
        batch = self._stylizer(orders[0].config).batch(len(orders))
        renders = [
            self._stylizer(order.config).in_batch(batch).events(order.inputs, shape=order.shape) for order in orders
        ]
        results: Sequence[Result] = batch.run(renders, heard)
        return results

    def _stylizer(self, config: RenderConfig) -> Any:
        """Change the latest `Stylizer` to a config; it keeps everything that the two configs share."""
        from styler.api import Stylizer

        if self._latest is None:
            self._latest = Stylizer(config, statistics=self._statistics if self._placement.statistics else None)
        elif self._latest.config != config:
            self._latest = self._latest.with_config(config)
        return self._latest

    def _statistics(self, config: RenderConfig) -> Any:
        from styler.batch.statistics import StatisticsFolder

        tag = f"{statistics_tag(config)} {self._placement.threads}"  # the number of threads affects rounding in sums
        return StatisticsFolder(self._placement.statistics or Path(), tag)


_Source: TypeAlias = tuple[Path, int | None]  # a file and its maximum number of pixels


class Pictures:
    """A cache of decoded images that reads ahead in a thread and keeps the most recently used ones."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Source, Future[Picture]] = OrderedDict()
        self._reader = ThreadPoolExecutor(1)

    def read_ahead(self, paths: Iterable[Path], max_pixels: int | None) -> None:
        """Start to read images that will be needed."""
        for path in paths:
            self._future((path, max_pixels))

    def get(self, path: Path, max_pixels: int | None) -> Picture:
        """Return one image, and wait for it if necessary.

        Raises:
            ImageError: The image cannot be read, or it has too many pixels.
        """
        source = path, max_pixels
        future = self._future(source)
        if future.done() and future.exception():
            self._kept.pop(source, None)  # a retry reads the file again
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
        """Drop the least recently used images beyond `KEPT_PIXELS`."""
        pixels = 0
        for source in reversed(list(self._kept)):
            future = self._kept[source]
            if future.done() and not future.exception():
                pixels += future.result().pixels.size // 3
                if pixels > KEPT_PIXELS and source != latest:
                    del self._kept[source]


def render_assignment(
    studio: Studio,
    pictures: Pictures,
    assignment: Assignment,
    observer: Observer,
) -> Made:
    """Read the images that are not in memory yet, find masks if they are wanted, and render.

    Raises:
        StylerError: An image cannot be read, or the render fails.
    """
    order, masks = _with_masks(studio, _order(pictures, assignment), assignment.masks)
    return Made(result=studio.render(order, observer), masks=masks)


def _order(pictures: Pictures, assignment: Assignment) -> Order:
    return Order(
        config=assignment.config,
        inputs=assignment.inputs.map(lambda path: pictures.get(path, assignment.max_pixels)),
        shape=assignment.shape,
    )


def _with_masks(studio: Studio, order: Order, files: Sequence[Path]) -> tuple[Order, dict[Path, bytes]]:
    """Find masks and return the order with them, and the contents of their files; without files, change nothing.

    The masks are inputs like those of files, so that the recipe names them and `styler replay` finds them.
    """
    if not files:
        return order, {}
    contents = {}
    masks = []
    for path, pixels in zip(files, studio.masks(order), strict=True):
        mask = read_image(pixels)
        file = BytesIO()
        encode_picture(mask, MASK_FORMAT, file)
        contents[path] = file.getvalue()
        masks.append(replace(mask, name=path.stem, source=identified(file, path.name)))
    of_photo, *of_paintings, _ = masks
    names = [str(path) for path in files]
    config = order.config.changed(content_mask=names[0], style_mask=tuple(names[1:-1]))
    inputs = order.inputs.with_masks(of_photo, of_paintings)
    return replace(order, config=config, inputs=inputs), contents


def render_assignments(
    studio: Studio,
    pictures: Pictures,
    assignments: Sequence[Assignment],
    heard: Callable[[int, StepEvent], object],
) -> Iterator[tuple[Assignment, Made | Exception, int]]:
    """Render assignments, together if there are several.

    If rendering them together fails, they are rendered one by one, so that one bad assignment does not affect the
    others.

    Args:
        studio: Studio that renders.
        pictures: Image cache of the worker.
        assignments: One assignment, or several with the same program and size.
        heard: Called with the task number and the event for every step.

    Yields:
        Each assignment, its result or the error that prevented one, and how many pictures were rendered together.
    """
    if len(assignments) > 1:
        made = _together(studio, pictures, assignments, heard)
        if made is not None:
            yield from ((each, result, len(assignments)) for each, result in zip(assignments, made, strict=True))
            return
    for each in assignments:
        try:
            result: Made | Exception = render_assignment(studio, pictures, each, partial(heard, each.number))
        except Exception as error:  # any error fails this picture only, not the batch
            result = error
        yield each, result, 1


def _together(
    studio: Studio,
    pictures: Pictures,
    assignments: Sequence[Assignment],
    heard: Callable[[int, StepEvent], object],
) -> Sequence[Made] | None:
    try:
        orders = [_order(pictures, each) for each in assignments]
        results = studio.render_together(orders, lambda place, event: heard(assignments[place].number, event))
        return [Made(result=result) for result in results]
    except Exception:  # the error occurs again, with its message, when the bad picture is rendered alone
        return None


def written(
    made: Made,
    assignment: Assignment,
    worker: int,
    threads: int,
    together: int = 1,
) -> Finished:
    """Write a picture, after its masks, and return a message about the files.

    Args:
        made: Rendered picture.
        assignment: Assignment with the path and options of the file.
        worker: Number of the worker.
        threads: Number of threads that rendered the picture.
        together: Number of pictures that were rendered as one tensor.

    Raises:
        OutputError: The picture or a mask cannot be written; then no mask is left.
    """
    result = made.result
    export = result.exported(assignment.export, recipe=assignment.with_recipe)
    try:
        for file, content in made.masks.items():
            write_bytes(file, content, overwrite=True)
        path = write_picture(
            result.picture,
            assignment.target,
            export=export,
            overwrite=True,
        )
    except OutputError:
        for file in made.masks:
            file.unlink(missing_ok=True)
        raise
    return Finished(
        worker=worker,
        number=assignment.number,
        sha256=digest(path),
        size=path.stat().st_size,
        seconds=result.report.seconds / together,
        peak_memory=result.report.peak_memory,
        threads=threads,
        together=together,
        masks={file.name: digest(file) for file in made.masks},
    )


def described(error: BaseException) -> str:
    """Describe an error in one line, with its class unless it is a `StylerError`."""
    text = one_line(str(error)) or type(error).__name__
    if isinstance(error, StylerError):
        return text
    return text if text == type(error).__name__ else f"{type(error).__name__}: {text}"


def may_pass(error: BaseException | None) -> bool:
    """Whether a retry may succeed, as after a lack of memory or disk space, or a device that did not respond."""
    if error is None:
        return False
    if isinstance(error, MemoryError | ResourceError) or type(error).__name__ == "ResourceExhaustedError":
        return True
    if isinstance(error, OSError) and error.errno in PASSING:
        return True
    return may_pass(error.__cause__)
