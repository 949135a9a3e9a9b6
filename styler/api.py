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

from styler.config import (
    BUILT_IN_INITS,
    PROFILES,
    QUALITY,
    RenderConfig,
    RenderOptions,
    StylizeOptions,
    refuse_without_steps,
)
from styler.errors import CheckpointError, ConfigError, OutputError, shown
from styler.forks import check_not_forked
from styler.images.cropping import cropped, uncropped, with_crops
from styler.images.export import Export
from styler.images.mapped import Array
from styler.images.photos import paintings_of
from styler.images.picture import Picture
from styler.images.reading import ImageLike, read_image
from styler.images.recipes import fits
from styler.images.sizes import check_painting, check_scale, result_size
from styler.images.writing import as_pil, write_picture
from styler.inputs import Inputs
from styler.networks import NetworkSpec, find_network
from styler.options import NO_FILE
from styler.presets import PRESETS
from styler.progress import Observer, Phase, StepEvent
from styler.recipe import Plan, Recipe, with_names
from styler.render.auto_regions import auto_masks
from styler.render.batching import PictureBatch
from styler.render.checkpoint import read_checkpoint
from styler.render.engine import Engine, Statistics
from styler.render.files import read_images, with_network
from styler.render.job import Job, read_job
from styler.render.outcome import with_belongings
from styler.render.planner import plan_render
from styler.render.provenance import recipe_inputs, recipe_of
from styler.render.regions import check_gray_masks, region_colors
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
        report: What happened during the render.
        config: Options of the render.
        recipe: Everything that is needed to render the picture again.
        checkpoint: File from which `resume` can make the picture again, until `save` removes it; None if there is none.
    """

    picture: Picture
    report: Report
    config: RenderConfig
    recipe: Recipe
    checkpoint: Path | None = None

    @property
    def image(self) -> Image.Image:
        """The picture in 8-bit sRGB, dithered: RGB, or RGBA if the photo has transparency."""
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
        """Write the picture atomically, in the format that the suffix names, and then remove the checkpoint.

        Args:
            path: Output file; its suffix is png, jpg, webp or tif.
            quality: Quality of JPEG and WebP, 1..100.
            depth: Bits per channel, 8 or 16; None for 16 if the photo has more than 8 and the format supports it.
            profile: "keep" for the photo's own color profile, "srgb" for sRGB.
            keep_gps: Whether to keep the place where the photo was taken.
            dpi: Dots per inch that the file states; None for the photo's value.
            recipe: Whether to store the recipe in the file, for `styler replay`.
            overwrite: Whether an existing file may be replaced.

        Raises:
            OutputError: The format is unknown, the folder does not exist, the disk is full, or the file exists and
                `overwrite` is false.
        """
        export = Export(
            quality=quality,
            depth=depth,
            profile=profile,
            keep_gps=keep_gps,
            dpi=dpi,
        )
        written = write_picture(
            self.picture,
            path,
            export=self.exported(export, recipe=recipe),
            overwrite=overwrite,
        )
        if self.checkpoint is not None:
            self.checkpoint.unlink(missing_ok=True)
        return written

    def exported(self, export: Export, *, recipe: bool = True) -> Export:
        """Add the recipe to the choices for a file, unless it is not wanted or too long for a file."""
        return exported(self.recipe if recipe else None, export)


def exported(recipe: Recipe | None, export: Export) -> Export:
    """Add a recipe to the choices for a file, and record those choices in the recipe.

    Args:
        recipe: The recipe; None adds none. A recipe that is too long for a file is left out as well.
        export: Choices for the file.
    """
    if recipe is None:
        return replace(export, recipe=None)
    text = replace(recipe, export={name: getattr(export, name) for name in recipe.export}).to_text()
    return replace(export, recipe=text if fits(text) else None)


class Stylizer:
    """Renders many pictures with one config; keeps the network, compiled programs and style statistics.

    Threads can share a stylizer and those that `changed` returns. Their renders take turns, one call of the compiled
    program at a time, and give the same results as if each ran alone. A process that was forked after TensorFlow had
    started, for example by the first render, cannot render. Start worker processes with the "spawn" method.

    Args:
        config: Options of the renders; the default is the preset "balanced".
        network: Unregistered network to use instead of the one that `config` names.
        statistics: Function that takes a config and returns the mapping that stores its style statistics; None keeps
            them in memory only.
        plan: Plan from a recipe; the renders follow it instead of making a new one.

    Raises:
        NetworkError: `config` names an unknown network.
        LayerError: `config` names a layer that the network does not have.
        WeightsError: The network's weights are missing or damaged.
    """

    def __init__(
        self,
        config: RenderConfig | None = None,
        *,
        network: NetworkSpec | None = None,
        statistics: Callable[[RenderConfig], Statistics] | None = None,
        plan: Plan | None = None,
    ) -> None:
        self.config = config or RenderConfig()
        self._statistics = statistics
        self._plan = plan
        resolved = plan.applied(self.config) if plan else self.config
        kept = statistics(resolved) if statistics else None
        engine = Engine(resolved, network or find_network(self.config.network), kept)
        self._engine = engine.in_batch(engine.batch(plan.batch)) if plan and plan.batch > 1 else engine

    def changed(self, **changes: Unpack[RenderOptions]) -> Stylizer:
        """Return a stylizer with some options changed.

        It shares the network, compiled programs and statistics if they fit the new config. They fit if only size,
        strength, weights, color, start, steps, scales or seed change.

        Args:
            **changes: Fields of `RenderConfig`.

        Raises:
            StylerError: For the same reasons as in the constructor.
        """
        config = RenderConfig.overridden(self.config.to_dict(), changes)
        return self._switched(config, None if "network" in changes else self._engine.network)

    def with_config(self, config: RenderConfig) -> Stylizer:
        """Return a stylizer for another config, which shares what fits it; see `changed`.

        Args:
            config: The whole config, of which no option counts as given explicitly.

        Raises:
            StylerError: For the same reasons as in the constructor.
        """
        return self._switched(config, self._engine.network if config.network == self.config.network else None)

    def _switched(self, config: RenderConfig, network: NetworkSpec | None) -> Stylizer:
        """Return a stylizer for a config; if it needs another engine, `network` or the network that it names serves."""
        if not self._engine.serves(config):
            return Stylizer(config, network=network, statistics=self._statistics)
        shared = copy.copy(self)
        shared.config, shared._plan = config, None
        return shared

    def batch(self, size: int) -> PictureBatch:
        """Return a batch of up to `size` pictures, all of the same size, that are rendered together in one tensor."""
        return self._engine.batch(size)

    def in_batch(self, batch: PictureBatch) -> Stylizer:
        """Return a stylizer whose next render is one picture of a batch; see `PictureBatch.run`."""
        shared = copy.copy(self)
        shared._engine = self._engine.in_batch(batch)
        return shared

    def render(
        self,
        content: ImageLike,
        style: ImageLike | Sequence[ImageLike],
        *,
        init: ImageLike | None = None,
        content_mask: ImageLike | None = None,
        style_masks: Sequence[ImageLike | None] | None = None,
        keep: ImageLike | None = None,
        strength_map: ImageLike | None = None,
        observer: Observer | None = None,
        checkpoint: PathLike | None = None,
        checkpoint_every: float = EVERY,
    ) -> StyleResult:
        """Render one picture.

        Args:
            content: The photo: a path, a PIL image, an array (H, W, 3 or 4), uint8, uint16 or float 0..1, or a
                picture that `styler.images.reading.read_image` has read.
            style: The painting, or several paintings. The path of a folder stands for all paintings in it, which share
                one style weight; hidden files and those that are no images are skipped.
            init: The image to start from, like `content`; None for the start that the config names.
            content_mask: An image whose colors are the regions of the photo, like `content`; None for the mask that the
                config names, if any.
            style_masks: The same for the paintings, one each; None in place of a mask for a painting that serves every
                region.
            keep: An image that is white where the photo stays photographic; None for the one that the config names.
            strength_map: A gray image by whose lightness the strength is multiplied; None for the one that the config
                names.
            observer: Called with a `StepEvent` about every second.
            checkpoint: File to save the state in, for `resume`; it is removed when the result is saved. All images
                must then be given as paths.
            checkpoint_every: Seconds between two checkpoints.

        Raises:
            ImageError: An image cannot be read.
            ConfigError: The images do not fit the config.
            OutputError: The checkpoint file already exists.
        """
        check_not_forked()
        given = self._images(
            content,
            listed(style),
            init,
            content_mask,
            style_masks,
            keep,
            strength_map,
        )
        observers = [] if observer is None else [observer]
        if checkpoint is not None and not self.config.steps:
            refuse_without_steps("checkpoint")
        if checkpoint is None:
            return driven(self.events(given.map(read_image)), observers)
        job = self.job(given.map(_path)).to_dict()
        saver = Saver(
            unused(Path(checkpoint)),
            job,
            tell=_warn,
            every=checkpoint_every,
            always=True,
        )
        return kept(driven(self.events(given.map(read_image)), [saver, *observers]), saver)

    def iterate(
        self,
        content: ImageLike,
        style: ImageLike | Sequence[ImageLike],
        *,
        init: ImageLike | None = None,
        content_mask: ImageLike | None = None,
        style_masks: Sequence[ImageLike | None] | None = None,
        keep: ImageLike | None = None,
        strength_map: ImageLike | None = None,
        event_every: int | None = None,
    ) -> Generator[StepEvent, None, StyleResult]:
        """Render step by step. You can stop at any event; `event.image()` is the best image so far.

        Args:
            content: As in `render`.
            style: As in `render`.
            init: As in `render`.
            content_mask: As in `render`.
            style_masks: As in `render`.
            keep: As in `render`.
            strength_map: As in `render`.
            event_every: Maximum number of steps between two events; every multiple of it gets an event. None for no
                limit.

        Yields:
            An event after each call of the compiled program, about every second.

        Returns:
            The result, as the return value of the generator.
        """
        check_not_forked()
        given = self._images(
            content,
            listed(style),
            init,
            content_mask,
            style_masks,
            keep,
            strength_map,
        )
        return (yield from self.events(given.map(read_image), event_every=event_every))

    def _images(
        self,
        content: ImageLike,
        styles: Sequence[ImageLike],
        init: ImageLike | None,
        content_mask: ImageLike | None,
        style_masks: Sequence[ImageLike | None] | None,
        keep: ImageLike | None,
        strength_map: ImageLike | None,
    ) -> Inputs[ImageLike]:
        """Put the given images into their roles; for those that are not given, use the ones that the config names.

        Raises:
            ConfigError: There are masks of the photo or of the paintings only, or not one mask for each painting; or a
                start with 0 steps.
        """
        config = self.config
        if not config.steps and init is not None:
            refuse_without_steps("init")
        named = None if config.init in BUILT_IN_INITS else config.init
        inputs = Inputs(
            content=content,
            styles=tuple(_paintings(style) for style in styles),
            init=named if init is None else init,
            keep=config.keep if keep is None else keep,
            strength_map=config.strength_map if strength_map is None else strength_map,
        )
        if content_mask is None and style_masks is None:
            config.check_styles(len(styles))
            masks = [None if mask == NO_FILE else mask for mask in config.style_mask or ()]
            return inputs.with_masks(config.content_mask, masks)
        if content_mask is None or style_masks is None or len(style_masks) != len(styles):
            got = f"{len(style_masks or ())} style_masks and {'no' if content_mask is None else 'a'} content_mask"
            message = f"expected a content_mask and {len(styles)} style_masks, one for each painting or None, got {got}"
            raise ConfigError(message)
        return inputs.with_masks(content_mask, style_masks)

    def auto_masks(self, content: ImageLike, style: ImageLike | Sequence[ImageLike]) -> list[Array]:
        """Find corresponding regions in a photo and paintings, from what the network sees in them.

        Args:
            content: As in `render`.
            style: As in `render`.

        Returns:
            Masks for `render`, uint8, (height, width, 3): `content_mask`, then one of `style_masks` for each painting.
        """
        check_not_forked()
        photo = read_image(content)
        paintings = [read_image(painting) for painting in listed(style)]
        boxes = self.config.style_boxes(len(paintings))
        layers = self.config.content_layers or self._engine.network.content_layers
        with self._engine.held():
            mask, *of_parts = auto_masks(
                self._engine.objective.extract,
                [address for address, _ in layers],
                photo,
                [cropped(painting, box) for painting, box in zip(paintings, boxes, strict=True)],
                self._engine.network.minimum_size,
            )
        pairs = zip(of_parts, paintings, boxes, strict=True)
        return [mask, *(uncropped(own, painting.size, box) for own, painting, box in pairs)]

    def job(
        self,
        files: Inputs[Path],
        *,
        max_pixels: int | None = None,
        choices: Mapping[str, Any] | None = None,
    ) -> Job:
        """Describe a render with this stylizer for its checkpoint.

        Args:
            files: The image files.
            max_pixels: Maximum number of pixels of an input; None for as many as fit into memory.
            choices: Plain values to store for `resume`.

        Raises:
            ConfigError: The network is not the one that `config` names.
        """
        if find_network(self.config.network).name != self._engine.network.name:
            name = self._engine.network.name
            message = f"a render with a checkpoint needs a registered network, so that `resume` can find it; got {name}"
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
        regions: int = 0,
        position: Position | None = None,
        phase: Phase | None = None,
    ) -> Schedule:
        """Plan a render that stays within the config's `max_memory` and `time_budget`.

        Args:
            size: Size of the result, (height, width).
            measure: Whether to measure on this machine even if a rough estimate shows that the render fits; the
                measurements are kept for later. None never measures.
            reserve: Bytes that the render must leave free for other uses in this process.
            regions: Number of regions; 0 without masks.
            position: Position of the render to continue; None for a new render.
            phase: Called before measurements, which take several seconds.

        Raises:
            ResourceError: No plan fits; the message states the smallest budget that would be enough.
        """
        with self._engine.held():
            return plan_render(
                self.config,
                self._engine,
                size,
                measure=bool(measure),
                reserve=reserve,
                regions=regions,
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
        """Render pictures that have already been read, step by step.

        Args:
            inputs: The photo, the paintings and, optionally, an image to start from.
            event_every: Maximum number of steps between two events; every multiple of it gets an event. None for no
                limit.
            snapshot: State to continue from: `event.snapshot()` of an earlier render of the same images and config.
            watch: Called after each tile with the number of tiles done and their total number in this evaluation. An
                exception from it stops the render at once; the last event then still has its picture and snapshot.
            shape: (height, width) of the result; None for the photo's proportions at the config's size.
            phase: Called with a description of each task before the first step.

        Yields:
            An event after each call of the compiled program, about every second.

        Returns:
            The result, as the return value of the generator.
        """
        check_not_forked()
        network = self._engine.network
        photo = inputs.photo
        known = recipe_inputs(inputs, self.config, network)
        inputs = with_crops(inputs, self.config.style_boxes(len(inputs.styles)), cropped)
        for painting in inputs.paintings:
            check_painting(painting.size, network.minimum_size, f"the style image {painting.name}")
        fixed = (self._plan.size if self._plan else None) or shape
        size = result_size(self.config.size, photo.size, network.minimum_size, fixed)
        config = with_names(self.config, known.map(lambda found: found.name))
        scales = inputs.for_paintings(self.config.style_scales(len(inputs.styles)))
        for painting, scale in zip(inputs.paintings, scales, strict=True):
            check_scale(painting.size, self.config.seen_at(max(size)), network.minimum_size, scale, painting.name)
        sizes = inputs.map(lambda picture: picture.size)
        check_gray_masks(sizes)
        colors = region_colors(inputs.content_mask, inputs.style_masks, sizes)
        schedule = self.plan(
            size,
            regions=inputs.region_count(len(colors)),
            position=snapshot.position if snapshot else None,
            phase=phase,
        )
        if phase is not None:
            phase("compiling")
        described = partial(
            recipe_of,
            config,
            self._engine,
            known,
            schedule.changes,
        )
        renderer = Renderer(config, self._engine, described)
        outcome = yield from renderer.render(
            inputs,
            schedule,
            event_every=event_every,
            snapshot=snapshot,
            on_tile=watch,
        )
        picture = with_belongings(photo, outcome.pixels)
        return StyleResult(
            picture=picture,
            report=reported(self.config, inputs, outcome),
            config=self.config,
            recipe=described(picture.size, outcome.levels, tile=outcome.tile),
        )


def stylize(
    content: ImageLike,
    style: ImageLike | Sequence[ImageLike],
    *,
    config: RenderConfig | None = None,
    init: ImageLike | None = None,
    content_mask: ImageLike | None = None,
    style_masks: Sequence[ImageLike | None] | None = None,
    keep: ImageLike | None = None,
    strength_map: ImageLike | None = None,
    observer: Observer | None = None,
    checkpoint: PathLike | None = None,
    checkpoint_every: float = EVERY,
    **changes: Unpack[StylizeOptions],
) -> StyleResult:
    """Render a photo in the style of a painting.

    Args:
        content: The photo: a path, a PIL image, or an array (H, W, 3 or 4), uint8 or float 0..1.
        style: The painting, or several paintings. The path of a folder stands for all paintings in it, which share one
            style weight; hidden files and those that are no images are skipped.
        config: Options of the render; the default is the preset "balanced".
        init: Start of the optimizer: "content", "pass", "noise", "style", or an image like `content`; None for the
            start that the config names.
        content_mask: An image whose colors are the regions of the photo, like `content`; None for one region.
        style_masks: The same for the paintings, one each, in which equal colors correspond; None in place of a mask for
            a painting that serves every region.
        keep: An image that is white where the photo stays photographic, such as faces or lettering.
        strength_map: A gray image: how much painting where, from none (black) to the whole strength (white).
        observer: Called with a `StepEvent` about every second.
        checkpoint: File to save the state in, for `resume`; it is removed when the result is saved. All images must
            then be given as paths.
        checkpoint_every: Seconds between two checkpoints.
        **changes: Fields of `RenderConfig` that override `config`, such as `size=1024`; and `preset`, whose options
            override `config` but not the other keywords.

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
    own = config.to_dict() if config else {}
    of_preset = {} if preset is None else PRESETS[preset].fields()
    if isinstance(init, str | os.PathLike):
        values["init"], init = os.fspath(init), None
    return Stylizer(RenderConfig.overridden({**own, **of_preset}, values)).render(
        content,
        style,
        init=init,
        content_mask=content_mask,
        style_masks=style_masks,
        keep=keep,
        strength_map=strength_map,
        observer=observer,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
    )


