"""From addresses to places in a Keras model's graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from styler.errors import LayerError, suggestion
from styler.features.address import Address, Segment, parse_address, quoted
from styler.features.recurrent import ports_of
from styler.networks.calls import Call, calls_by_operation, graph_of

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One tensor of a model.

    Attributes:
        address: What the user calls it.
        path: The call of each nested model on the way, and last the layer's.
        port: Output number, or name of a recurrent state.
    """

    address: str
    path: tuple[Call, ...]
    port: int | str

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for two addresses of one tensor."""
        return (*(id(call.node) for call in self.path), self.port)


@dataclass(frozen=True, slots=True)
class _Step:
    """A call with the text that leads to it."""

    text: str
    call: Call


def resolve(model: keras.Model, addresses: Iterable[str]) -> list[Target]:
    """Every tensor that the addresses name, in their order, patterns spread out in model order.

    Raises:
        LayerError: No address, one tensor twice, or an address that leads nowhere or to several places.
    """
    targets = [target for text in addresses for target in _targets(model, parse_address(text))]
    if not targets:
        message = f"no layers asked for. {suggestion('', _names(graph_of(model)))}"
        raise LayerError(message)
    seen: dict[tuple[Any, ...], str] = {}
    for target in targets:
        if target.key in seen:
            message = f"layer {target.address!r} is asked for twice, first as {seen[target.key]!r}; name it once"
            raise LayerError(message)
        seen[target.key] = target.address
    return targets


def _targets(model: keras.Model, address: Address) -> list[Target]:
    found = [
        Target(address=text, path=path, port=port)
        for steps in _paths(model, address, address.segments)
        for text, path, port in _ports(steps, address)
    ]
    if not found:
        message = f"no layer of {model.name} matches {address.text!r}. {suggestion('', _names(graph_of(model)))}"
        raise LayerError(message)
    return found


def _paths(model: Any, address: Address, segments: tuple[Segment, ...]) -> Iterator[tuple[_Step, ...]]:
    """Every way through nested models that fits the segments."""
    head, rest = segments[0], segments[1:]
    for step in _steps(model, address, head):
        if not rest:
            yield (step,)
        elif graph_of(step.call.operation) is not None:
            yield from ((step, *more) for more in _paths(step.call.operation, address, rest))
        elif not head.is_pattern:
            raise _opaque(step.call.operation, address)


def _opaque(layer: Any, address: Address) -> LayerError:
    return LayerError(
        f"{address.text!r}: {layer.name!r} is a {type(layer).__name__} without a graph of layers, so nothing inside it "
        f"has an address; ask for {quoted(layer.name)!r} itself"
    )


def _steps(model: Any, address: Address, segment: Segment) -> list[_Step]:
    graph = graph_of(model)
    calls = calls_by_operation(graph)
    operations = _chosen(model, calls, segment)
    if not operations and not segment.is_pattern:
        message = f"unknown layer {segment.name!r} of {model.name}. {suggestion(segment.name, _names(graph))}"
        raise LayerError(message)
    return [step for operation in operations for step in _calls(calls[operation], address, segment)]


def _chosen(model: Any, calls: dict[Any, list[Call]], segment: Segment) -> list[Any]:
    if segment.index is not None:
        try:
            return [model.layers[segment.index]]
        except IndexError:
            message = f"no layer #{segment.index} of {model.name}: it has {len(model.layers)} layers"
            raise LayerError(message) from None
    named = [operation for operation in calls if segment.matches(operation.name)]
    if segment.is_pattern:
        return [operation for operation in named if hasattr(operation, "weights") and not calls[operation][0].is_input]
    return named


def _calls(calls: list[Call], address: Address, segment: Segment) -> list[_Step]:
    name = quoted(calls[0].operation.name) if segment.is_pattern else _as_written(segment)
    if segment.call is not None:
        if segment.call >= len(calls):
            message = (
                f"{address.text!r}: {name!r} is called {len(calls)} times; the last call is {name}@{len(calls) - 1}"
            )
            raise LayerError(message)
        return [_Step(f"{name}@{segment.call}", calls[segment.call])]
    if len(calls) == 1:
        return [_Step(name, calls[0])]
    if segment.is_pattern:
        return [_Step(f"{name}@{index}", call) for index, call in enumerate(calls)]
    message = f"{address.text!r}: {name!r} is called {len(calls)} times; say which, {name}@0 to {name}@{len(calls) - 1}"
    raise LayerError(message)


def _as_written(segment: Segment) -> str:
    return f"#{segment.index}" if segment.index is not None else quoted(segment.name)


def _ports(steps: tuple[_Step, ...], address: Address) -> list[tuple[str, tuple[Call, ...], int | str]]:
    """Text, path and port for each output that the address means."""
    path, text = tuple(step.call for step in steps), "/".join(step.text for step in steps)
    count, port = len(path[-1].outputs), address.port
    if not address.is_pattern:
        text = address.text.rpartition(":")[0] if port is not None else address.text
    if address.is_pattern and port is not None and not _has(path[-1], port):
        return []
    if isinstance(port, str):
        _check_state(path[-1].operation, port, address)
    elif port is not None and port >= count:
        message = f"{address.text!r}: {text!r} has {count} output{'s' * (count > 1)}, the last is {text}:{count - 1}"
        raise LayerError(message)
    elif port is None and count > 1:
        if not address.is_pattern:
            message = f"{address.text!r} has {count} outputs; say which, {text}:0 to {text}:{count - 1}"
            raise LayerError(message)
        return [(f"{text}:{index}", path, index) for index in range(count)]
    return [(text if port is None else f"{text}:{port}", path, port or 0)]


def _has(call: Call, port: int | str) -> bool:
    return port < len(call.outputs) if isinstance(port, int) else port in ports_of(call.operation)


def _check_state(layer: Any, port: str, address: Address) -> None:
    known = ports_of(layer)
    if port in known:
        return
    if not known:
        message = f"{address.text!r}: {layer.name!r} is a {type(layer).__name__}, not a recurrent layer with states"
        raise LayerError(message)
    message = (
        f"{address.text!r}: {type(layer).__name__} {layer.name!r} cannot give {port!r}; it gives {', '.join(known)}"
    )
    raise LayerError(message)


def _names(graph: Any) -> list[str]:
    return [quoted(layer.name) for layer in graph.layers]
