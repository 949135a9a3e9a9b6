"""Draws a picture in one pass: the photo's activations are carried onto the paintings' statistics and decoded.

The means and covariances of the activations are sums over positions, as in the style losses: they add up over tiles,
blend over paintings and leave out transparent pixels. A large picture is drawn tile by tile, with the same result up to
rounding: a first pass over the tiles adds up the sums, a second one draws.

Below a strength of one half, the activations go a part of the way, and the same part of what the decoder loses of the
photo is added, so that strength 0 is the photo itself. Above one half, a second picture is drawn, from a mixture of the
photo and the first picture.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from styler.config import RenderConfig
from styler.errors import ResourceError
from styler.features.extractor import FeatureExtractor
from styler.images.mapped import Array, bands, new_array, put, scaled, taken
from styler.images.picture import Picture
from styler.images.regions import RegionMap
from styler.images.resampling import resampled_alpha, resampled_colors, resized
from styler.images.sizes import check_painting, enlargement, is_much_larger
from styler.inputs import Inputs
from styler.losses import functional as F
from styler.losses.base import Stats, added, blended, in_float64, per_position
from styler.losses.transport import Gaussian, Map, transport
from styler.memory import trim
from styler.networks import NetworkSpec
from styler.networks.geometry import Geometry, geometry_of
from styler.networks.runtime import building
from styler.networks.spec import decoder_of
from styler.objective.compiled import Compiled
from styler.objective.objective import at_positions
from styler.objective.regions import by_region, cast
from styler.objective.strength import FULL_PASS, passes
from styler.render.cost import bytes_a_pixel
from styler.render.margin import MARGIN
from styler.render.palettes import with_palettes
from styler.render.recent import Recent
from styler.render.regions import Regions
from styler.tiles.layout import Box, Tile, View, axis_of
from styler.tiles.tiling import OnTile
from styler.types import Size, Tensor

PICTURE = "picture"  # the name of the result among the layers that tiles are cut for
PALETTE_SHARE = 0.5  # how far the colors of the result are moved to the paintings' palette: `docs/instant.md`

Layers: TypeAlias = dict[str, Any]
"""Layer that is decoded -> something about it."""


class Watch:
    """Counts tiles.

    Args:
        on_tile: Called with the number of tiles done and of all tiles; None for nothing.
        total: Number of all tiles, each as often as it is looked at.
    """

    def __init__(self, on_tile: OnTile | None, total: int) -> None:
        self._on_tile = on_tile
        self._total = total
        self._done = 0

    def __call__(self) -> None:
        """Count one more tile."""
        self._done += 1
        if self._on_tile is not None:
            self._on_tile(self._done, self._total)


@dataclass
class OnePass:
    """A network and its decoder, compiled; the programs serve images and tiles of all sizes.

    Attributes:
        network: The network.
        xla: Whether to compile with XLA.
    """

    network: NetworkSpec
    xla: bool = False

    def __post_init__(self) -> None:
        """Build the network and its decoder.

        Raises:
            ConfigError: The network has no decoder.
            WeightsError: Weights are missing or damaged.
        """
        decoder = decoder_of(self.network)
        self.layers = decoder.layers
        self.multiple = decoder.multiple
        with building():
            self._extract = FeatureExtractor(
                self.network.build(None),
                list(decoder.layers),
                preprocess=self.network.preprocess,
            )
            self._decode = decoder.build()
        self._encode = Compiled(self._encoded, xla=self.xla)
        self._draw = Compiled(self._drawn, xla=self.xla)
        self._statistics: MutableMapping[tuple[str, Size], dict[str, Stats]] = Recent()

    @cached_property
    def view(self) -> View:
        """What the layers and the result depend on in an image."""
        of_layers = geometry_of(self._extract.model)
        seen = self._geometries
        of_decoder = geometry_of(self._decode, seen)
        drawn = of_decoder[id(self._decode.outputs[0])]
        geometries = dict(zip((*self.layers, PICTURE), (*seen, drawn), strict=True))
        inner = [*of_layers.values(), *of_decoder.values()]
        vertical = axis_of(
            {name: geometry.vertical for name, geometry in geometries.items()},
            [geometry.vertical for geometry in inner],
        )
        horizontal = axis_of(
            {name: geometry.horizontal for name, geometry in geometries.items()},
            [geometry.horizontal for geometry in inner],
        )
        return View(vertical, horizontal)

    @cached_property
    def _geometries(self) -> list[Geometry]:
        """What each layer depends on in an image."""
        encoder = self._extract.model
        of_layers = geometry_of(encoder)
        return [of_layers[id(output)] for output in encoder.outputs]

    @cached_property
    def position_bytes(self) -> float:
        """Bytes per pixel of a weight for every position of the layers that are decoded, float32."""
        return sum(4.0 / float(geometry.stride) ** 2 for geometry in self._geometries)

    @cached_property
    def activation_bytes(self) -> float:
        """Bytes per pixel of all activations of network and decoder, float32."""
        return bytes_a_pixel(self._extract.model) + bytes_a_pixel(self._decode, self._geometries)

    def padded_size(self, size: Size) -> Size:
        """Return the size of a picture with its margin, which makes both sides multiples of the network's stride."""
        sides = []
        for side in size:
            with_margins = side + 2 * MARGIN
            missing = -with_margins % self.multiple
            sides.append(with_margins + missing)
        return Size(*sides)

    def tiles(self, size: Size, tile: int | None) -> tuple[Tile, ...]:
        """Return the tiles of an image; one if it is drawn in one piece.

        Args:
            size: Size of the image, including the margin if it has one.
            tile: Side of the tiles, pixels without halo; None for one piece.
        """
        one_piece = max(*size, self.view.smallest_tile)
        return self.view.tiles(size, one_piece if tile is None else tile)

    def picture(
        self,
        config: RenderConfig,
        inputs: Inputs[Picture],
        size: Size,
        *,
        tile: int | None = None,
        on_tile: OnTile | None = None,
        regions: Regions | None = None,
    ) -> Array:
        """Draw a picture.

        Args:
            config: Strength, and weights and scales of the paintings.
            inputs: The photo and the paintings.
            size: Size of the result.
            tile: Side of the tiles, pixels without halo; None for one piece.
            on_tile: See `OnTile`.
            regions: Regions of the photo and the paintings; None for one region.

        Returns:
            RGB 0..1, float32, (height, width, 3).
        """
        tiles = self.tiles(self.padded_size(size), tile)
        looks = 1 if len(tiles) == 1 else 2 * len(tiles)
        watch = Watch(on_tile, looks * passes(config.strength))
        if passes(config.strength) > 1:
            first = self._in_palette(config, inputs, size, tile, watch, regions)
            inputs = replace(inputs, content=_between(inputs.photo, first, config.strength / FULL_PASS - 1.0))
            del first
        return self._in_palette(config, inputs, size, tile, watch, regions)

    def fitting_picture(
        self,
        config: RenderConfig,
        inputs: Inputs[Picture],
        size: Size,
        *,
        tile: int | None = None,
        on_tile: OnTile | None = None,
        regions: Regions | None = None,
    ) -> tuple[Array, int | None]:
        """Draw a picture like `picture`, again in smaller tiles each time the device runs out of memory.

        Returns:
            The picture, and the side of the tiles; None for one piece.

        Raises:
            ResourceError: Memory does not suffice for the smallest tiles.
        """
        smallest = self.view.smallest_tile
        while True:
            try:
                pixels = self.picture(config, inputs, size, tile=tile, on_tile=on_tile, regions=regions)
            except tf.errors.ResourceExhaustedError as cause:
                if tile is not None and tile <= smallest:
                    message = (
                        f"the device ran out of memory with tiles of {tile} pixels, the smallest that the network "
                        "allows; use a smaller --size or --device cpu"
                    )
                    raise ResourceError(message) from cause
                whole = max(self.padded_size(size))
                tile = max((tile or whole) // 2, smallest)
            else:
                return pixels, tile

    def _in_palette(
        self,
        config: RenderConfig,
        inputs: Inputs[Picture],
        size: Size,
        tile: int | None,
        watch: Watch,
        regions: Regions | None,
    ) -> Array:
        """Draw a picture once, and move its colors toward the palette of the paintings."""
        share = min(1.0, config.strength / FULL_PASS)
        made = self._drawn_once(config, inputs, size, share, tile, watch, regions)
        shares = inputs.painting_shares(config.style_shares(len(inputs.styles)))
        alpha = resampled_alpha(inputs.photo, size)
        picture = replace(inputs.photo, pixels=made, alpha=_flat(alpha))
        colored = with_palettes(
            picture,
            inputs.paintings,
            shares,
            PALETTE_SHARE * share,
            regions,
        )
        return colored.pixels

    def _drawn_once(
        self,
        config: RenderConfig,
        inputs: Inputs[Picture],
        size: Size,
        share: float,
        tile: int | None,
        watch: Watch,
        regions: Regions | None,
    ) -> Array:
        """Draw a picture whose activations are carried a share of the way."""
        image = self._with_margin(inputs.photo, size)
        alpha = resampled_alpha(inputs.photo, size)
        region_map = None if regions is None else regions.photo
        weights = self._weights(region_map, size, alpha, padded=True)
        places = None if region_map is None else self._at_positions(self._padded(region_map.at(size)))
        tiles = self.tiles(self.padded_size(size), tile)
        whole = len(tiles) == 1
        sums, features = self._observed(image, tiles, weights, None if whole else watch)
        target = self._target(config, inputs, size, tile, sums, regions)
        if regions is not None:
            sums = _by_region(sums, len(regions.colors))
        maps = self._maps(sums, target, share)
        made = new_array((*size, 3))
        for each in tiles:
            if not whole:
                features, _ = self._encode(*self._inputs(image, each, weights))
            drawn = self._draw(features, maps, self._seen(places, each))[0].numpy()
            if share < 1.0:
                drawn += (1.0 - share) * self._lost(image, each, features, sums)
                np.clip(drawn, 0.0, 1.0, out=drawn)
            self._place(drawn, each, made)
            watch()
        trim()
        return made

    def _lost(
        self,
        image: Array,
        tile: Tile,
        features: Layers,
        photo: dict[str, Stats],
    ) -> Array:
        """Return what a tile of the photo loses when it is decoded as it is, (H, W, 3)."""
        one_region = {}
        for name, stats in photo.items():
            one_region[name] = {key: part[:, :1] for key, part in stats.items()}
        unmoved = self._maps(one_region, one_region, 0.0)
        decoded = self._draw(features, unmoved, {})
        return taken(image, *tile.seen) - decoded[0].numpy()

    def _observed(
        self,
        image: Array,
        tiles: tuple[Tile, ...],
        weights: Layers | None,
        watch: Watch | None = None,
    ) -> tuple[dict[str, Stats], Layers]:
        """Add up the statistics of all tiles of an image; also returns the activations of the last tile."""
        sums: dict[str, Stats] = {}
        features: Layers = {}
        for tile in tiles:
            features, stats = self._encode(*self._inputs(image, tile, weights))
            if sums:
                stats = {name: added(sums[name], part) for name, part in stats.items()}
            sums = stats
            if watch is not None:
                watch()
        return sums, features

    def _target(
        self,
        config: RenderConfig,
        inputs: Inputs[Picture],
        size: Size,
        tile: int | None,
        photo: dict[str, Stats],
        regions: Regions | None,
    ) -> dict[str, Stats]:
        """Return the statistics of all paintings together, per position, for each region."""
        shares = inputs.painting_shares(config.style_shares(len(inputs.styles)))
        scales = inputs.for_paintings(config.style_scales(len(inputs.styles)))
        masks = regions.paintings if regions else (None,) * len(scales)
        styles = [
            self._painting(painting, size, tile, scale, mask, config.style_match)
            for painting, scale, mask in zip(inputs.paintings, scales, masks, strict=True)
        ]
        if regions is None:
            return {name: blended([each[name] for each in styles], shares) for name in self.layers}
        count = len(regions.colors)
        target = {}
        for name in self.layers:
            counts = []
            by_regions = []
            for style, mask in zip(styles, masks, strict=True):
                stats = style[name]
                counts.append(None if mask is None else stats["count"][0, :-1].numpy())
                by_regions.append(by_region(stats, count, masked=mask is not None))
            own_counts = photo[name]["count"][0, :-1].numpy()
            casting = cast(own_counts, counts, shares)
            target[name] = blended(by_regions, casting.shares)
        return target

    def _painting(
        self,
        painting: Picture,
        size: Size,
        tile: int | None,
        scale: float,
        mask: RegionMap | None,
        match: int | None,
    ) -> dict[str, Stats]:
        """Return the statistics of a painting for a picture of this size, and keep them for later.

        For a picture larger than `match`, they are those of the painting as a picture of that size sees it, enlarged.
        With a mask, they are sums over each region, and then over the whole painting.
        """
        minimum = self.network.minimum_size
        check_painting(painting.size, minimum, "the style image")
        resizing = enlargement(painting.size, max(size), minimum, scale, match)
        shape = resizing.last
        if tile is None and is_much_larger(shape, size):
            tile = self.view.tile_like(size)  # no more memory than the picture
        variant = "" if mask is None else f" in regions {mask.sha256}"
        variant += resizing.words
        key = (f"{painting.sha256} by tiles of {tile}{variant}", shape)
        if key not in self._statistics:
            seen = resized(painting, resizing.first) if resizing.words else painting
            pixels = resampled_colors(seen, shape)
            alpha = resampled_alpha(seen, shape)
            weights = self._weights(mask, shape, alpha, padded=False)
            sums, _ = self._observed(pixels, self.tiles(shape, tile), weights)
            if mask is None:
                sums = {name: per_position(part) for name, part in sums.items()}
            self._statistics[key] = sums
        return self._statistics[key]

    def _maps(
        self,
        photo: dict[str, Stats],
        target: dict[str, Stats],
        share: float,
    ) -> Layers:
        """Compute the maps of each layer from the photo's statistics to the paintings', one for each region."""
        maps = {}
        for name in self.layers:
            pairs = zip(_gaussians(photo[name]), _gaussians(target[name]), strict=True)
            found = [transport(own, wanted, share) for own, wanted in pairs]
            matrices = np.stack([each.matrix for each in found])
            offsets = np.stack([each.offset for each in found])
            maps[name] = Map(
                tf.constant(matrices, tf.float32),
                tf.constant(offsets, tf.float32),
            )
        return maps

    def _with_margin(self, photo: Picture, size: Size) -> Array:
        """Return the photo with its margin, (H, W, 3)."""
        image = new_array((*self.padded_size(size), 3))
        rows, columns = _inside(size)
        resampled_colors(photo, size, into=image[rows, columns])
        return _mirrored(image, size)

    def _weights(
        self,
        regions: RegionMap | None,
        size: Size,
        alpha: Array | None,
        *,
        padded: bool,
    ) -> Layers | None:
        """Return how much each position counts in each region, and then in the whole image; None if all count equally.

        Args:
            regions: Regions of the image; None for one region.
            size: Size of the image.
            alpha: Opacity of the pixels, (height, width, 1); None if all are opaque.
            padded: Whether to add the margin of a photo.
        """
        counting = alpha
        if regions is not None:
            counting = regions.with_whole(size)
            if alpha is not None:
                counting = scaled(counting, alpha)
        if counting is None:
            return None
        return self._at_positions(self._padded(counting) if padded else counting)

    def _padded(self, pixels: Array) -> Array:
        """Return values of a photo's pixels with its margin, (H, W, C)."""
        size = Size(*pixels.shape[:2])
        image = new_array((*self.padded_size(size), pixels.shape[-1]))
        image[_inside(size)] = pixels
        return _mirrored(image, size)

    def _seen(self, places: Layers | None, tile: Tile) -> Layers:
        """Return how much each position that a tile sees belongs to each region; nothing with one region."""
        seen = {}
        for name, whole in (places or {}).items():
            stride = int(self.view.vertical.extents[name].stride)
            rows = slice(tile.rows.low // stride, tile.rows.high // stride)
            columns = slice(tile.columns.low // stride, tile.columns.high // stride)
            seen[name] = tf.constant(taken(whole, rows, columns))[None]
        return seen

    def _inputs(self, image: Array, tile: Tile, weights: Layers | None) -> tuple[Tensor, Layers, Layers]:
        """Return the inputs of `_encoded` for a tile."""
        boxes = self._boxes(Size(*image.shape[:2]), tile)
        local = {name: tf.constant(boxes[name].local) for name in self.layers}
        regions = {}
        for name, whole in (weights or {}).items():
            box = boxes[name]
            regions[name] = tf.constant(taken(whole, box.rows, box.columns))[None]
        return tf.constant(taken(image, *tile.seen))[None], local, regions

    def _boxes(self, size: Size, tile: Tile) -> dict[str, Box]:
        """Return the positions of each layer and of the picture that belong to a tile."""
        return {name: self.view.box(name, tile, count) for name, count in self._counts(size).items()}

    def _counts(self, size: Size) -> dict[str, Size]:
        counts = {}
        for name, extent in self.view.vertical.extents.items():
            stride = int(extent.stride)
            counts[name] = Size(size.height // stride, size.width // stride)
        return counts

    def _at_positions(self, pixels: Array) -> Layers:
        """Average values of pixels, (H, W, C), to the positions of each layer, one channel at a time."""
        counts = self._counts(Size(*pixels.shape[:2]))
        averaged = {name: new_array((*counts[name], pixels.shape[-1])) for name in self.layers}
        for channel in range(pixels.shape[-1]):
            plane = tf.constant(pixels[None, ..., channel : channel + 1], tf.float32)
            for name, made in averaged.items():
                grid = tf.zeros([1, *counts[name], 1])
                made[..., channel] = at_positions(plane, grid)[0, ..., 0].numpy()
        return averaged

    def _place(self, drawn: Array, tile: Tile, made: Array) -> None:
        """Write a tile's own pixels, without the margin, into the picture."""
        size = Size(*made.shape[:2])
        box = self._boxes(self.padded_size(size), tile)[PICTURE]
        rows = _within(box.rows, size.height)
        columns = _within(box.columns, size.width)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return
        top = rows.start + MARGIN - box.rows.start + box.local[0]
        left = columns.start + MARGIN - box.columns.start + box.local[2]
        height = rows.stop - rows.start
        width = columns.stop - columns.start
        put(made, rows, columns, drawn[top : top + height, left : left + width])

    def _encoded(
        self,
        image: Tensor,
        boxes: Layers,
        regions: Layers,
    ) -> tuple[Layers, dict[str, Stats]]:
        """Return the activations of each layer, and the sums over a tile's own positions, float64."""
        features = self._extract(image)
        stats = {}
        for name, values in features.items():
            top, bottom, left, right = tf.unstack(boxes[name])
            own = values[:, top:bottom, left:right]
            weights = regions.get(name)
            first, second = F.moment_sums(own, weights)
            sums = {
                "count": F.positions(own, weights),
                "first": first,
                "second": second,
            }
            stats[name] = in_float64(sums)
        return features, stats

    def _drawn(
        self,
        features: Layers,
        maps: Layers,
        places: Layers,
    ) -> Tensor:
        """Carry activations and decode them, (1, H, W, 3).

        Args:
            features: Layer -> activations, (1, H', W', C).
            maps: Layer -> maps, (R, C, C) and (R, C).
            places: Layer -> how much each position belongs to each region, (1, H', W', R); nothing with one region.
        """
        carried = []
        for name in self.layers:
            carried.append(_carried(features[name], maps[name], places.get(name)))
        return self._decode(carried)


def _carried(features: Tensor, maps: Map, places: Tensor | None) -> Tensor:
    if places is None:
        return tf.tensordot(features, maps.matrix[0], 1) + maps.offset[0]
    carried = []
    for number in range(maps.offset.shape[0]):
        moved = tf.tensordot(features, maps.matrix[number], 1) + maps.offset[number]
        carried.append(moved * places[..., number, None])
    return tf.add_n(carried)


def _by_region(stats: dict[str, Stats], count: int) -> dict[str, Stats]:
    """Return sums for each region; those of the whole image for a region that is too small."""
    return {name: by_region(part, count, masked=True) for name, part in stats.items()}


def _gaussians(stats: Stats) -> list[Gaussian]:
    """Return the mean and covariance of each region, as arrays."""
    means = per_position(stats)
    pairs = zip(means["first"][0].numpy(), means["second"][0].numpy(), strict=True)
    return [Gaussian.of_moments(*pair) for pair in pairs]


def _between(
    photo: Picture,
    picture: Array,
    share: float,
) -> Picture:
    """Return a picture between a photo and what was drawn from it, at the size of the latter."""
    size = Size(*picture.shape[:2])
    pixels = resampled_colors(photo, size).copy()
    for rows in bands(pixels, picture):
        pixels[rows] += share * (picture[rows] - pixels[rows])
    alpha = resampled_alpha(photo, size)
    return replace(photo, pixels=pixels, alpha=_flat(alpha))


def _flat(alpha: Array | None) -> Array | None:
    """Remove the last axis of an opacity (H, W, 1)."""
    return None if alpha is None else alpha[..., 0]


def _inside(size: Size) -> tuple[slice, slice]:
    """Return the rows and columns of a picture of this size within its margin."""
    return slice(MARGIN, MARGIN + size.height), slice(MARGIN, MARGIN + size.width)


def _within(own: slice, length: int) -> slice:
    """Return the part of a tile's own pixels that lies within a picture, counted without the margin."""
    return slice(max(own.start - MARGIN, 0), min(own.stop - MARGIN, length))


def _mirrored(image: Array, size: Size) -> Array:
    """Fill the margin of an image (H, W, C) around a picture of this size with the mirrored picture."""
    rows, columns = _inside(size)
    below, right = len(image) - rows.stop, image.shape[1] - columns.stop
    image[:MARGIN] = image[MARGIN : 2 * MARGIN][::-1]
    image[rows.stop :] = image[rows.stop - below : rows.stop][::-1]
    for each in bands(image):
        band = image[each]
        band[:, :MARGIN] = band[:, MARGIN : 2 * MARGIN][:, ::-1]
        band[:, columns.stop :] = band[:, columns.stop - right : columns.stop][:, ::-1]
    return image
