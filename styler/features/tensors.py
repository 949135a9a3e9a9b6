"""Finds tensors of a low-level graph by their name, or by the name of the layer that they come from."""

from __future__ import annotations

import difflib
import re
from typing import Any

from styler.errors import LayerError, suggestion
from styler.types import Tensor

# Types of operations that store or read a value, and of those that compute a shape
PLUMBING = frozenset(["Const", "NoOp", "Placeholder", "ReadVariableOp", "VarHandleOp", "Assert"])
SHAPES = frozenset(["Shape", "StridedSlice", "Pack", "Prod"])

INLINED = "Func/"  # start of the names of operations that TensorFlow adds around an inlined function
NUMBERED = re.compile(r"(?P<name>.+)_\d+")
SHOWN = 4  # names that a message lists


def find_tensor(graph: Any, name: str) -> Tensor:
    """Return the tensor with a name.

    Keras and TensorFlow put the operations of a layer into a scope that has the layer's name. They may append a number
    to this name, and the scope may lie inside other scopes. `backbone/conv` selects the tensor that leaves such a
    scope; `conv/Relu` selects one operation inside it.

    Args:
        graph: A `tf.Graph`.
        name: Name of an operation, with or without `:0`; the end of such a name; or the name of a layer.

    Raises:
        LayerError: No tensor, or more than one, matches the name.
    """
    operation, _, port = name.partition(":")
    operations = {each.name: each for each in graph.get_operations()}
    if operation in operations:
        return _output(operations[operation], name, port)
    found = _by_scope(operations, operation)
    if not found:
        hint = _nearest(operation, list(operations.values()))
        message = f"unknown tensor {name!r}. {hint}"
        raise LayerError(message)
    if len(found) > 1:
        shown = ", ".join(map(repr, found[:SHOWN]))
        more = ", …" if len(found) > SHOWN else ""
        message = f"tensor {name!r} could be {shown}{more}; give the whole name"
        raise LayerError(message)
    return _output(operations[found[0]], name, port)


def _output(
    operation: Any,
    name: str,
    port: str,
) -> Tensor:
    """Return the output of an operation with the number `port`; the first one if `port` is empty."""
    count = len(operation.outputs)
    if not count:
        message = f"{name!r} is an operation without outputs; use one of its inputs"
        raise LayerError(message)
    number = int(port) if port.isdigit() else 0
    is_number = port.isdigit() or not port
    if not is_number or number >= count:
        outputs = "1 output" if count == 1 else f"{count} outputs"
        message = f"unknown tensor {name!r}: {operation.name!r} has {outputs}, the last is :{count - 1}"
        raise LayerError(message)
    return operation.outputs[number]


def _by_scope(operations: dict[str, Any], asked: str) -> list[str]:
    """Return the operations whose name, without its outer scopes, is `asked`; for a scope, the one that leaves it."""
    parts = asked.split("/")
    scopes = _matching_scopes(operations, parts)
    exact = {}
    for scope, names in scopes.items():
        if f"/{scope}".endswith(f"/{asked}"):
            exact[scope] = names
    is_numbered = any(NUMBERED.fullmatch(part) for part in parts)
    if exact and not is_numbered:
        scopes = exact
    found: dict[str, None] = {}  # a set that keeps its order
    for scope, names in scopes.items():
        is_inner = any(scope.startswith(f"{other}/") for other in scopes)
        if not is_inner:
            leaving = _leaving(operations, scope, names)
            found.update(dict.fromkeys(leaving))
    return list(found)


def _matching_scopes(operations: dict[str, Any], parts: list[str]) -> dict[str, list[str]]:
    """Return the scopes whose path ends with `parts`, each with the names of the operations in it.

    Numbers that are appended to the steps of a path are ignored. An operation is in the scope of its own name too.
    """
    length = len(parts)
    scopes: dict[str, list[str]] = {}
    for name, operation in operations.items():
        if not operation.outputs or name.startswith(INLINED):
            continue
        path = name.split("/")
        for end in range(length, len(path) + 1):
            section = path[end - length : end]
            if all(map(_matches, section, parts)):
                scope = "/".join(path[:end])
                scopes.setdefault(scope, []).append(name)
    return scopes


def _matches(step: str, part: str) -> bool:
    return step == part or _unnumbered(step) == part


def _unnumbered(step: str) -> str:
    found = NUMBERED.fullmatch(step)
    return found["name"] if found else step


def _leaving(
    operations: dict[str, Any],
    scope: str,
    names: list[str],
) -> list[str]:
    """Return the last operation of a scope whose output is used outside the scope, or else the last one."""
    if names == [scope]:
        return names
    within = set(names)
    computed = [name for name in names if _computes(operations[name])]
    used_outside = []
    for name in computed:
        outputs = operations[name].outputs
        users = {user.name for output in outputs for user in output.consumers()}
        if users - within:
            used_outside.append(name)
    return used_outside[-1:] or computed[-1:]


def _computes(operation: Any) -> bool:
    """Return whether an operation does more than store or read a weight or a shape."""
    reads_weight = operation.type == "Identity" and operation.name.endswith("/ReadVariableOp")
    is_plumbing = operation.type in PLUMBING or operation.type in SHAPES
    return not is_plumbing and not reads_weight


def _nearest(asked: str, operations: list[Any]) -> str:
    """Return a suggestion for a wrong name: the name of an operation, or of a scope without its outer scopes."""
    everything = [each.name for each in operations]
    computing = [each.name for each in operations if each.outputs and _computes(each)]
    telling = [name for name in computing if not name.startswith(INLINED) and not name.endswith("/Identity")]
    names = telling or computing or everything
    sections = _sections(names, asked.count("/") + 1)
    for known in (names, sections):
        found = difflib.get_close_matches(asked, known, n=1)
        if found:
            return f"Did you mean {found[0]!r}?"
    layers: dict[str, None] = {}  # a set that keeps its order
    for name in names:
        path = name.split("/")
        layer = _unnumbered(path[-2]) if len(path) > 1 else name
        layers[layer] = None
    return suggestion("", layers)


def _sections(names: list[str], length: int) -> list[str]:
    """Return all sections of paths that have `length` steps, without and with appended numbers, each once."""
    sections: dict[str, None] = {}
    for name in names:
        path = name.split("/")
        for end in range(length, len(path) + 1):
            steps = path[end - length : end]
            unnumbered = map(_unnumbered, steps)
            sections["/".join(unnumbered)] = None
            sections["/".join(steps)] = None
    return list(sections)
