"""Records the outputs of layers inside other layers while the outer layer runs.

Keras keeps no graph of the calls inside a `TimeDistributed`, a `Bidirectional`, a transformer block or a subclassed
model. The outer layer runs once, as usual, while the outputs of its inner layers are recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from threading import RLock
from typing import Any

from styler.networks.calls import Call, sublayers
from styler.types import Tensor

METHODS = ("call", "quantized_call")
_LISTENING = RLock()  # only one thread at a time may record a layer


@dataclass(frozen=True, slots=True)
class Inner:
    """An output of a layer inside another layer.

    Attributes:
        path: Names of the layers from the outer one inward, without the outer one.
        call: Number of the call of the inner layer during one run, from 0.
        port: Number of the output, from 0.
    """

    path: tuple[str, ...]
    call: int = 0
    port: int = 0


def inner_layers(layer: Any) -> list[tuple[tuple[str, ...], Any]]:
    """Return (path of names, layer) for every layer inside a layer, outer layers before inner ones."""
    found: list[tuple[tuple[str, ...], Any]] = []
    for inner in sublayers(layer):
        found.append(((inner.name,), inner))
        found += [((inner.name, *path), deeper) for path, deeper in inner_layers(inner)]
    return found


def inner_calls(call: Call) -> dict[tuple[str, ...], list[int]]:
    """Find the calls inside a layer by running the layer on symbols.

    Args:
        call: A call of the layer.

    Returns:
        Path -> number of outputs of each call. A layer that runs in a TensorFlow loop, such as the cell of an RNN, is
        not included, because there is no single tensor with its output.
    """
    import keras

    layer = call.operation
    counts = {}
    everything = inner_layers(layer)

    class Probe(keras.Operation):  # type: ignore[misc]
        def call(self, *args: Any, **kwargs: Any) -> Any:
            own, heard = _heard(layer, [inner for _, inner in everything], args, kwargs)
            counts.update({path: [len(outputs) for outputs in heard[id(inner)]] for path, inner in everything})
            return own

    arguments = call.node.arguments
    Probe().compute_output_spec(*arguments.args, **arguments.kwargs)
    return {path: each for path, each in counts.items() if each}


@dataclass(frozen=True, slots=True)
class Frames:
    """Converts between clips (B, T, …) and one batch of frames (B * T, …).

    Attributes:
        batch: B.
        steps: T.
    """

    batch: Any
    steps: Any

    def merged(self, tensor: Tensor) -> Tensor:
        """Convert (B, T, …) to (B * T, …)."""
        import keras

        known = isinstance(self.batch, int) and isinstance(self.steps, int)
        sides = keras.ops.shape(tensor)[2:]
        return keras.ops.reshape(tensor, (self.batch * self.steps if known else -1, *sides))

    def parted(self, tensor: Tensor) -> Tensor:
        """Convert (B * T, …) to (B, T, …)."""
        import keras

        return keras.ops.reshape(tensor, (self.batch, self.steps, *keras.ops.shape(tensor)[1:]))


@contextmanager
def listening(layers: Iterable[Any], frames: Frames | None = None) -> Iterator[dict[int, list[list[Tensor]]]]:
    """Record the outputs of layers while a block of code calls them.

    Args:
        layers: The layers.
        frames: Converts their outputs to clips; None keeps them as they are.

    Yields:
        `id` of a layer -> the flat outputs of each of its calls.
    """
    import tensorflow as tf

    where = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    heard: dict[int, list[list[Tensor]]] = {id(layer): [] for layer in layers}
    with _LISTENING, ExitStack() as undone:
        for layer in {id(layer): layer for layer in layers}.values():
            for method in METHODS:
                if hasattr(layer, method):
                    noted = _noted(getattr(layer, method), heard[id(layer)], where, frames)
                    undone.enter_context(_replaced(layer, method, noted))
        yield heard


def _noted(
    method: Any,
    notes: list[list[Tensor]],
    where: Any,
    frames: Frames | None,
) -> Any:
    """Wrap a method so that its outputs are recorded.

    The wrapped method returns values computed from the recorded ones, so that gradients pass through those.
    """
    import keras
    import tensorflow as tf

    @wraps(method)
    def noted(*args: Any, **kwargs: Any) -> Any:
        outputs = method(*args, **kwargs)
        if where is not None and tf.compat.v1.get_default_graph() is not where:
            return outputs
        parted = outputs if frames is None else keras.tree.map_structure(frames.parted, outputs)
        notes.append(keras.tree.flatten(parted))
        return outputs if frames is None else keras.tree.map_structure(frames.merged, parted)

    return noted


@contextmanager
def _replaced(layer: Any, method: str, other: Any) -> Iterator[None]:
    before = vars(layer).get(method)
    vars(layer)[method] = other  # bypasses Keras's tracking, which would treat it as part of the layer
    try:
        yield
    finally:
        if before is None:
            del vars(layer)[method]
        else:
            vars(layer)[method] = before


def run_listened(
    layer: Any,
    places: list[Inner],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> list[Tensor]:
    """Run a layer once and also return outputs of layers inside it.

    Args:
        layer: The layer.
        places: The requested inner outputs.
        args: Positional arguments of the call.
        kwargs: Keyword arguments of the call.

    Returns:
        The layer's own outputs as a flat list, followed by one tensor per inner output. Inside a `TimeDistributed`,
        they keep the time axis: (B, T, …).
    """
    import keras

    found = dict(reversed(inner_layers(layer)))
    own, heard = _heard(layer, [found[place.path] for place in places], args, kwargs)
    inside = [heard[id(found[place.path])][place.call][place.port] for place in places]
    return [*keras.tree.flatten(own), *inside]


def _heard(
    layer: Any,
    inner: list[Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[Any, dict[int, list[list[Tensor]]]]:
    """Return the outputs of a layer, and those of layers inside it."""
    import keras

    if isinstance(layer, keras.layers.TimeDistributed):
        return _every_frame(layer, inner, args, kwargs)
    with listening(inner) as heard:
        return layer(*args, **kwargs), heard


def _every_frame(
    layer: Any,
    inner: list[Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[Any, dict[int, list[list[Tensor]]]]:
    """Run a `TimeDistributed` on all frames as one batch, not one after another."""
    import keras

    inputs = args[0] if args else kwargs["inputs"]
    mask = kwargs.get("mask")
    mask = getattr(inputs, "_keras_mask", None) if mask is None else mask
    frames = Frames(*keras.ops.shape(inputs)[:2])
    extra = {} if mask is None or not layer.layer._call_has_mask_arg else {"mask": frames.merged(mask)}
    with listening(inner, frames) as heard:
        made = layer.layer(frames.merged(inputs), **extra)
    # With a mask, the layer also runs by itself, because only it knows what to do with masked frames.
    own = layer(*args, **kwargs) if mask is not None else keras.tree.map_structure(frames.parted, made)
    return own, heard
