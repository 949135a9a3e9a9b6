"""Finds tensors of a low-level graph by their name, or by the name of the layer that they come from."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

from styler.errors import LayerError, suggestion
from styler.types import Tensor

PLUMBING = frozenset(["Const", "NoOp", "Placeholder", "ReadVariableOp", "VarHandleOp", "Assert"])
NUMBERED = re.compile(r"(?P<name>.+)_\d+")


def find_tensor(graph: Any, name: str) -> Tensor:
    """Return the tensor with a name.

    Keras and TensorFlow put the operations of a layer into a scope with the layer's name, sometimes with a number
    appended, and inside other scopes. `backbone/conv` selects the tensor that leaves such a scope; `conv/Relu` selects
    one operation inside it.

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
        message = f"unknown tensor {name!r}. {_nearest(operation, list(operations.values()))}"
        raise LayerError(message)
    if len(found) > 1:
        several = ", ".join(map(repr, found[:4])) + (", …" if len(found) > 4 else "")
        message = f"tensor {name!r} could be {several}; give the whole name"
        raise LayerError(message)
    return _output(operations[found[0]], name, port)


def _output(operation: Any, name: str, port: str) -> Tensor:
    count = len(operation.outputs)
    if not count:
        message = f"{name!r} is an operation without outputs; use one of its inputs"
        raise LayerError(message)
    if port and not (port.isdigit() and int(port) < count):
        outputs = f"{count} output{'s' * (count > 1)}, the last is :{count - 1}"
        message = f"unknown tensor {name!r}: {operation.name!r} has {outputs}"
        raise LayerError(message)
    return operation.outputs[int(port or 0)]


def _by_scope(operations: dict[str, Any], asked: str) -> list[str]:
    """Return the operations that match a name without its outer scopes, one for each scope that matches."""
    parts = asked.split("/")
    scopes: dict[str, list[str]] = {}
    for name, operation in operations.items():
        if operation.outputs and not name.startswith("Func/"):
            for place in _places(name.split("/"), parts):
                scopes.setdefault("/".join(name.split("/")[:place]), []).append(name)
    exact = [scope for scope in scopes if scope.split("/")[-len(parts) :] == parts]
    if exact and not any(NUMBERED.fullmatch(part) for part in parts):
        scopes = {scope: scopes[scope] for scope in exact}
    outer = [scope for scope in scopes if not any(scope.startswith(f"{other}/") for other in scopes)]
    return list(dict.fromkeys(name for scope in outer for name in _leaving(operations, scope, scopes[scope])))


def _places(path: list[str], parts: list[str]) -> Iterable[int]:
    """Yield the end of each section of a path that matches the parts, ignoring appended numbers."""
    for end in range(len(parts), len(path) + 1):
        steps = path[end - len(parts) : end]
        if all(step == part or _unnumbered(step) == part for step, part in zip(steps, parts, strict=True)):
            yield end


def _unnumbered(step: str) -> str:
    found = NUMBERED.fullmatch(step)
    return found["name"] if found else step


def _leaving(operations: dict[str, Any], scope: str, names: list[str]) -> list[str]:
    """Return the last operation of a scope whose output is used outside the scope, or else the last one."""
    if names == [scope]:
        return names
    within = set(names)
    computed = [name for name in names if _computes(operations[name])]
    used = [
        name
        for name in computed
        if any(user.name not in within for output in operations[name].outputs for user in output.consumers())
    ]
    return used[-1:] or computed[-1:]


def _computes(operation: Any) -> bool:
    """Return whether an operation does more than store or read a weight or a shape."""
    reads = operation.type == "Identity" and operation.name.endswith("/ReadVariableOp")
    shapes = operation.type in ("Shape", "StridedSlice", "Pack", "Prod")
    return operation.type not in PLUMBING and not reads and not shapes


def _nearest(asked: str, operations: list[Any]) -> str:
    """Return a suggestion for a wrong name: the name of an operation, or of a scope without its outer scopes."""
    computing = [each.name for each in operations if each.outputs and _computes(each)]
    telling = [name for name in computing if not name.startswith("Func/") and not name.endswith("/Identity")]
    names = telling or computing or [each.name for each in operations]
    width = asked.count("/") + 1
    windows: dict[str, None] = {}
    for path in (name.split("/") for name in names):
        for end in range(width, len(path) + 1):
            steps = path[end - width : end]
            windows["/".join(map(_unnumbered, steps))] = windows["/".join(steps)] = None
    for known in (names, windows):
        found = difflib.get_close_matches(asked, known, n=1)
        if found:
            return f"Did you mean {found[0]!r}?"
    layers = dict.fromkeys(_unnumbered(path[-2]) if len(path := name.split("/")) > 1 else name for name in names)
    return suggestion("", layers)
