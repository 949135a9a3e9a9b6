"""Starts octaves on the device or in tiles: from nothing, from the previous octave or from a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tensorflow as tf

from styler.config import ONE_PASS, RenderConfig
from styler.errors import CheckpointError, ResourceError
from styler.images.amounts import Amounts, cover
from styler.images.mapped import Array, release, scaled
from styler.images.picture import Picture
from styler.images.regions import hexadecimal
from styler.images.resampling import resampled_alpha
from styler.inputs import Inputs
from styler.losses.base import Stats
from styler.objective.compiled import any_size
from styler.objective.objective import Observation, Targets
from styler.objective.regions import Casting, by_region, cast
from styler.objective.strength import content_factors, weights_of
from styler.optimizers.base import AnyOptimizer
from styler.optimizers.descent import Descent, begun, tensors
from styler.optimizers.walk import Pieces
from styler.render.buffers import Buffers
from styler.render.device import DeviceOctave
from styler.render.engine import Engine, tensors_of
from styler.render.host import HostOctave
from styler.render.margin import padded_size, with_margin
from styler.render.memory_watch import MemoryWatch
from styler.render.octave import Octave
from styler.render.program import image_tensor
from styler.render.pyramid import Stage
from styler.render.regions import Regions
from styler.render.snapshot import Snapshot
from styler.render.start import INSIDE, covered, filled, mirrored, noise, padded, refined, roughened
from styler.tiles.tiling import OnTile
from styler.types import Scalar, Size, Tensor

OUT_OF_MEMORY = "the device ran out of memory"
SMALL = (1, 4, 4, 3)  # an image of any shape shows which tensors an optimizer's state has


@dataclass(frozen=True, slots=True, kw_only=True)
class Octaves:
    """The data that all octaves of one render share.

    Attributes:
        config: Options of the render.
        engine: Engine that serves this config.
        inputs: The photo, the paintings and, optionally, an image to start from.
        memory: Watches the memory use.
        on_tile: Called after each tile, see `OnTile`.
        regions: Regions of the photo and the paintings; None for one region.
        amounts: How much painting there is where; None for the same everywhere.
        left_out: Color of a region, what a term reads -> longer side in pixels of the largest octave so far at which
            the region was too small for it.
    """

    config: RenderConfig
    engine: Engine
    inputs: Inputs[Picture]
    memory: MemoryWatch
    on_tile: OnTile | None = None
    regions: Regions | None = None
    amounts: Amounts | None = None
    left_out: dict[tuple[str, str], int] = field(default_factory=dict)

    def started(
        self,
        stage: Stage,
        before: Octave | None = None,
        snapshot: Snapshot | None = None,
    ) -> Octave:
        """Start an octave, or continue it from a snapshot.

        Args:
            stage: The planned octave.
            before: The previous octave, finished; None for the first octave.
            snapshot: State of this octave, made in one piece or in tiles; None to start the octave.

        Raises:
            CheckpointError: The snapshot belongs to another optimizer or size.
            ResourceError: The device ran out of memory, and tiles are impossible.
        """
        saved = None if snapshot is None else self._saved(stage, snapshot)
        made, reason = (0, "") if snapshot is None else (snapshot.position.made, snapshot.position.reason)
        if stage.tile is None:
            try:
                return self._on_device(
                    stage,
                    before,
                    saved,
                    made,
                    reason,
                )
            except tf.errors.ResourceExhaustedError:
                stage = self._split(stage, OUT_OF_MEMORY)
        return self._on_host(
            stage,
            before,
            saved,
            made,
            reason,
        )

    def smaller(
        self,
        octave: Octave,
        reason: str,
        *,
        needed: bool,
    ) -> Octave:
        """Continue an octave with smaller tiles, or in tiles if it was in one piece.

        Args:
            octave: Octave that takes too much memory.
            reason: Reason for the report.
            needed: Whether the octave cannot continue unchanged. If it can, and tiles cannot get smaller, it does.

        Raises:
            ResourceError: Smaller tiles are needed and impossible.
        """
        if octave.stage.tile is not None:
            smallest = self.engine.tiling.view.smallest_tile
            tile = self.memory.smaller(octave.stage.tile, smallest, reason, needed=needed)
            octave.stage = replace(octave.stage, tile=tile)
            return octave
        if self.engine.untileable and not needed:
            return octave
        stage = self._split(octave.stage, reason if needed else "")
        return self._on_host(
            stage,
            None,
            octave.descent,
            octave.made,
            octave.reason,
        )

    def _split(self, stage: Stage, reason: str) -> Stage:
        if reason:
            self.memory.note(reason)
        if self.engine.untileable:
            message = (
                f"{OUT_OF_MEMORY}, and the image cannot be computed in tiles because layer "
                f"{self.engine.untileable!r} depends on the whole image; use a smaller --size or another --network"
            )
            raise ResourceError(message)
        return self.memory.split(stage, self.engine.tiling.view.smallest_tile)

    def _on_device(
        self,
        stage: Stage,
        before: Octave | None,
        saved: Descent | None,
        made: int,
        reason: str,
    ) -> DeviceOctave:
        stepper = self.engine.program
        if saved is None:
            image = tf.constant(self._image(stage, before, Buffers()))
            descent = _begun(stepper.optimizer, before, image)
        else:
            adopted = saved._replace(state=stepper.optimizer.adopted(saved.state))
            descent = tf.nest.map_structure(tf.convert_to_tensor, adopted)

        def compared(image: Tensor, targets: Targets) -> dict[str, Scalar]:
            return self.engine.objective.compared(self.engine.observe(image, regions=targets.regions), targets)

        return DeviceOctave(
            stepper,
            stage,
            descent,
            self.targets,
            compared,
            made,
            reason,
        )

    def _on_host(
        self,
        stage: Stage,
        before: Octave | None,
        saved: Descent | None,
        made: int,
        reason: str,
    ) -> HostOctave:
        buffers = stage.buffers()
        walk = Pieces(buffers.zeros, release)
        optimizer = self.engine.program.optimizer.on_host(walk, stage.steps, stage.history)
        photo = [self._photo(stage.size, buffers)]
        if saved is None:
            walk.buffers["iterate"] = self._image(stage, before, buffers, photo[0])
            descent = _begun(optimizer, before, walk.buffers["iterate"])
        else:
            descent = _in_buffers(optimizer, walk, saved)

        def targets(stage: Stage) -> Targets:
            made = self._tiled_targets(stage, buffers, photo[0])
            photo.clear()  # the photo is no longer needed
            return made

        return HostOctave(
            self.engine.tiling,
            optimizer,
            walk,
            stage,
            buffers,
            descent,
            targets,
            self.on_tile,
            made,
            reason,
        )

    def _photo(self, size: Size, buffers: Buffers) -> Array:
        """Return the photo with its margin, (H, W, 3)."""
        return padded(self.inputs.photo, size, buffers.zeros("photo", (*padded_size(size), 3)))

    def _alpha(self, size: Size) -> Array | None:
        """Return the photo's opacity at an octave, with margin, (H, W, 1); None if the whole photo is opaque."""
        alpha = resampled_alpha(self.inputs.photo, size)
        return None if alpha is None else with_margin(alpha)

    def _image(
        self,
        stage: Stage,
        before: Octave | None,
        buffers: Buffers,
        photo: Array | None = None,
    ) -> Array:
        """Return the image that an octave starts from, with its margin, (1, H, W, 3)."""
        size = stage.size
        init = self.config.init
        image = buffers.zeros("iterate", (1, *padded_size(size), 3))
        is_noise = before is None and self.inputs.init is None and init == "noise"
        if is_noise and self.amounts is None:
            noise(self.config.seed, image[0])
            return image
        seen = self._photo(size, buffers) if photo is None else photo
        if is_noise:
            noise(self.config.seed, image[0])
        elif before is not None:
            refined(
                before.image(),
                self.inputs.photo,
                seen,
                image[0],
                buffers,
            )
        elif self.inputs.init is None and init == "content":
            filled(image[0], seen)
        elif self.inputs.init is None and init == ONE_PASS:
            filled(image[0][INSIDE, INSIDE], self._one_pass(stage))
            mirrored(image[0])
        else:
            padded(self.inputs.init or self.inputs.paintings[0], size, image[0])
        if self.config.start_noise and not is_noise:
            roughened(
                image[0],
                seen,
                self.config.seed,
                self.config.start_noise,
                buffers,
            )
        if self.amounts is not None:
            covered(image[0], seen, cover(self.amounts.at(size)))
        return image

    def _one_pass(self, stage: Stage) -> Array:
        """Return the picture drawn in one pass at an octave, without margin, (H, W, 3)."""
        one_pass = self.engine.one_pass
        tile = None if stage.tile is None else max(stage.tile, one_pass.view.smallest_tile)
        pixels, _ = one_pass.fitting_picture(self.config, self.inputs, stage.size, tile=tile, regions=self.regions)
        return pixels

    def targets(self, stage: Stage) -> Targets:
        """Compute the targets of a stage; if it is in tiles, activations and regions are arrays on the host."""
        size = stage.size
        if stage.tile is not None:
            buffers = stage.buffers()
            return self._tiled_targets(stage, buffers, self._photo(size, buffers))
        photo = image_tensor(self._photo(size, Buffers()))
        alpha = self._alpha(size)
        styles = self._style_statistics(size, None)
        guides, castings = self._guides(size, alpha, styles)
        seen = self.engine.observe(photo, None if alpha is None else image_tensor(alpha), tensors_of(guides))
        targets = self._targets_from(seen, size, styles, castings)
        return targets._replace(regions={**targets.regions, **tensors_of(self._content_weights(size, alpha))})

    def _tiled_targets(
        self,
        stage: Stage,
        buffers: Buffers,
        photo: Array,
    ) -> Targets:
        tile = stage.tile or max(stage.size)
        alpha = self._alpha(stage.size)
        styles = self._style_statistics(stage.size, tile)
        guides, castings = self._guides(stage.size, alpha, styles)
        seen = self.engine.tiling.observe(photo, tile, buffers.zeros, alpha, guides)
        targets = self._targets_from(seen, stage.size, styles, castings)
        return targets._replace(regions={**targets.regions, **self._content_weights(stage.size, alpha)})

    def _content_weights(self, size: Size, alpha: Array | None) -> dict[str, Array]:
        """Return how much the positions of content terms count, if that depends on the place; else nothing."""
        if self.amounts is None:
            return {}
        factors = content_factors(self.config.strength, with_margin(self.amounts.at(size)))
        return self.engine.content_weights(padded_size(size), factors if alpha is None else factors * alpha)

    def _style_statistics(self, size: Size, tile: int | None) -> list[dict[str, Stats]]:
        """Return the statistics of each painting; see `Engine.statistics`."""
        paintings = self.inputs.paintings
        masks = self.regions.paintings if self.regions else (None,) * len(paintings)
        scales = self.inputs.for_paintings(self.config.style_scales(len(self.inputs.styles)))
        return [
            self.engine.statistics(painting, size, tile, mask, scale, self.config.style_match)
            for painting, mask, scale in zip(paintings, masks, scales, strict=True)
        ]

    @property
    def _shares(self) -> list[float]:
        return self.inputs.painting_shares(self.config.style_shares(len(self.inputs.styles)))

    def _guides(
        self,
        size: Size,
        alpha: Array | None,
        styles: Sequence[dict[str, Stats]],
    ) -> tuple[dict[str, Array], dict[str, Casting] | None]:
        """Return how much positions count in each region, and what each term compares the regions with.

        Positions where there is no painting do not count. Nor do those of a region that is too small for a term.
        """
        if self.regions is None and self.amounts is None:
            return {}, None
        shares = self.regions.photo.at(size) if self.regions else np.ones((*size, 1), np.float32)
        if self.amounts is not None:
            shares = scaled(shares, cover(self.amounts.at(size)))
        guides = self.engine.guides(padded_size(size), with_margin(shares), alpha)
        if self.regions is None:
            return guides, None
        castings = {}
        for term in self.engine.objective.statistic:
            counts = []
            for stats, mask in zip(styles, self.regions.paintings, strict=True):
                counts.append(None if mask is None else np.asarray(stats[term.name]["count"])[0, :-1])
            own = guides[term.name]
            casting = cast(own.sum((0, 1), dtype=np.float64), counts, self._shares)
            castings[term.name] = casting
            if not casting.is_active.all():
                guides[term.name] = own * casting.is_active.astype(np.float32)
                for number in np.flatnonzero(~casting.is_active):
                    color = hexadecimal(self.regions.colors[number])
                    self.left_out[color, term.subject] = max(size)
        return guides, castings

    def _targets_from(
        self,
        seen: Observation,
        size: Size,
        styles: Sequence[dict[str, Stats]],
        castings: dict[str, Casting] | None,
    ) -> Targets:
        objective = self.engine.objective
        if self.regions is not None:
            count = len(self.regions.colors)
            styles = [
                {name: by_region(part, count, masked=mask is not None) for name, part in stats.items()}
                for stats, mask in zip(styles, self.regions.paintings, strict=True)
            ]
        aims = objective.prepared(
            seen.stats,
            [_of_same_types(stats, seen.stats) for stats in styles],
            self._shares,
            castings,
        )
        weights = weights_of(
            objective,
            self.config,
            seen.stats,
            aims,
            max(size),
        )
        factors = {name: tf.constant(weight, tf.float32) for name, weight in weights.items()}
        return Targets(aims, seen.activations, factors, seen.regions)

    def _saved(self, stage: Stage, snapshot: Snapshot) -> Descent:
        """Convert the arrays of a snapshot to a descent.

        Raises:
            CheckpointError: The arrays do not fit this optimizer or the size of the stage.
        """
        optimizer = self.engine.program.optimizer.like(snapshot.arrays)
        pattern = begun(optimizer.init(tf.zeros(SMALL)))
        specs = {name: any_size(tensor) for name, tensor in tensors(pattern).items()}
        if set(specs) != set(snapshot.arrays):
            message = f"expected a checkpoint with the {len(specs)} tensors of this optimizer; it has other tensors"
            raise CheckpointError(message)
        for name, spec in specs.items():
            _check(name, snapshot.arrays[name], spec, padded_size(stage.size))
        descent: Descent = tf.nest.pack_sequence_as(pattern, [snapshot.arrays[name] for name in specs])
        return descent


