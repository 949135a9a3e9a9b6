"""Lists all addresses of a model, as objects or as a text table."""

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
HANDLES = ("resource", "variant")  # types of tensors without a value
IMAGE_AXES = 4  # batch, height, width, channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A tensor that has an address.

    Attributes:
        address: Address in the form that `FeatureExtractor` takes.
        type: Class of the layer, or type of the operation in a low-level graph.
        shape: Shape of the tensor, with the batch first. None for an axis that depends on the input, or for the whole
            shape if the rank is unknown.
        dtype: Dtype of the tensor.
        parameters: Number of weights of the layer; for a nested model, of all its layers.
        geometry: Stride and receptive field; None for tensors that are not computed from images alone.
    """

    address: str
    type: str
    shape: tuple[int | None, ...] | None
    dtype: str
    parameters: int = 0
    geometry: Geometry | None = field(default=None, repr=False)

    @property
    def channels(self) -> int | None:
        """Length of the last axis; None if it is unknown, or if the only axis is the batch."""
        return self.shape[-1] if self.shape is not None and len(self.shape) > 1 else None

    @property
    def stride(self) -> int | Fraction | None:
        """Distance of neighboring positions in pixels, the larger one of both axes; None without positions."""
        if self.geometry is None or not self.geometry.has_positions:
            return None
        stride = self.geometry.stride
        return int(stride) if stride.denominator == 1 else stride

    @property
    def receptive_field(self) -> int | None:
        """Longer side in pixels; None for the whole image, or if `geometry` is None."""
        return None if self.geometry is None else self.geometry.field

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the table row; the shape omits the batch."""
        stride = UNDEFINED if self.stride is None else str(self.stride)
        field = UNDEFINED if self.geometry is None else str(self.receptive_field or WHOLE)
        return (self.address, self.type, self._shape_of_one(), f"{self.parameters:,}", stride, field)

    def _shape_of_one(self) -> str:
        if self.shape is None:
            return "?"
        sides = self.shape[1:] if self.shape[:1] == (None,) else self.shape
        return "x".join("?" if side is None else str(side) for side in sides) or "scalar"


def addresses(
    source: Any,
    *,
    size: int | None = None,
    example: Any = None,
    signature: str = DEFAULT_SIGNATURE,
) -> list[Activation]:
    """List every address of a source that `FeatureExtractor` takes, except inputs.

    The same tensor may have several addresses, for example as the output of a nested model and of its last layer.

    Args:
        source: A Keras model of any kind; or a graph with or without a session, a `GraphDef`, a SavedModel or its
            folder, a frozen `.pb` file, a concrete function.
        size: Height and width of a square image, in pixels; used for the shapes if a Keras model leaves them open.
        example: Example inputs, arrays or `keras.Input`, for a Keras model whose graph Keras does not know or a
            `tf.function` without a signature.
        signature: Name of the function in a SavedModel.

    Returns:
        The addresses in model order; a nested model comes before its layers.

    Raises:
        NetworkError: The source is of another kind, or has no graph and there is no example.
        ImageError: The size is too small for a layer to have a position.

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
    """List every tensor of a model that has an address, in model order; a nested model comes before its layers.

    Args:
        model: A model with a graph.
        size: Height and width of a square image, in pixels, for axes that the model leaves open.

    Raises:
        ImageError: The size is too small for a layer to have a position.
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
    """Yield every target of a model with a graph, with its geometry."""
    graph = graph_of(model)
    inputs = [Geometry() if len(symbol.shape) == IMAGE_AXES else None for symbol in graph.inputs]
    yield from _within(graph, inputs, (), "")


def _within(
    graph: Any,
    inputs: list[Geometry | None],
    path: tuple[Call, ...],
    prefix: str,
) -> Iterator[tuple[Target, Geometry | None]]:
    """Yield every target of a graph, with its geometry.

    Args:
        graph: Functional graph.
        inputs: Geometry of each input.
        path: Calls of the nested models that lead to the graph.
        prefix: The address of the graph, as a prefix.
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
                yield (
                    Target(
                        address=address + text,
                        path=steps,
                        port=port,
                    ),
                    own,
                )
            inner = graph_of(operation)
            if inner is not None:
                given = [geometry.get(id(symbol)) for symbol in call.inputs]
                yield from _within(inner, given[: len(inner.inputs)], steps, f"{address}/")
            else:
                yield from ((target, None) for target in _inside(steps, address))


def _inside(path: tuple[Call, ...], prefix: str) -> Iterator[Target]:
    """Yield every target inside a layer without a Keras graph; none if the layer does not work on symbols."""
    if not sublayers(path[-1].operation):
        return
    try:
        found = inner_calls(path[-1])
    except Exception:  # the layer's own code may raise any class of error on symbols
        return
    for names, counts in found.items():
        address = "/".join([prefix, *map(quoted, names)])
        for call, count in enumerate(counts):
            numbered = address + (f"@{call}" if len(counts) > 1 else "")
            for port in range(count):
                text = numbered + (f":{port}" if count > 1 else "")
                yield Target(
                    address=text,
                    path=path,
                    port=Inner(names, call, port),
                )


def _ports(call: Call) -> Iterator[tuple[int | str, str]]:
    """Yield (port, suffix of the address) for each output and state of a call."""
    several = len(call.outputs) > 1
    for port in range(len(call.outputs)):
        yield port, f":{port}" if several else ""
    for state in ports_of(call.operation):
        yield state, f":{state}"


def _geometry(graph: Any, inputs: list[Geometry | None]) -> dict[int, Geometry]:
    """Return the geometry of each symbol by its id, for tensors that are computed from images alone."""
    if not any(inputs):
        return {}
    found = geometry_of(graph, [seen or Geometry() for seen in inputs])
    blind = {id(symbol) for symbol, seen in zip(graph.inputs, inputs, strict=True) if seen is None}
    for call in calls_of(graph):
        if blind.intersection(map(id, call.inputs)):
            blind.update(map(id, call.outputs))
    return {key: seen for key, seen in found.items() if key not in blind}


def _symbols(model: Any, size: int | None) -> list[Any]:
    """Return the symbolic outputs of a model; if a size is given, with their shapes for images of that size."""
    import keras

    if size is None:
        return list(model.outputs)
    try:
        outputs = model.compute_output_spec(keras.tree.map_structure(lambda symbol: _sized(symbol, size), model.input))
    except ValueError as cause:  # Keras: "computed output size would be negative"
        message = f"an image of {size} x {size} pixels is too small for some layer; give a larger --size"
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
    """Return the layer of a target."""
    layer = target.path[-1].operation
    return layer if not isinstance(target.port, Inner) else dict(inner_layers(layer))[target.port.path]


def _parameters(operation: Any) -> int:
    return int(operation.count_params()) if getattr(operation, "built", False) and hasattr(operation, "weights") else 0


def tensors_of(source: Any, signature: str = DEFAULT_SIGNATURE, example: Any = None) -> list[Activation]:
    """List the named outputs of a low-level graph, then every tensor that depends on the feeds, in graph order.

    Raises:
        NetworkError: The source is not a readable graph.
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
    """Return a `tf.Graph`, and the tensor name of each named output."""
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
    """Return `addresses` as a text table: address, type, shape for one image, parameters, stride, receptive field."""
    rows = [HEADINGS, *(each.cells() for each in addresses(source, size=size))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
