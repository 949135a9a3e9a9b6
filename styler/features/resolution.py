"""Finds the tensors in a Keras model's graph that addresses refer to."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from styler.errors import LayerError, suggestion
from styler.features.address import Address, Segment, parse_address
from styler.features.recurrent import ports_of
from styler.features.taps import Inner, inner_calls, inner_layers
from styler.networks.calls import Call, calls_by_operation, graph_of
from styler.networks.names import quoted

if TYPE_CHECKING:
    import keras


Port: TypeAlias = int | str | Inner
"""Number of an output, name of a recurrent state, or an output inside the layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One tensor of a model.

    Attributes:
        address: Its address.
        path: The call of each nested model on the way, followed by the call of the layer.
        port: The output or state of that layer.
    """

    address: str
    path: tuple[Call, ...]
    port: Port

    @property
    def key(self) -> tuple[Any, ...]:
        """A key that is equal for two addresses of the same tensor."""
        return (*(id(call.node) for call in self.path), self.port)


@dataclass(frozen=True, slots=True)
class _Step:
    """A call, with its part of the address.

    Attributes:
        text: Part of the address.
        call: Call of a layer in a graph.
        inner: A layer inside that layer, with the port not yet set, and the number of its outputs.
    """

    text: str
    call: Call
    inner: tuple[Inner, int] | None = None


def resolve(model: keras.Model, addresses: Iterable[str], within: str = "") -> list[Target]:
    """Return the tensors that the addresses refer to, in order; those that match a pattern are in model order.

    Args:
        model: A model with a graph.
        addresses: Addresses.
        within: Layer of the model at which all addresses start; empty for the model itself.

    Raises:
        LayerError: There are no addresses, a tensor is given twice, or an address is unknown or ambiguous.
    """
    prefix = f"{quoted(within)}/" if within else ""
    found = [target for text in addresses for target in _targets(model, parse_address(prefix + text))]
    targets = [replace(target, address=target.address.removeprefix(prefix)) for target in found]
    if not targets:
        message = f"expected at least one layer, got none. {suggestion('', _names(graph_of(model)))}"
        raise LayerError(message)
    seen: dict[tuple[Any, ...], str] = {}
    for target in targets:
        if target.key in seen:
            message = f"layer {target.address!r} is given twice, first as {seen[target.key]!r}; name it once"
            raise LayerError(message)
        seen[target.key] = target.address
    return targets


def _targets(model: keras.Model, address: Address) -> list[Target]:
    found = [
        Target(
            address=text,
            path=path,
            port=port,
        )
        for steps in _paths(model, address, address.segments)
        for text, path, port in _ports(steps, address)
    ]
    if not found:
        message = f"no layer of {model.name} matches {address.text!r}. {suggestion('', _names(graph_of(model)))}"
        raise LayerError(message)
    return found


def _paths(model: Any, address: Address, segments: tuple[Segment, ...]) -> Iterator[tuple[_Step, ...]]:
    """Yield every path through nested models and into other layers that matches the segments."""
    head = segments[0]
    rest = segments[1:]
    for step in _steps(model, address, segments):
        if not rest:
            yield (step,)
        elif graph_of(step.call.operation) is not None:
            yield from ((step, *more) for more in _paths(step.call.operation, address, rest))
        else:
            yield from ((step,) for step in _inside(step, address, rest, quiet=head.is_pattern))


def _inside(
    step: _Step,
    address: Address,
    segments: tuple[Segment, ...],
    *,
    quiet: bool,
) -> Iterator[_Step]:
    """Yield the matching layers inside a layer without a Keras graph. With `quiet`, there may be none."""
    layer = step.call.operation
    paths = [path for path, _ in inner_layers(layer)]
    fitting = [path for path in dict.fromkeys(paths) if _leads(path, segments)]
    fitting = [path for path in fitting if len(path) == len(segments)] or fitting
    pattern = quiet or any(segment.is_pattern for segment in segments)
    if not fitting and not pattern:
        raise _nothing_inside(layer, address, [_joined(step.text, path) for path in paths])
    if not pattern and (len(fitting) > 1 or paths.count(fitting[0]) > 1):
        places = " or ".join(repr(_joined(step.text, path)) for path in fitting)
        message = f"{address.text!r} could be {places}; give the whole path, or rename one of the layers"
        raise LayerError(message)
    calls = _calls_inside(step.call, address) if fitting else {}
    for path in fitting:
        counts = calls.get(path, [])
        if not counts and not pattern:
            raise _hidden_inside(layer, path, address)
        chosen = _chosen_calls(
            len(counts),
            segments[-1],
            address,
            _joined(step.text, path),
            pattern=pattern,
        )
        for index in chosen:
            text = _joined(step.text, path) + (f"@{index}" if len(counts) > 1 else "")
            yield _Step(text, step.call, (Inner(path, index), counts[index]))


def _joined(text: str, path: tuple[str, ...]) -> str:
    return "/".join([text, *map(quoted, path)])


def _leads(path: tuple[str, ...], segments: tuple[Segment, ...]) -> bool:
    """Return whether segments match a path. Names before a plain name may be omitted."""
    if not segments:
        return not path
    if not path:
        return False
    head = segments[0]
    rest = segments[1:]
    if head.index is None and head.matches(path[0]) and _leads(path[1:], rest):
        return True
    return not head.is_pattern and _leads(path[1:], segments)


def _calls_inside(call: Call, address: Address) -> dict[tuple[str, ...], list[int]]:
    try:
        return inner_calls(call)
    except Exception as cause:  # the layer's own code may raise any class of error on symbols
        reason = next(iter(str(cause).splitlines()), type(cause).__name__)
        message = f"{address.text!r}: cannot find layers inside {call.operation.name!r}: {reason}; use it as a whole"
        raise LayerError(message) from cause


def _chosen_calls(
    count: int,
    segment: Segment,
    address: Address,
    text: str,
    *,
    pattern: bool,
) -> list[int]:
    """Return the numbers of the matching calls of a layer inside another."""
    if segment.call is not None:
        if segment.call < count:
            return [segment.call]
        message = f"{address.text!r}: {text!r} is called {count} times; the last call is {text}@{count - 1}"
    elif count == 1 or pattern:
        return list(range(count))
    else:
        message = f"{address.text!r}: {text!r} is called {count} times; choose one of {text}@0 to {text}@{count - 1}"
    raise LayerError(message)


def _nothing_inside(layer: Any, address: Address, known: list[str]) -> LayerError:
    what = f"{address.text!r}: {layer.name!r} is a {type(layer).__name__}"
    if known:
        name = address.segments[-1].name
        return LayerError(f"{what} without such a layer inside. {_closest(name, known, known)}")
    return LayerError(f"{what} without layers inside that have addresses; {_instead(layer)}")


def _hidden_inside(layer: Any, path: tuple[str, ...], address: Address) -> LayerError:
    return LayerError(
        f"{address.text!r}: {path[-1]!r} runs in a loop inside {type(layer).__name__} {layer.name!r}, or not at all, "
        f"so there is no single tensor with its output; {_instead(layer)}"
    )


def _instead(layer: Any) -> str:
    known = [f"{quoted(layer.name)}:{port}" for port in ports_of(layer)]
    return f"use {', '.join(known)}" if known else f"use {quoted(layer.name)!r} itself"


def _steps(model: Any, address: Address, segments: tuple[Segment, ...]) -> list[_Step]:
    segment = segments[0]
    graph = graph_of(model)
    calls = calls_by_operation(graph)
    operations = _chosen(model, calls, segment)
    if not operations and not segment.is_pattern:
        way = "/".join(map(_as_written, address.segments[: len(address.segments) - len(segments)]))
        message = f"unknown layer {segment.name!r} of {model.name}. {_nearest(segment.name, graph, way)}"
        raise LayerError(message)
    return [step for operation in operations for step in _calls(calls[operation], address, segment)]


def _nearest(name: str, graph: Any, way: str) -> str:
    """Return a suggestion for a wrong name: an address in the model itself, or deeper."""
    prefix = f"{way}/" if way else ""
    own = [prefix + known for known in _names(graph)]
    return _closest(name, [*own, *_nested_names(graph, prefix)], own)


def _closest(name: str, addresses: list[str], listed: list[str]) -> str:
    """Suggest the addresses whose last name is, or is similar to, the given one; otherwise the first of `listed`."""
    by_name: dict[str, list[str]] = {}
    for address in addresses:
        by_name.setdefault(address.rpartition("/")[2], []).append(address)
    found = [quoted(name)] if quoted(name) in by_name else difflib.get_close_matches(name, by_name, n=1)
    if found:
        return f"Did you mean {' or '.join(map(repr, by_name[found[0]][:3]))}?"
    return suggestion("", listed)


def _nested_names(graph: Any, prefix: str) -> list[str]:
    """Return the addresses of the layers inside a graph's layers."""
    return [_joined(prefix + quoted(layer.name), path) for layer in graph.layers for path, _ in inner_layers(layer)]


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
    last = len(calls) - 1
    message = f"{address.text!r}: {name!r} is called {len(calls)} times; choose one of {name}@0 to {name}@{last}"
    raise LayerError(message)