def resume(checkpoint: PathLike, *, observer: Observer | None = None) -> StyleResult:
    """Continue a render that was stopped or killed.

    Args:
        checkpoint: The file that was passed to `stylize`, or that the command line left behind. Later states are saved
            in it, and it is removed when the result is saved.
        observer: Called with a `StepEvent` about every second.

    Returns:
        The same picture as without the interruption. With other versions or another device, a very similar picture is
        returned, with a warning.

    Raises:
        CheckpointError: The file is damaged or not a checkpoint, or an image has changed since.
    """
    check_not_forked()
    path = Path(checkpoint)
    saved = read_checkpoint(path)
    job = read_job(saved.job)
    saver = Saver(
        path,
        saved.job,
        tell=_warn,
        always=True,
        active=True,
        replace=True,
    )
    pictures = read_images(job.inputs, job.max_pixels)
    events = _stylizer_of(job).events(pictures, snapshot=saved.snapshot)
    return kept(driven(events, [saver] if observer is None else [saver, observer]), saver)


def _stylizer_of(job: Job) -> Stylizer:
    """Make a stylizer with the device, compiler and threads that the render began with; warn about any differences."""
    replayed = job.choices.get("plan")  # the plan of `styler replay`, which includes sizes and steps
    try:
        plan = Plan.from_dict(replayed) if replayed else job.plan
    except ConfigError as cause:
        message = f"expected a checkpoint that this version of styler can resume: {cause}"
        raise CheckpointError(message) from cause
    if plan is None:
        return Stylizer(job.config)
    chosen = restored(plan, job.config, job.versions, elsewhere=True)
    for difference in chosen.differences:
        _warn(difference)
    return Stylizer(chosen.config, plan=chosen.plan)


