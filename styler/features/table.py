"""All that can be asked for of a model: a list, and the same as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from styler.errors import ImageError
from styler.features.frozen import DEFAULT_SIGNATURE, freeze, is_graph
from styler.features.graph import ENTRANCES
from styler.features.recurrent import ports_of
from styler.features.resolution import Target
from styler.features.taps import Inner, inner_calls, inner_layers
from styler.networks.calls import Call, calls_by_operation, calls_of, graph_of, sublayers
from styler.networks.geometry import Geometry, geometry_of
from styler.networks.names import quoted

if TYPE_CHECKING:
    import keras

HEADINGS = ("layer", "type", "shape", "parameters", "stride", "field")
WHOLE = "whole image"
UNDEFINED = "-"
HANDLES = ("resource", "variant")  # types of tensors that have no value to give
IMAGE_AXES = 4  # batch, height, width, channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """One tensor that can be asked for.

    Attributes:
        address: As `FeatureExtractor` takes it.
        type: Class of the layer, or type of the operation of a low-level graph.
        shape: Of the tensor, the batch first; None for a side that depends on what is given, None in place of the
            whole shape where not even the number of axes is known.
        dtype: Of the tensor.
        parameters: Number of weights of the layer; those of a nested model are those of its layers together.
        geometry: How a position sees the image; None for what is not computed from images alone.
    """

    address: str
    type: str
    shape: tuple[int | None, ...] | None
    dtype: str
    parameters: int = 0
    geometry: Geometry | None = field(default=None, repr=False)

    @property
    def channels(self) -> int | None:
        """Length of the last axis; None where it is open or is the batch."""
        return self.shape[-1] if self.shape is not None and len(self.shape) > 1 else None

    @property
    def stride(self) -> int | Fraction | None:
        """Pixels between neighboring positions, the larger of both axes; None without positions in the image."""
        if self.geometry is None or not self.geometry.has_positions:
            return None
        stride = self.geometry.stride
        return int(stride) if stride.denominator == 1 else stride

    @property
    def receptive_field(self) -> int | None:
        """Side in pixels, the larger of both axes; None for the whole image, or where `geometry` is None."""
        return None if self.geometry is None else self.geometry.field

    def cells(self) -> tuple[str, ...]:
        """As they stand in the table, the shape without the batch."""
        stride = UNDEFINED if self.stride is None else str(self.stride)
        field = UNDEFINED if self.geometry is None else str(self.receptive_field or WHOLE)
        return (self.address, self.type, self._shape_of_one(), f"{self.parameters:,}", stride, field)

    def _shape_of_one(self) -> str:
        if self.shape is None:
            return "?"
        sides = self.shape[1:] if self.shape[:1] == (None,) else self.shape
        return "x".join("?" if side is None else str(side) for side in sides) or "scalar"


def addresses(
    source: Any, *, size: int | None = None, example: Any = None, signature: str = DEFAULT_SIGNATURE
) -> list[Activation]:
    """All that can be asked for of any source that `FeatureExtractor` takes.

    Inputs are left out: they are what one has. The same tensor may be listed under several addresses, as the output of
    a nested model and as that of its last layer.

    Args:
        source: A Keras model of any kind; or a graph, with a session or without, a `GraphDef`, a SavedModel or its
            folder, a frozen `.pb` file, a concrete function.
        size: Height and width of a square image, pixels: gives the shapes of its activations where a Keras model
            leaves them open.
        example: For a Keras model whose graph Keras does not know, or a `tf.function` without a signature: inputs to
            call it with, arrays or `keras.Input`.
        signature: Which function of a SavedModel.

    Returns:
        In model order, each nested model before what is in it.

    Raises:
        NetworkError: It is none of these, or has no graph and no example.
        ImageError: The size leaves some layer without a position.

    Example:
        >>> [each.address for each in styler.addresses(model) if each.channels == 64]
        ['block1_conv1', 'block1_conv2', 'block1_pool']
    """
    from styler.features.tracing import with_graph

    if is_graph(source):
        return tensors_of(source, signature, example)
    traced = with_graph(source, example)
    found = activations_of(traced.model, size)
    if not traced.within:
        return found
    prefix = f"{quoted(traced.within)}/"
    inside = [each for each in found if each.address.startswith(prefix)]
    return [replace(each, address=each.address.removeprefix(prefix)) for each in inside]


def activations_of(model: keras.Model, size: int | None = None) -> list[Activation]:
    """Every tensor of a model that has an address, in model order, each nested model before what is in it.

    Args:
        model: A model with a graph.
        size: Height and width of a square image, pixels, in place of sides that the model leaves open.

    Raises:
        ImageError: The size leaves some layer without a position.
    """
    from styler.features.replay import multi_output_model

    found = list(within(model))
    if not found:
        return []
    symbols = _symbols(multi_output_model(model, [target for target, _ in found]), size)
    return [
        Activation(
            address=target.address,
            type=type(_layer(target)).__name__,
            shape=tuple(symbol.shape),
            dtype=str(symbol.dtype),
            parameters=_parameters(_layer(target)),
            geometry=geometry,
        )
        for (target, geometry), symbol in zip(found, symbols, strict=True)
    ]


def within(model: keras.Model) -> Iterator[tuple[Target, Geometry | None]]:
    """Every target of a model with a graph, and how it sees the image."""
    graph = graph_of(model)
    inputs = [Geometry() if len(symbol.shape) == IMAGE_AXES else None for symbol in graph.inputs]
    yield from _within(graph, inputs, (), "")


def _within(
    graph: Any, inputs: list[Geometry | None], path: tuple[Call, ...], prefix: str
) -> Iterator[tuple[Target, Geometry | None]]:
    """Every target of a graph, with its geometry.

    Args:
        graph: Functional graph.
        inputs: How each of its inputs sees the image.
        path: Calls of the nested models on the way to it.
        prefix: The same as the beginning of an address.
    """
    geometry = _geometry(graph, inputs)
    for operation, calls in calls_by_operation(graph).items():
        for index, call in enumerate(calls):
            if call.is_input:
                continue
            address = prefix + quoted(operation.name) + (f"@{index}" if len(calls) > 1 else "")
            steps = (*path, call)
            for port, text in _ports(call):
                own = geometry.get(id(call.outputs[port])) if isinstance(port, int) else None
                yield Target(address=address + text, path=steps, port=port), own
            inner = graph_of(operation)
            if inner is not None:
                given = [geometry.get(id(symbol)) for symbol in call.inputs]
                yield from _within(inner, given[: len(inner.inputs)], steps, f"{address}/")
            else:
                yield from ((target, None) for target in _inside(steps, address))


def _inside(path: tuple[Call, ...], prefix: str) -> Iterator[Target]:
    """Every target inside of a layer that Keras keeps no graph of; none where it cannot be looked into."""
    if not sublayers(path[-1].operation):
        return
    try:
        found = inner_calls(path[-1])
    except Exception:  # whatever the layer's own code can raise on symbols
        return
    for names, counts in found.items():
        address = "/".join([prefix, *map(quoted, names)])
        for call, count in enumerate(counts):
            numbered = address + (f"@{call}" if len(counts) > 1 else "")
            for port in range(count):
                text = numbered + (f":{port}" if count > 1 else "")
                yield Target(address=text, path=path, port=Inner(names, call, port))


def _ports(call: Call) -> Iterator[tuple[int | str, str]]:
    """Outputs and states of a call, and how an address says which."""
    several = len(call.outputs) > 1
    for port in range(len(call.outputs)):
        yield port, f":{port}" if several else ""
    for state in ports_of(call.operation):
        yield state, f":{state}"


def _geometry(graph: Any, inputs: list[Geometry | None]) -> dict[int, Geometry]:
    """Geometry of what is computed from images alone, by the symbol's id."""
    if not any(inputs):
        return {}
    found = geometry_of(graph, [seen or Geometry() for seen in inputs])
    blind = {id(symbol) for symbol, seen in zip(graph.inputs, inputs, strict=True) if seen is None}
    for call in calls_of(graph):
        if blind.intersection(map(id, call.inputs)):
            blind.update(map(id, call.outputs))
    return {key: seen for key, seen in found.items() if key not in blind}


