"""The layout of tiles: the pixels that each tile owns and sees, and the positions of each term that belong to it.

A tile is cut out of the image with a halo and passes through the network as if it were an image. Its own positions
have exactly the same values as in the whole image, for three reasons. The halo covers everything that these positions
depend on. Tiles begin at multiples of every stride of the network, so that their grids line up with those of the whole
image. Where a tile touches the image's border, it has no halo, so that the network's own padding applies. Every
position of every layer belongs to exactly one tile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from styler.errors import ConfigError, NetworkError
from styler.features.extractor import FeatureExtractor
from styler.losses.base import LocalLoss, Reading
from styler.networks.geometry import Extent, Geometry, geometry_of, padded_by_size
from styler.objective.objective import Objective
from styler.types import Size


class Span(NamedTuple):
    """A tile along one axis, in pixels of the whole image. Each end is one past the last pixel.

    Attributes:
        start: First own pixel.
        stop: End of the own pixels.
        low: First pixel of the tile with its halo.
        high: End of the tile with its halo.
        last: Whether it is the last tile along the axis.
    """

    start: int
    stop: int
    low: int
    high: int
    last: bool

    @property
    def owned(self) -> slice:
        """Own pixels."""
        return slice(self.start, self.stop)

    @property
    def seen(self) -> slice:
        """Own pixels and halo."""
        return slice(self.low, self.high)


class Tile(NamedTuple):
    """A rectangle of the image, rows before columns."""

    rows: Span
    columns: Span

    @property
    def pixels(self) -> int:
        """Number of pixels, including the halo."""
        height = self.rows.high - self.rows.low
        width = self.columns.high - self.columns.low
        return height * width

    @property
    def seen(self) -> tuple[slice, slice]:
        """Index of the tile with its halo in an image (H, W, 3)."""
        return self.rows.seen, self.columns.seen


class Box(NamedTuple):
    """The positions of one term that belong to a tile.

    Attributes:
        rows: Their rows in the whole image.
        columns: Their columns in the whole image.
        local: First row, end of the rows, first column and end of the columns within the tile with its halo.
    """

    rows: slice
    columns: slice
    local: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Axis:
    """What all terms depend on along one axis, in pixels.

    Attributes:
        extents: Term -> stride and receptive field of what it reads, including neighbors.
        alignment: Least common multiple of all strides of the network; tiles begin at its multiples.
        before: Halo before a tile, a multiple of `alignment`.
        after: Halo after a tile, also a multiple of `alignment`.
    """

    extents: dict[str, Extent]
    alignment: int
    before: int
    after: int

    def spans(self, length: int, tile: int) -> tuple[Span, ...]:
        """Cut `length` pixels into spans that all see the same number of pixels: `tile` and a halo on both sides.

        A span at the border of the image owns more pixels instead of having a halo there. The last span begins at a
        multiple of the alignment, so it sees a few pixels more.
        """
        inner = max(tile // self.alignment, 1) * self.alignment
        window = self.before + inner + self.after
        spans = []
        start = 0
        while start < length:
            low = max(start - self.before, 0)
            high = low + window
            stop = high - self.after
            last = high >= length
            if last:
                low = max((length - window) // self.alignment * self.alignment, 0)
                high = length
                stop = length
            spans.append(
                Span(
                    start,
                    stop,
                    low,
                    high,
                    last,
                )
            )
            start = stop
        return tuple(spans)

    def positions(
        self,
        term: str,
        span: Span,
        count: int,
    ) -> tuple[slice, int]:
        """Return the positions of a term that belong to a span, and the position at the start of the span's halo.

        Args:
            term: Name of the term.
            span: One of `spans`.
            count: Number of positions in the whole image.
        """
        stride = self.extents[term].stride
        first = min(int(span.start / stride), count)
        end = count if span.last else min(int(span.stop / stride), count)
        origin = int(span.low / stride)
        return slice(first, end), origin


@dataclass(frozen=True, slots=True)
class View:
    """What the terms of an objective depend on in an image.

    Attributes:
        vertical: What they depend on along the height.
        horizontal: What they depend on along the width.
        sized: Name of a layer whose padding depends on the size of its input; empty if there is none.
    """

    vertical: Axis
    horizontal: Axis
    sized: str = ""

    @property
    def halo(self) -> int:
        """Width of the widest halo, in pixels."""
        vertical = self.vertical
        horizontal = self.horizontal
        return max(vertical.before, vertical.after, horizontal.before, horizontal.after)

    @property
    def smallest_tile(self) -> int:
        """Smallest side of a tile, in pixels; a smaller tile would have more halo than pixels of its own."""
        return max(self.halo, self.vertical.alignment, self.horizontal.alignment)

    def tile_like(self, size: Size) -> int | None:
        """Return the side of tiles with as many pixels as an image; None if images of some sizes cannot be tiled."""
        return None if self.sized else max(math.isqrt(size.height * size.width), self.smallest_tile)

    def tiles(self, size: Size, tile: int) -> tuple[Tile, ...]:
        """Return all tiles of an image, row by row.

        Args:
            size: Size of the image, including the margin.
            tile: Side in pixels of the square that a tile owns if it has a halo on all sides.

        Raises:
            ConfigError: A tile is smaller than the halo.
            NetworkError: The network's padding depends on the size, which is not a multiple of its strides.
        """
        self.check_tile(tile)
        rows = self.vertical.spans(size.height, tile)
        columns = self.horizontal.spans(size.width, tile)
        if len(rows) * len(columns) > 1:
            self._check_size(size)
        return tuple(Tile(row, column) for row in rows for column in columns)

    def check_tile(self, tile: int) -> None:
        """Refuse a tile smaller than its own halo.

        Raises:
            ConfigError: The tile is smaller.
        """
        if tile < self.smallest_tile:
            message = (
                f"tile: expected at least {self.smallest_tile} pixels, the halo that these layers need, "
                f"got {tile}; ask for a larger tile or shallower layers"
            )
            raise ConfigError(message)

    def _check_size(self, size: Size) -> None:
        is_aligned = size.height % self.vertical.alignment == 0 and size.width % self.horizontal.alignment == 0
        if self.sized and not is_aligned:
            message = (
                f"cannot tile {size.height}x{size.width} pixels (height x width): the padding of layer "
                f"{self.sized!r} depends on the size; expected multiples of {self.vertical.alignment}. Use --tile off "
                "or another size"
            )
            raise NetworkError(message)

    def box(
        self,
        term: str,
        tile: Tile,
        counts: Size,
    ) -> Box:
        """Return the positions of a term that belong to a tile.

        Args:
            term: Name of the term.
            tile: One of `tiles`.
            counts: Rows and columns of positions in the whole image.
        """
        rows, top = self.vertical.positions(term, tile.rows, counts.height)
        columns, left = self.horizontal.positions(term, tile.columns, counts.width)
        if rows.start >= rows.stop or columns.start >= columns.stop:  # a thin last tile of a network without padding
            return Box(slice(0, 0), slice(0, 0), (0, 0, 0, 0))
        local = (
            rows.start - top,
            rows.stop - top,
            columns.start - left,
            columns.stop - left,
        )
        return Box(rows, columns, local)


def view_of(objective: Objective, extractor: FeatureExtractor) -> View:
    """Determine what the terms of an objective depend on in an image.

    Raises:
        NetworkError: A layer depends on the whole image at every position.
    """
    vertical = {}
    horizontal = {}
    of_terms = geometries_of_terms(objective, extractor)
    for term in objective.terms:
        geometry = of_terms[term.name]
        if geometry.whole or not geometry.has_positions:
            message = (
                f"cannot compute {term.layer!r} tile by tile: layer {geometry.reason!r} depends on the whole image; "
                "use --tile off or another network"
            )
            raise NetworkError(message)
        vertical[term.name] = geometry.vertical
        horizontal[term.name] = geometry.horizontal
    for local_term in objective.local:
        for extents in (vertical, horizontal):
            extents[local_term.name] = _with_neighbors(extents[local_term.name], local_term.loss)
    bounded = [geometry for geometry in geometry_of(extractor.model).values() if not geometry.whole]
    return View(
        vertical=axis_of(vertical, [geometry.vertical for geometry in bounded]),
        horizontal=axis_of(horizontal, [geometry.horizontal for geometry in bounded]),
        sized=padded_by_size(extractor.model),
    )


def geometries_of_terms(objective: Objective, extractor: FeatureExtractor) -> dict[str, Geometry]:
    """Return what a position of each term depends on, without the neighbors that its loss may read."""
    geometries = geometry_of(extractor.model)
    layers = {}
    for name, symbol in zip(extractor.addresses, extractor.model.outputs, strict=True):
        layers[name] = geometries[id(symbol)]
    return {
        term.name: layers[term.layer] if term.reading is None else _geometry_of_reading(term.reading)
        for term in objective.terms
    }


def _geometry_of_reading(reading: Reading) -> Geometry:
    extent = Extent(
        stride=Fraction(reading.stride),
        low=Fraction(reading.low),
        high=Fraction(reading.high),
    )
    return Geometry(extent, extent)


def _with_neighbors(extent: Extent, loss: LocalLoss) -> Extent:
    """Return the extent of a position together with the neighbors that a loss reads."""
    return Extent(
        stride=extent.stride,
        low=extent.low - loss.before * extent.stride,
        high=extent.high + loss.after * extent.stride,
    )


def axis_of(of_terms: dict[str, Extent], of_layers: list[Extent]) -> Axis:
    """Compute alignment and halo along one axis from the extents of all terms and all layers of the network."""
    strides = [extent.stride for extent in (*of_layers, *of_terms.values())]
    alignment = math.lcm(*(stride.numerator for stride in strides))
    before = 0
    after = 0
    for extent in of_terms.values():
        before = max(before, math.ceil(-extent.low))
        after = max(after, math.ceil(extent.high - extent.stride) + 1)
    return Axis(
        extents=of_terms,
        alignment=alignment,
        before=_rounded_up(before, alignment),
        after=_rounded_up(after, alignment),
    )


def _rounded_up(length: int, unit: int) -> int:
    """Round up to a multiple of `unit`."""
    return math.ceil(length / unit) * unit


def position_counts(objective: Objective, extractor: FeatureExtractor, size: Size) -> dict[str, Size]:
    """Return the rows and columns of positions of each term for an image of a given size."""
    shapes = extractor.model.compute_output_shape((1, *size, 3))
    if len(extractor.addresses) == 1:
        shapes = [shapes]
    layers = {}
    for name, shape in zip(extractor.addresses, shapes, strict=True):
        layers[name] = Size(int(shape[1]), int(shape[2]))
    counts = {}
    for term in objective.terms:
        if term.reading is None:
            counts[term.name] = layers[term.layer]
        else:
            stride = term.reading.stride
            counts[term.name] = Size(size.height // stride, size.width // stride)
    return counts