def kept(result: StyleResult, saver: Saver) -> StyleResult:
    """Save the last state of a render; the result removes this checkpoint when the picture itself is saved."""
    saver.save()
    return replace(result, checkpoint=saver.path) if saver.active else result


def driven(events: Generator[StepEvent, None, StyleResult], observers: Sequence[Observer]) -> StyleResult:
    """Run a render to its end, and call every observer with each event."""
    while True:
        try:
            event = next(events)
        except StopIteration as finished:
            result: StyleResult = finished.value
            return result
        for observer in observers:
            observer(event)


def unused(checkpoint: Path) -> Path:
    """Return the path of a checkpoint that does not exist yet.

    Raises:
        OutputError: The file already exists.
    """
    if os.path.lexists(checkpoint):
        message = f"{shown(checkpoint)} already exists, perhaps from a stopped render; resume that render or remove it"
        raise OutputError(message)
    return checkpoint


def _path(image: ImageLike) -> Path:
    """Return the path of an image that was given as a path.

    Raises:
        ConfigError: The image was not given as a path.
    """
    if not isinstance(image, str | os.PathLike):
        message = (
            "a render with a checkpoint needs its images as paths, so that `resume` can find them; got one in memory"
        )
        raise ConfigError(message)
    return Path(image)


def _paintings(style: ImageLike) -> tuple[ImageLike, ...]:
    """Return one style image, or those of a folder.

    Raises:
        ImageError: The folder has no images or too many.
    """
    if isinstance(style, str | os.PathLike) and os.path.isdir(style):
        return paintings_of(Path(style))
    return (style,)


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=3)


def listed(style: ImageLike | Sequence[ImageLike]) -> list[ImageLike]:
    """Return one style image, or several, as a list.

    Raises:
        ConfigError: The list is empty.
    """
    styles: list[ImageLike] = list(style) if isinstance(style, list | tuple) else [style]  # type: ignore[list-item]
    if not styles:
        message = "expected at least one style image, got none"
        raise ConfigError(message)
    return styles
