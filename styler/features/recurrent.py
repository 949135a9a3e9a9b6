"""Provides the states of recurrent layers that were built without `return_state`.

A layer is run through a twin: a copy of the Python object that shares cell, weights and state variables but returns
more. The layer itself is not changed and not run a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from styler.types import Tensor

FORWARD = "forward."
BACKWARD = "backward."
SEQUENCE = "sequence"


def ports_of(layer: Any) -> tuple[str, ...]:
    """Return the names of the states and sequences that a layer can provide; empty for a layer without states.

    `sequence` is the hidden state at every time step. Keras keeps no sequence of cell states.
    """
    import keras

    if isinstance(layer, keras.layers.Bidirectional):
        sides = ((FORWARD, layer.forward_layer), (BACKWARD, layer.backward_layer))
        return tuple(side + port for side, inner in sides for port in ports_of(inner))
    if not isinstance(layer, keras.layers.RNN):
        return ()
    sequences = [f"{prefix}{SEQUENCE}" for prefix, _ in _stacked(layer.cell)]
    return (*_state_names(layer.cell, layer), *dict.fromkeys([*sequences, SEQUENCE]))


def _stacked(cell: Any) -> list[tuple[str, Any]]:
    """Return (prefix, cell) for each cell of a stack; a single cell has an empty prefix."""
    import keras

    if isinstance(cell, keras.layers.StackedRNNCells):
        return [(f"cell{index}.", inner) for index, inner in enumerate(cell.cells)]
    return [("", cell)]


def _state_names(cell: Any, layer: Any) -> list[str]:
    stack = _stacked(cell)
    return [prefix + name for prefix, inner in stack for name in _names_of_one(inner, layer)]


def _names_of_one(cell: Any, layer: Any) -> list[str]:
    """Return `state_h` and `state_c` for Keras's own cells, and `state_0`, `state_1`, ... for other cells."""
    import keras

    kinds = keras.layers
    sizes = cell.state_size if isinstance(cell.state_size, list | tuple) else [cell.state_size]
    convolutional = (kinds.ConvLSTM1D, kinds.ConvLSTM2D, kinds.ConvLSTM3D)
    if isinstance(cell, kinds.LSTMCell) or isinstance(layer, convolutional):
        return ["state_h", "state_c"]
    if isinstance(cell, kinds.GRUCell | kinds.SimpleRNNCell):
        return ["state_h"]
    inner = getattr(cell, "cell", None)  # a wrapper around one cell has the states of that cell
    if inner is not None and len(names := _names_of_one(inner, layer)) == len(sizes):
        return names
    return [f"state_{index}" for index in range(len(sizes))]


@dataclass(slots=True)
class _Run:
    """The results of one direction.

    Attributes:
        own: First output that the layer itself would have returned.
        found: Port -> tensor.
        states: Final states as a flat list, as with `return_state`.
    """

    own: Tensor
    found: dict[str, Tensor] = field(default_factory=dict)
    states: list[Tensor] = field(default_factory=list)


class StackRecorder:
    """A stack of cells that outputs the concatenated outputs of all cells, not only those of the last one."""

    def __init__(self, stack: Any) -> None:
        self._stack = stack
        self.cells = stack.cells
        self.state_size = stack.state_size
        self.sizes = [_output_size(cell) for cell in stack.cells]
        self.output_size = sum(self.sizes)
        self.compute_dtype = stack.compute_dtype

    def get_initial_state(self, batch_size: Any = None) -> Any:
        """Return the initial state of the stack."""
        return self._stack.get_initial_state(batch_size=batch_size)

    def __call__(
        self,
        inputs: Tensor,
        states: Any,
        **_: Any,
    ) -> tuple[Tensor, Any]:
        """Run one time step, without dropout."""
        import keras

        outputs = []
        new_states = []
        for cell, state in zip(self.cells, states, strict=True):
            nested = isinstance(state, list | tuple)
            inputs, new = cell(inputs, list(state) if nested else [state])
            new = list(new) if isinstance(new, list | tuple) else [new]
            outputs.append(inputs)
            new_states.append(new if nested else new[0])
        return keras.ops.concatenate(outputs, axis=-1), new_states


def _output_size(cell: Any) -> int:
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size[0] if isinstance(cell.state_size, list | tuple) else cell.state_size
    return int(size)


def twin(layer: Any, **changes: Any) -> Any:
    """Return a copy of a layer that shares everything with the original except the given attributes."""
    made = object.__new__(type(layer))  # bypasses Keras's tracking, which must not treat the twin as part of a model
    vars(made).update(vars(layer) | changes)
    return made


def _one_way(layer: Any, ports: Iterable[str]) -> tuple[Any, list[int]]:
    """Return the twin of an RNN that provides the given ports, and the widths of the parts of its output."""
    ports = set(ports)
    changes: dict[str, Any] = {"return_state": True}
    changes["return_sequences"] = layer.return_sequences or any(port.endswith(SEQUENCE) for port in ports)
    sizes: list[int] = []
    if any(port.endswith(f".{SEQUENCE}") for port in ports):
        recorder = StackRecorder(layer.cell)
        changes["cell"], sizes = recorder, recorder.sizes
    return twin(layer, **changes), sizes