def _as_written(segment: Segment) -> str:
    return f"#{segment.index}" if segment.index is not None else quoted(segment.name)


def _ports(steps: tuple[_Step, ...], address: Address) -> list[tuple[str, tuple[Call, ...], Port]]:
    """Return (text, path, port) for each output that an address refers to."""
    path = tuple(step.call for step in steps)
    text = "/".join(step.text for step in steps)
    inner, count = steps[-1].inner or (None, len(path[-1].outputs))
    port = address.port
    if not address.is_pattern:
        text = address.text.rpartition(":")[0] if port is not None else address.text
    if address.is_pattern and port is not None and not _has(path[-1], port, count, inner):
        return []
    if isinstance(port, str) and inner is not None:
        message = (
            f"{address.text!r}: states of a layer inside {path[-1].operation.name!r} are not available; use {text!r}"
        )
        raise LayerError(message)
    if isinstance(port, str):
        _check_state(path[-1].operation, port, address)
    elif port is not None and port >= count:
        message = f"{address.text!r}: {text!r} has {count} output{'s' * (count > 1)}, the last is {text}:{count - 1}"
        raise LayerError(message)
    elif port is None and count > 1:
        if not address.is_pattern:
            message = f"{address.text!r} has {count} outputs; choose one of {text}:0 to {text}:{count - 1}"
            raise LayerError(message)
        return [(f"{text}:{index}", path, _placed(inner, index)) for index in range(count)]
    return [(text if port is None else f"{text}:{port}", path, _placed(inner, port or 0))]


def _placed(inner: Inner | None, port: int | str) -> Port:
    return port if inner is None or isinstance(port, str) else replace(inner, port=port)


def _has(
    call: Call,
    port: int | str,
    count: int,
    inner: Inner | None,
) -> bool:
    return port < count if isinstance(port, int) else inner is None and port in ports_of(call.operation)


def _check_state(layer: Any, port: str, address: Address) -> None:
    known = ports_of(layer)
    if port in known:
        return
    if not known:
        message = f"{address.text!r}: {layer.name!r} is a {type(layer).__name__}, not a recurrent layer with states"
        raise LayerError(message)
    message = f"{address.text!r}: {type(layer).__name__} {layer.name!r} has no {port!r}, only {', '.join(known)}"
    raise LayerError(message)


def _names(graph: Any) -> list[str]:
    return [quoted(layer.name) for layer in graph.layers]