def _symbols(model: Any, size: int | None) -> list[Any]:
    """What a model gives, with its shapes for images of a size."""
    import keras

    if size is None:
        return list(model.outputs)
    try:
        outputs = model.compute_output_spec(keras.tree.map_structure(lambda symbol: _sized(symbol, size), model.input))
    except ValueError as cause:  # Keras: "computed output size would be negative"
        message = f"an image of {size} x {size} pixels leaves some layer without a position; give a larger --size"
        raise ImageError(message) from cause
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def _sized(symbol: Any, size: int) -> Any:
    import keras

    shape = symbol.shape
    if len(shape) == IMAGE_AXES:
        sides = [size if side is None else side for side in shape[1:3]]
        shape = (shape[0], *sides, shape[-1])
    return keras.KerasTensor(shape, symbol.dtype)


def _layer(target: Target) -> Any:
    """The layer that gives a target."""
    layer = target.path[-1].operation
    return layer if not isinstance(target.port, Inner) else dict(inner_layers(layer))[target.port.path]


def _parameters(operation: Any) -> int:
    return int(operation.count_params()) if getattr(operation, "built", False) and hasattr(operation, "weights") else 0


def tensors_of(source: Any, signature: str = DEFAULT_SIGNATURE, example: Any = None) -> list[Activation]:
    """Every tensor of a low-level graph that depends on what is fed, in the graph's order, after its named outputs.

    Raises:
        NetworkError: It is no graph that can be read.
    """
    graph, outputs = _graph(source, signature, example)
    fed: set[str] = set()
    found: dict[str, Any] = {}
    for operation in graph.get_operations():
        is_input = operation.type in ENTRANCES
        if not is_input and not any(tensor.name in fed for tensor in operation.inputs):
            continue
        fed.update(tensor.name for tensor in operation.outputs)
        if not is_input:
            found.update((tensor.name, tensor) for tensor in operation.outputs if tensor.dtype not in HANDLES)
    named = {key: found[name] for key, name in outputs.items() if name in found}
    return [
        Activation(
            address=address,
            type=tensor.op.type,
            shape=None if tensor.shape.rank is None else tuple(tensor.shape.as_list()),
            dtype=tensor.dtype.name,
        )
        for address, tensor in [*named.items(), *((name.removesuffix(":0"), each) for name, each in found.items())]
    ]


def _graph(source: Any, signature: str, example: Any) -> tuple[Any, dict[str, str]]:
    """A `tf.Graph`, and names that users know -> tensor names of its outputs."""
    import tensorflow as tf

    if isinstance(source, tuple | list) and source:
        source = source[0]
    graph = getattr(source, "graph", source) if isinstance(source, tf.compat.v1.Session) else source
    if isinstance(graph, tf.Graph):
        return graph, {}
    frozen = freeze(graph, signature, [], example)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(frozen.graph_def, name="")
    return graph, frozen.outputs


def layer_table(source: Any, size: int | None = None) -> str:
    """What `addresses` lists, in columns: name, type, shape for one image, parameters, stride and field in pixels."""
    rows = [HEADINGS, *(each.cells() for each in addresses(source, size=size))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
