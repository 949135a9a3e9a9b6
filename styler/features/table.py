"""A network's layers as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from styler.features.address import quoted
from styler.networks.calls import calls_by_operation, graph_of, inputs_of
from styler.networks.geometry import Geometry, geometry_of

if TYPE_CHECKING:
    import keras

HEADINGS = ("layer", "type", "shape", "parameters", "stride", "field")
WHOLE = "whole image"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """What a layer is and gives.

    Attributes:
        address: As `FeatureExtractor` takes it.
        kind: Class of the layer.
        shape: Of one image's activations.
        parameters: Number of weights; those of a nested model are counted with it and not with its layers.
        geometry: Stride and receptive field.
    """

    address: str
    kind: str
    shape: tuple[int | None, ...]
    parameters: int
    geometry: Geometry

    def cells(self) -> tuple[str, ...]:
        """As they stand in the table."""
        seen = self.geometry
        stride = str(seen.stride) if seen.has_positions else "-"
        field = WHOLE if seen.whole else str(seen.field)
        shape = "x".join("?" if side is None else str(side) for side in self.shape)
        return (self.address, self.kind, shape, f"{self.parameters:,}", stride, field)


def layer_rows(model: keras.Model, size: int) -> list[LayerRow]:
    """Every layer of a model of images, in model order, one row for each call of a layer.

    Args:
        model: A model with a graph.
        size: Side of a square image, pixels.
    """
    import keras

    found = geometry_of(model)
    named = list(_outputs(model))
    shapes_of = keras.Model(inputs_of(model), [symbol for _, _, symbol in named])
    inputs = inputs_of(model)
    sides = (1, *(size if side is None else side for side in inputs.shape[1:3]), inputs.shape[-1])
    shapes = shapes_of.compute_output_shape(sides)
    shapes = shapes if len(named) > 1 else [shapes]
    return [
        LayerRow(
            address=address,
            kind=type(layer).__name__,
            shape=tuple(shape[1:]),
            parameters=layer.count_params(),
            geometry=found[id(symbol)],
        )
        for (address, layer, symbol), shape in zip(named, shapes, strict=True)
    ]


def _outputs(model: Any) -> Iterator[tuple[str, Any, Any]]:
    """Address, layer and symbol of each output of each call of each layer."""
    import keras

    for layer, calls in calls_by_operation(graph_of(model)).items():
        if not isinstance(layer, keras.layers.Layer) or isinstance(layer, keras.layers.InputLayer):
            continue
        for index, call in enumerate(calls):
            for port, symbol in enumerate(call.outputs):
                name = quoted(layer.name) + (f"@{index}" if len(calls) > 1 else "")
                yield name + (f":{port}" if len(call.outputs) > 1 else ""), layer, symbol


def layer_table(model: keras.Model, size: int) -> str:
    """The rows of `layer_rows` in columns: name, type, shape at `size`, parameters, stride and field in pixels."""
    rows = [HEADINGS, *(row.cells() for row in layer_rows(model, size))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
