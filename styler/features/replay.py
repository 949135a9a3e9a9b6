"""Builds one functional model for tensors that Keras hides: inside nested models and other layers, and states.

The operations on the way to these tensors are called again symbolically, through twins of the layers. The twins share
the weights of the user's layers, whose record of calls stays unchanged.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras  # noqa: TID253 - imported by `extractor` when it is first used

from styler.features.recurrent import run_recurrent, twin
from styler.features.resolution import Port, Target
from styler.features.taps import Inner, run_listened
from styler.networks.calls import Call, Symbol, calls_of, graph_of, inputs_of, needed_for

SCOPE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.>-]*")  # names of layers that TensorFlow can trace


def is_traceable(operation: Any) -> bool:
    """Return whether TensorFlow accepts the names of an operation, and of those inside it, as scopes of a graph."""
    inner = graph_of(operation)
    within = inner.operations if inner is not None else ()
    return bool(SCOPE.fullmatch(operation.name)) and all(map(is_traceable, within))


class Around(keras.layers.Layer):  # type: ignore[misc]
    """A layer that runs another layer and returns more than that layer does.

    Its calls bypass Keras's rules for the arguments of layers, because the arguments of the other layer may break them.

    Args:
        layer: The other layer.
        wanted: What to return in addition to its outputs.
        name: Name of this layer.
    """

    def __init__(
        self,
        layer: Any,
        wanted: list[Any],
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, autocast=False)
        self.layer = layer
        self.wanted = [wanted]  # nested, because Keras would replace a plain list with its own type
        self.built = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the layer like an operation."""
        return keras.Operation.__call__(self, *args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Call the layer on symbols like an operation."""
        return keras.Operation.symbolic_call(self, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration for `keras.saving`."""
        return {"name": self.name, "layer": keras.saving.serialize_keras_object(self.layer), **self.described()}

    def described(self) -> dict[str, Any]:
        """Return `wanted` as plain data."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="styler")
class States(Around):
    """Calls a recurrent layer and also returns some of its states."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Return the layer's own outputs, followed by the states, as a flat list."""
        return run_recurrent(self.layer, self.wanted[0], args, kwargs)

    def described(self) -> dict[str, Any]:
        """Return the names of the states."""
        return {"ports": list(self.wanted[0])}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> States:
        """Create the layer from its configuration."""
        return cls(keras.saving.deserialize_keras_object(config["layer"]), config["ports"], name=config["name"])


@keras.saving.register_keras_serializable(package="styler")
class Listening(Around):
    """Calls a layer and also returns outputs of layers inside it."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Return the layer's own outputs, followed by those of the inner layers, as a flat list."""
        return run_listened(self.layer, self.wanted[0], args, kwargs)

    def described(self) -> dict[str, Any]:
        """Return paths, calls and ports of the inner layers."""
        return {"places": [[list(place.path), place.call, place.port] for place in self.wanted[0]]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Listening:
        """Create the layer from its configuration."""
        places = [Inner(tuple(path), call, port) for path, call, port in config["places"]]
        return cls(keras.saving.deserialize_keras_object(config["layer"]), places, name=config["name"])


@dataclass(slots=True)
class _Wants:
    """What is requested from one call or, at the top, from the model: outputs, states, and requests inside the call."""

    symbols: list[Symbol] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)
    within: dict[int, _Wants] = field(default_factory=dict)

    def add(self, target: Target) -> None:
        """Add a target at the end of its path."""
        here = self
        for call in target.path:
            here = here.within.setdefault(id(call.node), _Wants(call.outputs))
        if target.port not in here.ports:
            here.ports.append(target.port)


class Replay:
    """Traverses a model's graph once and finds a symbolic tensor for every target.

    Args:
        model: A model with a graph.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._twins: dict[int, Any] = {}
        self._names = {operation.name for operation in graph_of(model).operations}
        self.found: dict[tuple[int | Port, ...], Symbol] = {}

    def symbols(self, targets: list[Target]) -> list[Symbol]:
        """Return one symbolic tensor per target, all computed from `model.inputs`."""
        wants = _Wants()
        for target in targets:
            wants.add(target)
        graph = graph_of(self._model)
        self._walk(
            graph,
            {id(symbol): symbol for symbol in graph.inputs},
            wants,
            (),
            [],
        )
        return [self.found[target.key] for target in targets]

    def _walk(
        self,
        graph: Any,
        values: dict[int, Symbol],
        wants: _Wants,
        path: tuple[int, ...],
        outputs: Iterable[Symbol],
    ) -> None:
        """Find a value for every symbol of a graph that is needed.

        Args:
            graph: Functional graph.
            values: id of a symbol of the graph -> the symbol that replaces it; this method adds the missing ones.
            wants: What is requested from the graph.
            path: Nodes of the nested models that lead to the graph.
            outputs: Outputs of the graph that are also needed.
        """
        goals = [symbol for want in wants.within.values() for symbol in want.symbols] + list(outputs)
        for call in needed_for(calls_of(graph), goals):
            want = wants.within.get(id(call.node))
            if not call.is_input:
                inner = self._opens(call, want)
                used = inner and self._used(graph, call, wants, outputs)
                self._visit(
                    call,
                    want,
                    values,
                    path,
                    used,
                )
            for port in want.ports if want else ():
                if isinstance(port, int):
                    self.found[(*path, id(call.node), port)] = values[id(call.outputs[port])]

    @staticmethod
    def _opens(call: Call, want: _Wants | None) -> bool:
        """Return whether a call must be replaced by the calls inside it."""
        nested = graph_of(call.operation) is not None
        return bool(want and want.within) or (nested and not is_traceable(call.operation))

    def _used(
        self,
        graph: Any,
        call: Call,
        wants: _Wants,
        outputs: Iterable[Symbol],
    ) -> bool:
        """Return whether the outputs of a call are needed, and not only something inside it."""
        here = {id(symbol) for symbol in call.outputs}
        want = wants.within.get(id(call.node))
        if here & {id(symbol) for symbol in outputs} or (want and want.ports):
            return True
        others = [other for key, other in wants.within.items() if key != id(call.node)]
        goals = [symbol for other in others for symbol in other.symbols] + list(outputs)
        needed = needed_for(calls_of(graph), goals)
        return any(here & {id(symbol) for symbol in other.inputs} for other in needed)

    def _visit(
        self,
        call: Call,
        want: _Wants | None,
        values: dict[int, Symbol],
        path: tuple[int, ...],
        used: bool,
    ) -> None:
        if self._opens(call, want):
            self._enter(
                call,
                want or _Wants(),
                values,
                path,
                used,
            )
        elif want and not all(isinstance(port, int) for port in want.ports):
            self._around(call, want, values, path)
        elif is_traceable(call.operation) and all(values[id(symbol)] is symbol for symbol in call.inputs):
            values.update((id(symbol), symbol) for symbol in call.outputs)
        else:
            args, kwargs = call.arguments(values)
            self._bind(call, self._operation(call.operation)(*args, **kwargs), values)

    def _enter(
        self,
        call: Call,
        want: _Wants,
        values: dict[int, Symbol],
        path: tuple[int, ...],
        used: bool,
    ) -> None:
        """Replace the call of a nested model by the calls inside it."""
        graph = graph_of(call.operation)
        args, kwargs = call.arguments(values)
        given = keras.tree.flatten(args[0] if args else kwargs["inputs"])
        inner = {
            id(symbol): value if value.dtype == symbol.dtype else keras.ops.cast(value, symbol.dtype)
            for symbol, value in zip(graph.inputs, given, strict=True)
        }
        outputs = list(graph.outputs) if used else []
        self._walk(
            graph,
            inner,
            want,
            (*path, id(call.node)),
            outputs,
        )
        for outer, symbol in zip(call.outputs, outputs, strict=False):
            values[id(outer)] = inner[id(symbol)]

    def _around(
        self,
        call: Call,
        want: _Wants,
        values: dict[int, Symbol],
        path: tuple[int, ...],
    ) -> None:
        """Call a layer for its outputs and for its states or the outputs of layers inside it."""
        args, kwargs = call.arguments(values)
        count = len(call.outputs)
        for kind, what in ((States, str), (Listening, Inner)):
            ports = [port for port in want.ports if isinstance(port, what)]
            if ports:
                made = kind(call.operation, ports, name=self._name(call.operation))(*args, **kwargs)
                self._bind(call, made[:count], values)
                for port, symbol in zip(ports, made[count:], strict=True):
                    self.found[(*path, id(call.node), port)] = symbol

    def _operation(self, operation: Any) -> Any:
        """Return a twin of an operation with its own record of calls."""
        if id(operation) not in self._twins:
            changes = {"_inbound_nodes": [], "_outbound_nodes": [], "name": self._name(operation)}
            self._twins[id(operation)] = twin(operation, **changes)
        return self._twins[id(operation)]

    def _name(self, operation: Any) -> str:
        """Return a name that is unique in the new model and that TensorFlow can trace."""
        plain = re.sub(r"^[^A-Za-z0-9.]|[^A-Za-z0-9_.>-]", "_", operation.name).lstrip("_") or "layer"
        name = next(name for name in _numbered(plain) if name not in self._names)
        self._names.add(name)
        return name

    @staticmethod
    def _bind(call: Call, made: Any, values: dict[int, Symbol]) -> None:
        for symbol, value in zip(call.outputs, keras.tree.flatten(made), strict=True):
            values[id(symbol)] = value


def _numbered(name: str) -> Iterator[str]:
    """Yield a name, then the same name with 1, 2, … appended."""
    yield name
    yield from (f"{name}_{number}" for number in itertools.count(1))


def multi_output_model(model: Any, targets: list[Target]) -> keras.Model:
    """Return a functional model from the inputs of `model` to the targets, in their order, with no unneeded layers."""
    replay = Replay(model)
    graph = graph_of(model)
    records = {operation: len(operation._outbound_nodes) for operation in graph.operations}
    outputs = replay.symbols(targets)
    for operation, count in records.items():
        del operation._outbound_nodes[count:]
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", f"{model.name}_features")
    return keras.Model(inputs_of(model), outputs, name=name)
