"""One functional model for tensors that Keras hides: inside nested models, and states of recurrent layers.

What lies on the way to them is called again symbolically, through operations of our own, so that the layers of the
user's model, which are shared, keep their record of calls as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import keras  # noqa: TID253 - imported by `extractor` when it is first used

from styler.features.recurrent import run_recurrent, twin
from styler.features.resolution import Target
from styler.networks.calls import Call, Symbol, calls_of, graph_of, inputs_of, needed_for

SCOPE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.>-]*")  # names of layers that TensorFlow can trace


def is_traceable(operation: Any) -> bool:
    """Whether TensorFlow accepts the names of an operation and of those within it as scopes of a graph."""
    inner = graph_of(operation)
    within = inner.operations if inner is not None else ()
    return bool(SCOPE.fullmatch(operation.name)) and all(map(is_traceable, within))


class Applied(keras.Operation):  # type: ignore[misc]
    """Calls another operation without a trace in its records.

    Args:
        target: The operation.
    """

    def __init__(self, target: Any) -> None:
        super().__init__()
        self.target = target if SCOPE.fullmatch(target.name) else twin(target, name="renamed")

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Run it."""
        return self.target(*args, **kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Shapes and dtypes as the operation itself says."""
        return self.target.compute_output_spec(*args, **kwargs)


class States(keras.Operation):  # type: ignore[misc]
    """Calls a recurrent layer and gives some of its states beside its outputs.

    Args:
        layer: The layer.
        ports: Names of the states.
    """

    def __init__(self, layer: Any, ports: list[str]) -> None:
        super().__init__()
        self.layer, self.ports = layer, ports

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The layer's own outputs, then the states, flat."""
        return run_recurrent(self.layer, self.ports, args, kwargs)


@dataclass(slots=True)
class _Wants:
    """What is wanted of one call: output numbers, states, and what is wanted within it; at the top, of the model."""

    symbols: list[Symbol] = field(default_factory=list)
    ports: list[int | str] = field(default_factory=list)
    within: dict[int, _Wants] = field(default_factory=dict)

    def add(self, target: Target) -> None:
        """Note a target at the end of its path."""
        here = self
        for call in target.path:
            here = here.within.setdefault(id(call.node), _Wants(call.outputs))
        if target.port not in here.ports:
            here.ports.append(target.port)


class Replay:
    """Walks a model's graph once and finds a symbolic tensor for every target.

    Args:
        model: A model with a graph.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._applied: dict[int, Applied] = {}
        self.found: dict[tuple[int | str, ...], Symbol] = {}
        self.called: list[Any] = []

    def symbols(self, targets: list[Target]) -> list[Symbol]:
        """One symbolic tensor for each target, all computed from `model.inputs`."""
        wants = _Wants()
        for target in targets:
            wants.add(target)
        graph = graph_of(self._model)
        self._walk(graph, {id(symbol): symbol for symbol in graph.inputs}, wants, (), [])
        return [self.found[target.key] for target in targets]

    def _walk(
        self,
        graph: Any,
        values: dict[int, Symbol],
        wants: _Wants,
        path: tuple[int, ...],
        outputs: Iterable[Symbol],
    ) -> None:
        """Give every needed symbol of a graph a value.

        Args:
            graph: Functional graph.
            values: id of a symbol of the graph -> the symbol that stands for it; filled in here.
            wants: What is wanted of it.
            path: Nodes of the nested models on the way to it.
            outputs: Outputs of the graph that are needed as well.
        """
        goals = [symbol for want in wants.within.values() for symbol in want.symbols] + list(outputs)
        for call in needed_for(calls_of(graph), goals):
            want = wants.within.get(id(call.node))
            if not call.is_input:
                inner = self._opens(call, want)
                used = inner and self._used(graph, call, wants, outputs)
                self._visit(call, want, values, path, used)
            for port in want.ports if want else ():
                if isinstance(port, int):
                    self.found[(*path, id(call.node), port)] = values[id(call.outputs[port])]

    @staticmethod
    def _opens(call: Call, want: _Wants | None) -> bool:
        """Whether a call is replaced by the calls within it."""
        nested = graph_of(call.operation) is not None
        return bool(want and want.within) or (nested and not is_traceable(call.operation))

    def _used(self, graph: Any, call: Call, wants: _Wants, outputs: Iterable[Symbol]) -> bool:
        """Whether the outputs of a call are needed, or only something within it."""
        here = {id(symbol) for symbol in call.outputs}
        want = wants.within.get(id(call.node))
        if here & {id(symbol) for symbol in outputs} or (want and want.ports):
            return True
        others = [other for key, other in wants.within.items() if key != id(call.node)]
        goals = [symbol for other in others for symbol in other.symbols] + list(outputs)
        needed = needed_for(calls_of(graph), goals)
        return any(here & {id(symbol) for symbol in other.inputs} for other in needed)

    def _visit(
        self, call: Call, want: _Wants | None, values: dict[int, Symbol], path: tuple[int, ...], used: bool
    ) -> None:
        if self._opens(call, want):
            self._enter(call, want or _Wants(), values, path, used)
        elif want and any(isinstance(port, str) for port in want.ports):
            self._states(call, want, values, path)
        elif is_traceable(call.operation) and all(values[id(symbol)] is symbol for symbol in call.inputs):
            values.update((id(symbol), symbol) for symbol in call.outputs)
        else:
            args, kwargs = call.arguments(values)
            self._bind(call, self._operation(call.operation)(*args, **kwargs), values)

    def _enter(self, call: Call, want: _Wants, values: dict[int, Symbol], path: tuple[int, ...], used: bool) -> None:
        """Replace the call of a nested model by the calls within it."""
        graph = graph_of(call.operation)
        args, kwargs = call.arguments(values)
        given = keras.tree.flatten(args[0] if args else kwargs["inputs"])
        inner = {
            id(symbol): value if value.dtype == symbol.dtype else keras.ops.cast(value, symbol.dtype)
            for symbol, value in zip(graph.inputs, given, strict=True)
        }
        outputs = list(graph.outputs) if used else []
        self._walk(graph, inner, want, (*path, id(call.node)), outputs)
        for outer, symbol in zip(call.outputs, outputs, strict=False):
            values[id(outer)] = inner[id(symbol)]

    def _states(self, call: Call, want: _Wants, values: dict[int, Symbol], path: tuple[int, ...]) -> None:
        ports = [port for port in want.ports if isinstance(port, str)]
        args, kwargs = call.arguments(values)
        self.called.append(call.operation)
        made = States(call.operation, ports)(*args, **kwargs)
        count = len(call.outputs)
        self._bind(call, made[:count], values)
        for port, symbol in zip(ports, made[count:], strict=True):
            self.found[(*path, id(call.node), port)] = symbol

    def _operation(self, operation: Any) -> Applied:
        self.called.append(operation)
        return self._applied.setdefault(id(operation), Applied(operation))

    @staticmethod
    def _bind(call: Call, made: Any, values: dict[int, Symbol]) -> None:
        for symbol, value in zip(call.outputs, keras.tree.flatten(made), strict=True):
            values[id(symbol)] = value


def multi_output_model(model: Any, targets: list[Target]) -> keras.Model:
    """A functional model from the inputs of `model` to the targets, in their order, and not one layer deeper."""
    replay, graph = Replay(model), graph_of(model)
    records = {operation: len(operation._outbound_nodes) for operation in graph.operations}
    outputs = replay.symbols(targets)
    for operation, count in records.items():
        del operation._outbound_nodes[count:]
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{model.name}_features")
    made = keras.Model(inputs_of(model), outputs, name=name)
    made.replayed = [layer for layer in dict.fromkeys(replay.called) if isinstance(layer, keras.layers.Layer)]
    return made
