"""The graph of a Keras model: the calls of operations, as Keras records them.

Keras has no public interface to traverse a functional model. This is the only module that reads `_nodes`,
`_keras_history` and similar attributes; `tests/unit/networks/test_calls.py` checks it against the installed version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from styler.errors import NetworkError

if TYPE_CHECKING:
    import keras

Symbol: TypeAlias = Any
"""A symbolic Keras tensor, `keras.KerasTensor`."""

COMPUTING = ("Conv", "ConvTranspose", "DepthwiseConv", "SeparableConv")
"""Operations whose kernel is an argument."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call of one operation.

    Attributes:
        operation: The layer or other operation that was called.
        node: Keras's record of the call.
    """

    operation: Any
    node: Any

    @property
    def inputs(self) -> list[Symbol]:
        """Symbolic tensors among the arguments, including masks and states."""
        return list(self.node.input_tensors)

    @property
    def outputs(self) -> list[Symbol]:
        """Symbolic tensors that the call returned, as a flat list."""
        return list(self.node.outputs)

    @property
    def is_input(self) -> bool:
        """Whether this call is an input of the model."""
        return bool(self.node.is_input)

    def arguments(self, values: dict[int, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of the call, with symbols replaced by values according to `id(symbol) -> value`."""
        args, kwargs = self.node.arguments.fill_in(values)
        return args, kwargs


def check_kernels(model: Any) -> None:
    """Refuse a network that computes the kernel of a convolution from the image.

    On the command line, oneDNN is told that weights never change, so it would keep using the first such kernel.

    Raises:
        NetworkError: The kernel of a convolution depends on the image.
    """
    graph = graph_of(model)
    for call in () if graph is None else calls_of(graph):
        if type(call.operation).__name__ in COMPUTING and len(call.inputs) > 1:
            message = (
                f"expected convolutions with fixed kernels, got {call.operation.name!r}, whose kernel depends "
                "on the image; styler features can read such a network, but styler render cannot"
            )
            raise NetworkError(message)


def graph_of(model: Any) -> Any:
    """Return the functional graph of a functional or built Sequential model; None if Keras has none."""
    import keras

    if isinstance(model, keras.Sequential):
        return model._functional
    return model if hasattr(model, "_nodes_by_depth") and hasattr(model, "operations") else None


def inputs_of(model: Any) -> Any:
    """Return the symbolic inputs of a model with a graph: a tensor, or a list or dict of several."""
    inputs = graph_of(model).input
    return inputs[0] if isinstance(inputs, list | tuple) and len(inputs) == 1 else inputs


def calls_of(graph: Any) -> list[Call]:
    """Return the calls of a functional graph, each one after the calls that it depends on."""
    depths = sorted(graph._nodes_by_depth, reverse=True)
    return [Call(node.operation, node) for depth in depths for node in graph._nodes_by_depth[depth]]


def calls_by_operation(graph: Any) -> dict[Any, list[Call]]:
    """Return operation -> its calls in the graph. Operations are in model order, calls in the order of the calls."""
    found: dict[Any, list[Call]] = {operation: [] for operation in graph.operations}
    for call in calls_of(graph):
        found[call.operation].append(call)
    for operation, calls in found.items():
        places = {id(node): place for place, node in enumerate(operation._inbound_nodes)}
        found[operation] = sorted(calls, key=lambda call, places=places: places[id(call.node)])  # type: ignore[misc]
    return found


def needed_for(calls: Iterable[Call], symbols: Iterable[Symbol]) -> list[Call]:
    """Return the calls that the symbols depend on, in the given order."""
    ordered = list(calls)
    wanted = {id(symbol) for symbol in symbols}
    needed = []
    for call in reversed(ordered):
        if wanted.intersection(map(id, call.outputs)):
            needed.append(call)
            wanted.update(map(id, call.inputs))
    return needed[::-1]


def sublayers(layer: Any) -> list[Any]:
    """Return the layers inside a layer, in order, without input layers and without the cells of an RNN."""
    import keras

    graph = graph_of(layer)
    if graph is None and (isinstance(layer, keras.layers.RNN) or not isinstance(layer, keras.layers.Layer)):
        return []
    held = graph.layers if graph is not None else layer._flatten_layers(include_self=False, recursive=False)
    return [each for each in held if not isinstance(each, keras.layers.InputLayer)]


def model_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers of a model, in model order, without input layers."""
    import keras

    return [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
