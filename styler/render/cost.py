"""The memory and time that a render takes, as straight lines through measurements on this machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from styler.networks.geometry import Geometry, geometry_of


@dataclass(frozen=True, slots=True)
class Line:
    """`fixed + slope * pixels`."""

    fixed: float
    slope: float

    def at(self, pixels: float) -> float:
        """Return the value at a number of pixels, at least 0."""
        return max(0.0, self.fixed + self.slope * pixels)

    @classmethod
    def through(cls, pixels: Sequence[float], values: Sequence[float]) -> Line:
        """Fit a line through the first and the last measurement; its slope and its start are never negative.

        Without these bounds, noise could make small tiles seem to cost nothing.
        """
        rise = values[-1] - values[0]
        slope = max(0.0, rise / (pixels[-1] - pixels[0]))
        fixed = values[0] - slope * pixels[0]
        if fixed < 0.0:
            return cls(0.0, values[-1] / pixels[-1])
        return cls(fixed, slope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of octaves in one piece, or of octaves in tiles.

    Attributes:
        memory: Bytes in addition to a process with the network loaded, by pixels of the image or of a tile with its
            halo.
        seconds: Seconds for one step, or for one evaluation of one tile.
        first: Additional seconds of the first call, for compiling.
        sweep: Seconds per step and pixel that the optimizer takes on the host: first with arrays in memory, then with
            arrays mapped from files.
    """

    memory: Line
    seconds: Line
    first: float
    sweep: tuple[float, float] = (0.0, 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Cost:
        """Read a cost from the result of `to_dict`."""
        lines = {name: Line(**values[name]) for name in ("memory", "seconds")}
        return cls(**lines, first=values["first"], sweep=tuple(values["sweep"]))


TENSORS = 3.0  # memory as a multiple of all activations: forward pass, backward pass and workspaces of the kernels. The
# built-in network takes 2.4 and VGG-19 takes 2.2; an estimate should be too high
OPERATIONS = 3e-11  # seconds per byte of activations on a slow processor; VGG-19 takes 1.1e-11 on two cores
START = 2**28  # bytes of compiled programs and other memory that the first calls take


def guessed(activations: float, buffers: float) -> Cost:
    """Estimate the cost from the shapes of a network alone; the estimate is rather too high than too low.

    Args:
        activations: Bytes per pixel of all activations together, see `bytes_a_pixel`.
        buffers: Bytes per pixel of the optimizer's state.
    """
    slope = TENSORS * activations + buffers
    return Cost(
        memory=Line(START, slope),
        seconds=Line(0.1, OPERATIONS * slope),
        first=10.0,
    )


def bytes_a_pixel(model: Any, inputs: list[Geometry] | None = None) -> float:
    """Return the bytes per pixel of all activations of a Keras model together, float32.

    Args:
        model: The model.
        inputs: Geometry of its inputs; None if they are images.
    """
    geometries = geometry_of(model, inputs)
    total = 0.0
    for operation in model.operations:
        output = operation.output
        for symbol in output if isinstance(output, list | tuple) else [output]:
            if id(symbol) in geometries:
                channels = float(math.prod(side for side in symbol.shape[1:] if side))
                stride = float(geometries[id(symbol)].stride)
                total += 4.0 * channels / stride**2
    return total