def _of_same_types(stats: dict[str, Stats], others: dict[str, Stats]) -> dict[str, Stats]:
    """Convert statistics to the types of others; those of a painting in tiles are float64, also for a whole picture."""
    converted = {}
    for name, own in stats.items():
        converted[name] = {key: tf.cast(part, others[name][key].dtype) for key, part in own.items()}
    return converted


def _begun(optimizer: AnyOptimizer, before: Octave | None, image: Tensor) -> Descent:
    """Start a descent; the optimizer keeps part of its state from the previous octave."""
    state = optimizer.init(image) if before is None else optimizer.resample(before.descent.state, image)
    return begun(state)


def _in_buffers(optimizer: AnyOptimizer, walk: Pieces, saved: Descent) -> Descent:
    """Copy the image-sized arrays of a descent into buffers."""
    fields = optimizer.adopted(saved.state)._asdict()
    state = {
        name: walk.filled(optimizer.buffers[name], value) if name in optimizer.buffers else tf.convert_to_tensor(value)
        for name, value in fields.items()
    }
    watch = type(saved.watch)(*(tf.convert_to_tensor(value) for value in saved.watch))
    return Descent(type(saved.state)(**state), watch)


def _check(
    name: str,
    array: Any,
    spec: Any,
    size: Size,
) -> None:
    fits = array.dtype == spec.dtype.as_numpy_dtype and spec.shape.is_compatible_with(array.shape)
    if not fits or (len(spec.shape) >= 4 and tuple(array.shape[-3:-1]) != size):
        expected = f"expected a checkpoint with {name} of {spec.dtype.name} {spec.shape}"
        message = f"{expected} for an image of {size.width}x{size.height} pixels, got {array.dtype} {array.shape}"
        raise CheckpointError(message)
