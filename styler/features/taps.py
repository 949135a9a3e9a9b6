"""Layers inside of layers: what they give while the layer around them runs.

Keras keeps no graph of the calls that a `TimeDistributed`, a `Bidirectional`, a transformer block or a subclassed model
makes within itself. Their inner layers are listened to while the outer one runs, which it does once, as it always does.
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
_LISTENING = RLock()  # a layer is listened to by one thread at a time


@dataclass(frozen=True, slots=True)
class Inner:
    """One output of a layer inside of another.

    Attributes:
        path: Names of the layers from the outer one inward, the outer one left out.
        call: Which of its calls during one run, from 0.
        port: Which output.
    """

    path: tuple[str, ...]
    call: int = 0
    port: int = 0


def inner_layers(layer: Any) -> list[tuple[tuple[str, ...], Any]]:
    """Every layer inside of a layer with the names that lead to it, outer before inner."""
    found: list[tuple[tuple[str, ...], Any]] = []
    for inner in sublayers(layer):
        found.append(((inner.name,), inner))
        found += [((inner.name, *path), deeper) for path, deeper in inner_layers(inner)]
    return found


def inner_calls(call: Call) -> dict[tuple[str, ...], list[int]]:
    """What can be asked for inside of a layer, found by running it on symbols.

    Args:
        call: A call of the layer.

    Returns:
        Path -> number of outputs of each call. A layer that runs within a loop of TensorFlow, as the cell of an RNN,
        has none, since no single tensor holds what it gives.
    """
    import keras

    layer, counts = call.operation, {}
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
    """Clips as one batch of frames: (B, T, …) <-> (B * T, …).

    Attributes:
        batch: B.
        steps: T.
    """

    batch: Any
    steps: Any

    def merged(self, tensor: Tensor) -> Tensor:
        """(B, T, …) -> (B * T, …)."""
        import keras

        known = isinstance(self.batch, int) and isinstance(self.steps, int)
        sides = keras.ops.shape(tensor)[2:]
        return keras.ops.reshape(tensor, (self.batch * self.steps if known else -1, *sides))

    def parted(self, tensor: Tensor) -> Tensor:
        """(B * T, …) -> (B, T, …)."""
        import keras

        return keras.ops.reshape(tensor, (self.batch, self.steps, *keras.ops.shape(tensor)[1:]))


@contextmanager
def listening(layers: Iterable[Any], frames: Frames | None = None) -> Iterator[dict[int, list[list[Tensor]]]]:
    """Note the outputs of layers while a block of code calls them.

    Args:
        layers: The layers.
        frames: How to part what they give into clips; None leaves it.

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


def _noted(method: Any, notes: list[list[Tensor]], where: Any, frames: Frames | None) -> Any:
    """A method that notes what it gives; what goes on from it comes from what is noted, so that gradients do too."""
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
    vars(layer)[method] = other  # past Keras's bookkeeping, which would take it for a part of the layer
    try:
        yield
    finally:
        if before is None:
            del vars(layer)[method]
        else:
            vars(layer)[method] = before


def run_listened(layer: Any, places: list[Inner], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
    """Run a layer once and give what is inside of it as well.

    Args:
        layer: The layer.
        places: What is wanted.
        args: Positional arguments of the call.
        kwargs: Keyword arguments of the call.

    Returns:
        The layer's own outputs, flat, then one tensor for each place. Inside of a `TimeDistributed` they keep the axis
        of time: (B, T, …).
    """
    import keras

    found = dict(reversed(inner_layers(layer)))
    own, heard = _heard(layer, [found[place.path] for place in places], args, kwargs)
    inside = [heard[id(found[place.path])][place.call][place.port] for place in places]
    return [*keras.tree.flatten(own), *inside]


def _heard(
    layer: Any, inner: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, dict[int, list[list[Tensor]]]]:
    """What a layer gives, and what layers inside of it give."""
    import keras

    if isinstance(layer, keras.layers.TimeDistributed):
        return _every_frame(layer, inner, args, kwargs)
    with listening(inner) as heard:
        return layer(*args, **kwargs), heard


def _every_frame(
    layer: Any, inner: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, dict[int, list[list[Tensor]]]]:
    """A `TimeDistributed`, its frames as one batch rather than one after another."""
    import keras

    inputs = args[0] if args else kwargs["inputs"]
    mask = kwargs.get("mask")
    mask = getattr(inputs, "_keras_mask", None) if mask is None else mask
    frames = Frames(*keras.ops.shape(inputs)[:2])
    extra = {} if mask is None or not layer.layer._call_has_mask_arg else {"mask": frames.merged(mask)}
    with listening(inner, frames) as heard:
        made = layer.layer(frames.merged(inputs), **extra)
    # With a mask the layer runs by itself too: what it does with masked frames is its own affair.
    own = layer(*args, **kwargs) if mask is not None else keras.tree.map_structure(frames.parted, made)
    return own, heard