def _read(
    layer: Any,
    one: Any,
    sizes: list[int],
    output: Tensor,
    states: list[Tensor],
    last: int,
) -> _Run:
    """Assign names to the results of a twin. `last` is the time index of the last step in `output`."""
    import keras

    parts = keras.ops.split(output, _bounds(sizes), axis=-1) if sizes else [output]
    own = parts[-1]
    found = dict(zip(_state_names(layer.cell, layer), states, strict=True))
    if one.return_sequences:
        prefixes = [prefix for prefix, _ in _stacked(layer.cell)] if sizes else []
        found |= {f"{prefix}{SEQUENCE}": part for prefix, part in zip(prefixes, parts, strict=False)}
        found[SEQUENCE] = own
        own = own if layer.return_sequences else own[:, last]
    return _Run(
        own=own,
        found=found,
        states=states,
    )


def _bounds(sizes: list[int]) -> list[int]:
    return [sum(sizes[: index + 1]) for index in range(len(sizes) - 1)]


def run_recurrent(
    layer: Any,
    ports: list[str],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> list[Tensor]:
    """Run an RNN or Bidirectional layer once and return its states too.

    Args:
        layer: The layer.
        ports: Requested states and sequences, names from `ports_of(layer)`.
        args: Positional arguments of the call.
        kwargs: Keyword arguments of the call: mask, initial_state.

    Returns:
        The layer's own outputs as a flat list, followed by one tensor per port.
    """
    import keras

    two_ways = isinstance(layer, keras.layers.Bidirectional)
    own, found = (_run_both if two_ways else _run_one)(layer, ports, args, kwargs)
    return [*keras.tree.flatten(own), *(found[port] for port in ports)]


def _run_one(
    layer: Any,
    ports: list[str],
    args: Any,
    kwargs: Any,
) -> tuple[Any, dict[str, Tensor]]:
    import keras

    one, sizes = _one_way(layer, ports)
    output, *states = one(*args, **kwargs)
    run = _read(
        layer,
        one,
        sizes,
        output,
        keras.tree.flatten(states),
        -1,
    )
    return ([run.own, *run.states] if layer.return_state else run.own), run.found


def _run_both(
    layer: Any,
    ports: list[str],
    args: Any,
    kwargs: Any,
) -> tuple[Any, dict[str, Tensor]]:
    import keras

    sides = ((FORWARD, layer.forward_layer), (BACKWARD, layer.backward_layer))
    twins = [_one_way(inner, _within(ports, side)) for side, inner in sides]
    sequences = any(one.return_sequences for one, _ in twins)
    for one, _ in twins:
        vars(one)["return_sequences"] = sequences
    both = twin(
        layer,
        forward_layer=twins[0][0],
        backward_layer=twins[1][0],
        merge_mode=None,
        return_state=True,
        return_sequences=sequences,
    )
    ahead, back, *states = both(*args, **kwargs)
    flat = keras.tree.flatten(states)
    half = len(_state_names(layer.forward_layer.cell, layer.forward_layer))
    runs = [
        _read(
            layer.forward_layer,
            *twins[0],
            ahead,
            flat[:half],
            -1,
        ),
        _read(
            layer.backward_layer,
            *twins[1],
            back,
            flat[half:],
            0,
        ),  # Keras has reversed it to input order
    ]
    mask = kwargs.get("mask")
    mask = _mask_of(args) if mask is None else mask
    found = dict(_named(sides, runs, mask))
    own = _merged(layer.merge_mode, runs[0].own, runs[1].own)
    return ([*own, *flat] if layer.return_state else own), found


def _within(ports: Iterable[str], side: str) -> list[str]:
    return [port.removeprefix(side) for port in ports if port.startswith(side)]


def _mask_of(args: tuple[Any, ...]) -> Tensor | None:
    """Return the mask that Keras has attached to the layer's input."""
    import keras

    return getattr(keras.tree.flatten(args)[0], "_keras_mask", None)


def _named(sides: Any, runs: list[_Run], mask: Tensor | None) -> Iterator[tuple[str, Tensor]]:
    """Yield (port with side, tensor). Masked steps are zero, as in a Keras Bidirectional that returns sequences."""
    import keras

    for (side, _), run in zip(sides, runs, strict=True):
        for port, tensor in run.found.items():
            if port.endswith(SEQUENCE) and mask is not None:
                tensor = tensor * keras.ops.cast(mask, tensor.dtype)[..., None]
            yield side + port, tensor


def _merged(mode: str | None, ahead: Tensor, back: Tensor) -> list[Tensor]:
    """Merge the two directions of a Bidirectional."""
    import keras

    if mode is None:
        return [ahead, back]
    merges = {
        "concat": lambda: keras.ops.concatenate([ahead, back], axis=-1),
        "sum": lambda: ahead + back,
        "ave": lambda: (ahead + back) / 2,
        "mul": lambda: ahead * back,
    }
    return [merges[mode]()]
