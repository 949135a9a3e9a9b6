"""What a render costs in memory and time, as straight lines through measurements on this machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from styler.networks.geometry import geometry_of


@dataclass(frozen=True, slots=True)
class Line:
    """`fixed + slope * pixels`."""

    fixed: float
    slope: float

    def at(self, pixels: float) -> float:
        """The value for so many pixels, no less than 0."""
        return max(0.0, self.fixed + self.slope * pixels)

    @classmethod
    def through(cls, pixels: Sequence[float], values: Sequence[float]) -> Line:
        """The line through the first and the last measurement; never falling, and never below 0 at the left end.

        Noise would else make small tiles look as if they cost nothing.
        """
        slope = max(0.0, (values[-1] - values[0]) / (pixels[-1] - pixels[0]))
        fixed = values[0] - slope * pixels[0]
        return cls(fixed, slope) if fixed >= 0.0 else cls(0.0, values[-1] / pixels[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of octaves that are computed in one piece, or tile by tile.

    Attributes:
        memory: Bytes beyond those of a process with the network loaded, by pixels of the image or seen by a tile.
        seconds: Of one step, or of one evaluation of one tile.
        first: Seconds of the first call beyond those of a later one: compiling.
        sweep: Seconds a step and pixel that the optimizer takes on the host; in memory, then mapped from files.
    """

    memory: Line
    seconds: Line
    first: float
    sweep: tuple[float, float] = (0.0, 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Cost:
        """The inverse of `to_dict`."""
        lines = {name: Line(**values[name]) for name in ("memory", "seconds")}
        return cls(**lines, first=values["first"], sweep=tuple(values["sweep"]))


TENSORS = 3.0  # of all activations, as a share: forward, backward and what the kernels need. The embedded network and
# VGG19 come to 2.4 and 2.2; a guess should be too high
OPERATIONS = 3e-11  # seconds a byte of activations, a slow processor's: VGG19 on two cores comes to 1.1e-11
START = 2**28  # bytes: compiled programs and what comes with the first calls


def guessed(activations: float, buffers: float) -> Cost:
    """A cost that is rather too high, from the shapes of a network alone.

    Args:
        activations: Bytes a pixel of all of the network's together, see `bytes_a_pixel`.
        buffers: Bytes a pixel of the optimizer's state.
    """
    slope = TENSORS * activations + buffers
    return Cost(memory=Line(START, slope), seconds=Line(0.1, OPERATIONS * slope), first=10.0)


def bytes_a_pixel(model: Any) -> float:
    """Of all activations of a Keras model together, float32."""
    found = geometry_of(model)
    outputs = [each for operation in model.operations for each in _listed(operation.output)]
    return sum(4.0 * _channels(each) / float(found[id(each)].stride) ** 2 for each in outputs if id(each) in found)


def _channels(symbol: Any) -> float:
    return float(math.prod(side for side in symbol.shape[1:] if side))


def _listed(output: Any) -> list[Any]:
    return list(output) if isinstance(output, list | tuple) else [output]
