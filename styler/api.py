"""Render from Python: `stylize` for one picture, `Stylizer` for many."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from PIL import Image

from styler.config import BUILT_IN_INITS, PROFILES, QUALITY, Crops, RenderConfig, RenderOptions, StylizeOptions
from styler.errors import CheckpointError, ConfigError, OptionError, OutputError, shown
from styler.forks import check_not_forked
from styler.images.export import Export
from styler.images.picture import Picture
from styler.images.reading import ImageLike, read_image
from styler.images.recipes import fits
from styler.images.sizes import check_painting, result_size
from styler.images.writing import as_pil, write_picture
from styler.inputs import Inputs
from styler.networks import NetworkSpec, find_network
from styler.presets import PRESETS
from styler.progress import Observer, Phase, StepEvent
from styler.recipe import Input, Plan, Recipe
from styler.render.batching import PictureBatch
from styler.render.checkpoint import read_checkpoint
from styler.render.engine import Engine, Statistics
from styler.render.files import read_images, with_network
from styler.render.job import Job, read_job
from styler.render.outcome import with_belongings
from styler.render.planner import plan_render
from styler.render.provenance import recipe_inputs, recipe_of
from styler.render.renderer import Renderer
from styler.render.report import Report, reported, versions
from styler.render.restoring import restored
from styler.render.saver import EVERY, Saver
from styler.render.schedule import Schedule
from styler.render.snapshot import Position, Snapshot
from styler.types import PathLike, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleResult:
    """A rendered picture.

    Attributes:
        picture: Pixels as floats, with the photo's alpha, color profile, depth and camera fields.
        report: How it came about.
        config: The options it was made with.
        recipe: All that is needed to make it again.
        checkpoint: File that it can be made from again by `resume`, until it is saved; None for none.
    """

    picture: Picture
    report: Report
    config: RenderConfig
    recipe: Recipe
    checkpoint: Path | None = None

    @property
    def image(self) -> Image.Image:
        """8 bits in sRGB, dithered: RGB, or RGBA where the photo was transparent."""
        return as_pil(self.picture)

    def save(
        self,
        path: PathLike,
        *,
        quality: int = QUALITY,
        depth: int | None = None,
        profile: str = PROFILES[0],
        keep_gps: bool = False,
        dpi: int | None = None,
        recipe: bool = True,
        overwrite: bool = False,
    ) -> Path:
        """Write atomically in the format of the suffix; then the checkpoint has done its work and goes.

        Args:
            path: Target: png, jpg, webp or tif.
            quality: 1..100, of JPEG and WebP.
            depth: 8 or 16 bits a channel; None for 16 where the photo has more than 8 and the format holds them.
            profile: "keep" for the photo's own color profile, "srgb" for sRGB.
            keep_gps: Whether the place where the photo was taken is passed on.
            dpi: Dots per inch that the file states; None for those of the photo.
            recipe: Whether the file carries its recipe, for `styler replay`.
            overwrite: Whether an existing file may be replaced.

        Raises:
            OutputError: Unknown format, absent folder, full disk, or an existing file without `overwrite`.
        """
        export = Export(quality=quality, depth=depth, profile=profile, keep_gps=keep_gps, dpi=dpi)
        written = write_picture(self.picture, path, export=self.exported(export, recipe=recipe), overwrite=overwrite)
        if self.checkpoint is not None:
            self.checkpoint.unlink(missing_ok=True)
        return written

    def named_like(self, known: Inputs[Input]) -> StyleResult:
        """The same with a recipe that has the names which an earlier recipe has for its inputs."""
        return replace(self, recipe=self.recipe.named_like(known))

    def exported(self, export: Export, *, recipe: bool = True) -> Export:
        """The choices with the recipe as its text; without it where it is not wanted or too long for a file."""
        return exported(self.recipe if recipe else None, export)


def exported(recipe: Recipe | None, export: Export) -> Export:
    """Choices about a file with a recipe that says so as its text; without where it is none or too long for a file."""
    if recipe is None:
        return replace(export, recipe=None)
    text = replace(recipe, export={name: getattr(export, name) for name in recipe.export}).to_text()
    return replace(export, recipe=text if fits(text) else None)


class Stylizer:
    """Renders many pictures with one config; keeps the network, compiled programs and style statistics.

    Threads may share one, and the ones that `changed` gives: their renders take turns, a call of the compiled program
    each, and come out as if alone. A process that was forked after the first render, or after anything else has started
    TensorFlow, cannot render: start workers by spawn.

    Args:
        config: What to render; the default is the preset "balanced".
        network: A network that is not registered, instead of the one that `config` names.
        statistics: From a config to where style statistics are kept; None for memory alone.
        plan: What a recipe says that the options came to; obeyed instead of finding it out anew.

    Raises:
        NetworkError: `config` names an unknown network.
        LayerError: `config` names a layer that the network does not have.
        WeightsError: The network's weights are absent or damaged.
    """

    def __init__(
        self,
        config: RenderConfig | None = None,
        *,
        network: NetworkSpec | None = None,
        statistics: Callable[[RenderConfig], Statistics] | None = None,
        plan: Plan | None = None,
    ) -> None:
        self.config, self._statistics, self._plan = config or RenderConfig(), statistics, plan
        resolved = plan.applied(self.config) if plan else self.config
        kept = statistics(resolved) if statistics else None
        engine = Engine(resolved, network or find_network(self.config.network), kept)
        self._engine = engine.in_batch(engine.batch(plan.batch)) if plan and plan.batch > 1 else engine

    def changed(self, **changes: Unpack[RenderOptions]) -> Stylizer:
        """One with another config, which shares network, compiled programs and statistics where they fit.

        They fit when only size, strength, weights, color, start, steps, scales or seed change.

        Args:
            **changes: Fields of `RenderConfig`.

        Raises:
            StylerError: As for the class.
        """
        config = RenderConfig.from_dict({**self.config.to_dict(), **changes})
        if not self._engine.serves(config):
            network = None if "network" in changes else self._engine.network
            return Stylizer(config, network=network, statistics=self._statistics)
        shared = copy.copy(self)
        shared.config, shared._plan = config, None
        return shared

    def batch(self, size: int) -> PictureBatch:
        """A batch of up to `size` pictures of one size that are rendered together, in one tensor."""
        return self._engine.batch(size)

    def in_batch(self, batch: PictureBatch) -> Stylizer:
        """One whose next render is a picture of a batch; see `PictureBatch.run`."""
        shared = copy.copy(self)
        shared._engine = self._engine.in_batch(batch)
        return shared

    def render(
        self,
        content: ImageLike,
        style: ImageLike | Sequence[ImageLike],
        *,
        init: ImageLike | None = None,
        observer: Observer | None = None,
        checkpoint: PathLike | None = None,
        checkpoint_every: float = EVERY,
    ) -> StyleResult:
        """Render one picture.

        Args:
            content: The photo: a path, a PIL image, an array (H, W, 3 or 4), uint8, uint16 or float 0..1, or a
                picture that `styler.images.reading.read_image` has read.
            style: The painting, or several of them.
            init: The image to start from, like `content`; None for the start that the config names.
            observer: Called with a `StepEvent` about every second.
            checkpoint: File to save the state in, for `resume`; gone when the result is saved. Images must be paths.
            checkpoint_every: Seconds between two savings.

        Raises:
            ImageError: An image cannot be read.
            ConfigError: The images do not fit the config.
            OutputError: A checkpoint of that name already exists.
        """
        given = self._images(content, listed(style), init)
        observers = [] if observer is None else [observer]
        if checkpoint is None:
            return driven(self.events(given.map(read_image)), observers)
        job = self.job(given.map(_path)).to_dict()
        saver = Saver(unused(Path(checkpoint)), job, tell=_warn, every=checkpoint_every, always=True)
        return kept(driven(self.events(given.map(read_image)), [saver, *observers]), saver)

    def iterate(
        self,
        content: ImageLike,
        style: ImageLike | Sequence[ImageLike],
        *,
        init: ImageLike | None = None,
        event_every: int | None = None,
    ) -> Generator[StepEvent, None, StyleResult]:
        """Render step by step: stop whenever you like, `event.image()` is the best so far.

        Args:
            content: As in `render`.
            style: As in `render`.
            init: As in `render`.
            event_every: An event at every multiple of this step at the latest.

        Yields:
            An event after each call of the compiled program, about every second.

        Returns:
            The result, as the value of the generator.
        """
        check_not_forked()
        given = self._images(content, listed(style), init)
        return (yield from self.events(given.map(read_image), event_every=event_every))

    def _images(self, content: ImageLike, styles: Sequence[ImageLike], init: ImageLike | None) -> Inputs[ImageLike]:
        """The images as they were handed over, with the start that the config names if there is no other."""
        named = None if self.config.init in BUILT_IN_INITS else self.config.init
        return Inputs.of(content, styles, named if init is None else init)

    def job(
        self,
        files: Inputs[Path],
        *,
        max_pixels: int | None = None,
        choices: Mapping[str, Any] | None = None,
    ) -> Job:
        """What a checkpoint of a render with this says of it.

        Args:
            files: The images.
            max_pixels: Most pixels of an input, None for what fits into memory.
            choices: Plain values to find again at `resume`.

        Raises:
            ConfigError: The network is none that `config` names.
        """
        if find_network(self.config.network).name != self._engine.network.name:
            name = self._engine.network.name
            message = f"a render with a checkpoint needs a registered network, to find it again; got {name}"
            raise ConfigError(message)
        return Job(
            inputs=with_network(files, self.config),
            config=self.config,
            max_pixels=max_pixels,
            choices=choices or {},
            plan=self._engine.plan,
            versions=versions(),
        )

    def plan(
        self,
        size: Size,
        *,
        measure: bool | None = False,
        reserve: int = 0,
        position: Position | None = None,
        phase: Phase | None = None,
    ) -> Schedule:
        """What a render would come to within the config's `max_memory` and `time_budget`.

        Args:
            size: Of the result, (height, width).
            measure: Measure on this machine also where a guess shows that all is well, which is kept for later; None
                to measure nothing.
            reserve: Bytes that will be held beside what the process holds now.
            position: Where a render stands that goes on.
            phase: Called before measurements, which take some seconds.

        Raises:
            ResourceError: No plan fits; the message names the least that would do.
        """
        with self._engine.held():
            return plan_render(
                self.config,
                self._engine,
                size,
                measure=bool(measure),
                reserve=reserve,
                kept=position,
                plan=self._plan,
                probe=(lambda *_: None) if measure is None else None,
                phase=phase,
            )

    def events(
        self,
        inputs: Inputs[Picture],
        *,
        event_every: int | None = None,
        snapshot: Snapshot | None = None,
        watch: Callable[[int, int], object] | None = None,
        shape: Size | None = None,
        phase: Phase | None = None,
    ) -> Generator[StepEvent, None, StyleResult]:
        """Render pictures that are read already, step by step.

        Args:
            inputs: The photo, the paintings, an image to start from.
            event_every: An event at every multiple of this step at the latest.
            snapshot: Where to go on from: `event.snapshot()` of an earlier render of the same images and config.
            watch: Called after each tile with the count of tiles done and to do in this evaluation. What it raises
                stops the render at once; the last event still has its picture and its snapshot then.
            shape: (height, width) of the result; None for the photo's proportions at the config's size.
            phase: Called with what is done before the first step.

        Yields:
            An event after each call of the compiled program, about every second.

        Returns:
            The result, as the value of the generator.
        """
        check_not_forked()
        network, photo = self._engine.network, inputs.photo
        known = recipe_inputs(inputs, self.config, network)
        inputs = _with_crops(inputs, self.config.style_crop)
        for painting in inputs.paintings:
            check_painting(painting.size, network.minimum_size, f"the style image {painting.name}")
        fixed = (self._plan.size if self._plan else None) or shape
        size = result_size(self.config.size, photo.size, network.minimum_size, fixed)
        config = self.config if known.init is None else self.config.changed(init=known.init.name)
        schedule = self.plan(size, position=snapshot.position if snapshot else None, phase=phase)
        if phase is not None:
            phase("compiling")
        described = partial(recipe_of, config, self._engine, known, schedule.changes)
        renderer = Renderer(config, self._engine, described)
        outcome = yield from renderer.render(inputs, schedule, event_every=event_every, snapshot=snapshot, told=watch)
        picture = with_belongings(photo, outcome.pixels)
        return StyleResult(
            picture=picture,
            report=reported(self.config, inputs, outcome),
            config=self.config,
            recipe=described(picture.size, outcome.levels),
        )


def stylize(
    content: ImageLike,
    style: ImageLike | Sequence[ImageLike],
    *,
    config: RenderConfig | None = None,
    init: ImageLike | None = None,
    observer: Observer | None = None,
    checkpoint: PathLike | None = None,
    checkpoint_every: float = EVERY,
    **changes: Unpack[StylizeOptions],
) -> StyleResult:
    """Render a photo in the style of a painting.

    Args:
        content: The photo: a path, a PIL image, or an array (H, W, 3 or 4), uint8 or float 0..1.
        style: The painting, or several of them.
        config: What to render; the default is the preset "balanced".
        init: What the optimizer starts from: "content", "noise", "style", or an image like `content`; None for what
            the config says.
        observer: Called with a `StepEvent` about every second.
        checkpoint: File to save the state in, for `resume`; gone when the result is saved. Images must be paths.
        checkpoint_every: Seconds between two savings.
        **changes: Fields of `RenderConfig` that win over `config`, such as `size=1024`; and `preset`, whose options win
            over `config` too, but not over other keywords.

    Returns:
        The picture, its report and its config.

    Raises:
        StylerError: Any of the errors of `styler.errors`.

    Example:
        >>> result = stylize("photo.jpg", "painting.jpg", size=512)
        >>> result.save("out.png")
    """
    values: dict[str, Any] = {**changes}
    preset = values.pop("preset", None)
    start = (config or RenderConfig()).to_dict() if preset is None or config else {}
    values = {**start, **(PRESETS[preset].fields() if preset is not None else {}), **values}
    if isinstance(init, str | os.PathLike):
        values["init"], init = os.fspath(init), None
    return Stylizer(RenderConfig.from_dict(values)).render(
        content,
        style,
        init=init,
        observer=observer,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
    )


def resume(checkpoint: PathLike, *, observer: Observer | None = None) -> StyleResult:
    """Go on with a render that was stopped or killed.

    Args:
        checkpoint: The file that was named to `stylize`, or that the command line left; further states are saved in
            it, and it goes when the result is saved.
        observer: Called with a `StepEvent` about every second.

    Returns:
        The same picture as if it had not been stopped; with other versions or devices one very like it, with a warning.

    Raises:
        CheckpointError: The file is damaged or none, or an image has changed since.
    """
    check_not_forked()
    path = Path(checkpoint)
    saved = read_checkpoint(path)
    job = read_job(saved.job)
    saver = Saver(path, saved.job, tell=_warn, always=True, active=True, replace=True)
    pictures = read_images(job.inputs, job.max_pixels)
    events = _stylizer_of(job).events(pictures, snapshot=saved.snapshot)
    return kept(driven(events, [saver] if observer is None else [saver, observer]), saver)


def _stylizer_of(job: Job) -> Stylizer:
    """For a render that goes on, with the device, compiler and threads that it began with; warns of what is other."""
    replayed = job.choices.get("plan")  # of `styler replay`, with sizes and steps
    try:
        plan = Plan.from_dict(replayed) if replayed else job.plan
    except ConfigError as cause:
        message = f"a checkpoint that this styler can resume was expected: {cause}"
        raise CheckpointError(message) from cause
    if plan is None:
        return Stylizer(job.config)
    chosen = restored(plan, job.config, job.versions, elsewhere=True)
    for difference in chosen.differences:
        _warn(difference)
    return Stylizer(chosen.config, plan=chosen.plan)


def kept(result: StyleResult, saver: Saver) -> StyleResult:
    """A result with its last state saved, for as long as the picture itself is not."""
    saver.save()
    return replace(result, checkpoint=saver.path) if saver.active else result


def driven(events: Generator[StepEvent, None, StyleResult], observers: Sequence[Observer]) -> StyleResult:
    """Take a render to its end, each event shown to every observer."""
    while True:
        try:
            event = next(events)
        except StopIteration as finished:
            result: StyleResult = finished.value
            return result
        for observer in observers:
            observer(event)


def unused(checkpoint: Path) -> Path:
    """Refuse a checkpoint that would replace another one.

    Raises:
        OutputError: A file of that name exists.
    """
    if os.path.lexists(checkpoint):
        message = f"{shown(checkpoint)} already exists, perhaps of a render that was stopped; resume or remove it"
        raise OutputError(message)
    return checkpoint


def _with_crops(inputs: Inputs[Picture], boxes: Crops | None) -> Inputs[Picture]:
    """The inputs with the part of each painting that a box leaves.

    Raises:
        OptionError: One box was expected, or one for each group of paintings.
    """
    if boxes is None:
        return inputs
    count = len(inputs.styles)
    if len(boxes) not in (1, count):
        expected = "1 box" if count == 1 else f"1 or {count} boxes"
        raise OptionError(name="style_crop", expected=expected, came=len(boxes))
    each = boxes * count if len(boxes) == 1 else boxes
    styles = (tuple(_cropped(art, box) for art in group) for group, box in zip(inputs.styles, each, strict=True))
    return replace(inputs, styles=tuple(styles))


def _cropped(picture: Picture, box: tuple[float, float, float, float]) -> Picture:
    """A part of a picture, at least one pixel."""
    left, top, right, bottom = box
    height, width = picture.size
    rows = slice(min(int(top * height), height - 1), max(round(bottom * height), int(top * height) + 1))
    columns = slice(min(int(left * width), width - 1), max(round(right * width), int(left * width) + 1))
    alpha = None if picture.alpha is None else picture.alpha[rows, columns]
    return replace(picture, pixels=picture.pixels[rows, columns], alpha=alpha)


def _path(image: ImageLike) -> Path:
    """The path that an image was given by.

    Raises:
        ConfigError: It was given otherwise.
    """
    if not isinstance(image, str | os.PathLike):
        message = "a render with a checkpoint needs its images as paths, to find them again; got an image in memory"
        raise ConfigError(message)
    return Path(image)


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=3)


def listed(style: ImageLike | Sequence[ImageLike]) -> list[ImageLike]:
    """One style or several as a list.

    Raises:
        ConfigError: An empty list.
    """
    styles: list[ImageLike] = list(style) if isinstance(style, list | tuple) else [style]  # type: ignore[list-item]
    if not styles:
        message = "expected at least one style image, got none"
        raise ConfigError(message)
    return styles
