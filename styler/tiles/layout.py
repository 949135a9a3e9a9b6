"""Where tiles lie: the pixels each one owns and sees, and which positions of what each term reads are its own.

A tile is cut out of the image with a halo and goes through the network as if it were an image. What it owns comes out
exactly as from the whole image, for three reasons: the halo covers all that an owned position sees; tiles begin at
multiples of every stride of the network, so that its grids line up with those of the whole; and a side of a tile that
lies on the image's border has no halo there, so that the network's own padding does its work. Every position of every
layer belongs to exactly one tile.
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
    """One tile along one axis, pixels of the whole image; ends are one past the last."""

    start: int
    stop: int
    low: int
    high: int
    last: bool

    @property
    def owned(self) -> slice:
        """The tile's own pixels."""
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
        """Pixels seen, halo included."""
        return (self.rows.high - self.rows.low) * (self.columns.high - self.columns.low)

    @property
    def seen(self) -> tuple[slice, slice]:
        """Index of the tile with its halo in an image (H, W, 3)."""
        return self.rows.seen, self.columns.seen


class Box(NamedTuple):
    """Own positions of what one term reads: in the whole image's, and in what the tile alone gives."""

    rows: slice
    columns: slice
    local: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Axis:
    """How all terms together see along one axis, pixels.

    Attributes:
        extents: Term -> stride and support of what it reads, neighbors included.
        alignment: Tiles begin at multiples of this, the least common multiple of all strides of the network.
        before: Halo before a tile, a multiple of `alignment`.
        after: Halo after a tile, likewise.
    """

    extents: dict[str, Extent]
    alignment: int
    before: int
    after: int

    def spans(self, length: int, tile: int) -> tuple[Span, ...]:
        """Cut `length` pixels into parts that all see the same number of pixels: `tile` and a halo on both sides.

        Where the border of the image takes the place of a halo, a part owns more instead. The last one begins at a
        multiple of the alignment, and so sees a few pixels more.
        """
        window = self.before + max(tile // self.alignment, 1) * self.alignment + self.after
        spans, start = [], 0
        while start < length:
            low = max(start - self.before, 0)
            last = low + window >= length
            if last:
                low = max((length - window) // self.alignment * self.alignment, 0)
            high = length if last else low + window
            stop = length if last else high - self.after
            spans.append(Span(start, stop, low, high, last))
            start = stop
        return tuple(spans)

    def positions(self, term: str, span: Span, count: int) -> tuple[slice, int]:
        """The span's own positions of what a term reads, of `count` in all, and the position where the tile begins."""
        stride = self.extents[term].stride
        first = min(int(span.start / stride), count)
        end = count if span.last else min(int(span.stop / stride), count)
        return slice(first, end), int(span.low / stride)


@dataclass(frozen=True, slots=True)
class View:
    """How the terms of an objective see an image.

    Attributes:
        vertical: Along the height.
        horizontal: Along the width.
        sized: A layer whose padding depends on the size of its input, empty if there is none.
    """

    vertical: Axis
    horizontal: Axis
    sized: str = ""

    @property
    def halo(self) -> int:
        """The widest halo, pixels."""
        return max(max(axis.before, axis.after) for axis in (self.vertical, self.horizontal))

    @property
    def smallest_tile(self) -> int:
        """Least side of a tile, pixels: below the halo more is computed twice than once."""
        return max(self.halo, self.vertical.alignment, self.horizontal.alignment)

    def tiles(self, size: Size, tile: int) -> tuple[Tile, ...]:
        """All tiles of an image, row by row.

        Args:
            size: Of the image, margin included.
            tile: Side of what a tile owns where it has a halo all around, pixels.

        Raises:
            ConfigError: A tile is smaller than the halo.
            NetworkError: The network pads by size and the size is no multiple of its strides.
        """
        self.check_tile(tile)
        rows, columns = self.vertical.spans(size.height, tile), self.horizontal.spans(size.width, tile)
        if len(rows) * len(columns) > 1:
            self._check_size(size)
        return tuple(Tile(row, column) for row in rows for column in columns)

    def check_tile(self, tile: int) -> None:
        """Refuse a tile smaller than its own halo.

        Raises:
            ConfigError: It is.
        """
        if tile < self.smallest_tile:
            message = (
                f"tile: expected at least {self.smallest_tile} pixels, as much as these layers see around a tile, "
                f"got {tile}; ask for a larger tile or shallower layers"
            )
            raise ConfigError(message)

    def _check_size(self, size: Size) -> None:
        wrong = size.height % self.vertical.alignment or size.width % self.horizontal.alignment
        if self.sized and wrong:
            message = (
                f"cannot tile {size.height}x{size.width} pixels (height x width): layer {self.sized!r} pads by the "
                f"size of its input; expected multiples of {self.vertical.alignment}. Use --tile off or another size"
            )
            raise NetworkError(message)

    def box(self, term: str, tile: Tile, counts: Size) -> Box:
        """Own positions of what a term reads, which has `counts` positions over the whole image."""
        rows, top = self.vertical.positions(term, tile.rows, counts.height)
        columns, left = self.horizontal.positions(term, tile.columns, counts.width)
        local = (rows.start - top, rows.stop - top, columns.start - left, columns.stop - left)
        return Box(rows, columns, local)


def view_of(objective: Objective, extractor: FeatureExtractor) -> View:
    """How the terms of an objective see an image.

    Raises:
        NetworkError: A layer sees the whole image at every position.
    """
    found = geometry_of(extractor.model)
    layers = {
        name: found[id(symbol)] for name, symbol in zip(extractor.addresses, extractor.model.outputs, strict=True)
    }
    for name, geometry in layers.items():
        if geometry.whole or not geometry.has_positions:
            message = (
                f"cannot compute {name!r} tile by tile: layer {geometry.reason!r} looks at the whole image; "
                "use --tile off or another network"
            )
            raise NetworkError(message)
    vertical, horizontal = {}, {}
    for term in objective.terms:
        seen = layers[term.layer] if term.reading is None else _read(term.reading)
        vertical[term.name], horizontal[term.name] = seen.vertical, seen.horizontal
    for term in objective.local:
        for axis in (vertical, horizontal):
            axis[term.name] = _with_neighbors(axis[term.name], term.loss)
    bounded = [geometry for geometry in found.values() if not geometry.whole]
    return View(
        _axis(vertical, [geometry.vertical for geometry in bounded]),
        _axis(horizontal, [geometry.horizontal for geometry in bounded]),
        padded_by_size(extractor.model),
    )


def _read(reading: Reading) -> Geometry:
    extent = Extent(Fraction(reading.stride), Fraction(reading.low), Fraction(reading.high))
    return Geometry(extent, extent)


def _with_neighbors(extent: Extent, loss: LocalLoss) -> Extent:
    """What a position and the neighbors that a loss looks at see together."""
    low, high = extent.low - loss.before * extent.stride, extent.high + loss.after * extent.stride
    return Extent(extent.stride, low, high)


def _axis(extents: dict[str, Extent], everywhere: list[Extent]) -> Axis:
    strides = [*(extent.stride for extent in everywhere), *(extent.stride for extent in extents.values())]
    alignment = math.lcm(*(stride.numerator for stride in strides))
    before = max(0, *(math.ceil(-extent.low) for extent in extents.values()))
    after = max(0, *(math.ceil(extent.high - extent.stride) + 1 for extent in extents.values()))
    return Axis(extents, alignment, _multiple(before, alignment), _multiple(after, alignment))


def _multiple(length: int, of: int) -> int:
    """The next multiple, upward."""
    return math.ceil(length / of) * of


def position_counts(objective: Objective, extractor: FeatureExtractor, size: Size) -> dict[str, Size]:
    """Term -> (height, width) of what it reads of one image."""
    shapes = extractor.model.compute_output_shape((1, *size, 3))
    listed = shapes if len(extractor.addresses) > 1 else [shapes]
    layers = {name: Size(int(shape[1]), int(shape[2])) for name, shape in zip(extractor.addresses, listed, strict=True)}
    return {
        term.name: layers[term.layer]
        if term.reading is None
        else Size(size.height // term.reading.stride, size.width // term.reading.stride)
        for term in objective.terms
    }
