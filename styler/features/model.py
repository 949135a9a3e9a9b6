"""Extracts several layers of a Keras model with one multi-output model."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from styler.errors import ImageError
from styler.features.keys import Asked, check_one_each
from styler.networks.calls import inputs_of
from styler.types import Features, Tensor

if TYPE_CHECKING:
    import keras

CONSTANT_WEIGHTS = "TF_ONEDNN_ASSUME_FROZEN_WEIGHTS"


class ModelExtractor:
    """The part of `FeatureExtractor` for Keras models; it has the same arguments.

    Attributes:
        addresses: Keys of the result.
        model: The multi-output model, without `preprocess`.
        channels: Axis of the channels, -1 or 1.
    """

    def __init__(
        self,
        model: Any,
        wanted: Asked,
        *,
        preprocess: Callable[[Tensor], Tensor] | None = None,
        example: Any = None,
        minimum_size: int = 1,
    ) -> None:
        from styler.features.checks import check_has_values
        from styler.features.replay import multi_output_model
        from styler.features.resolution import resolve
        from styler.features.tracing import with_graph

        found_graph = with_graph(model, example)
        traced = found_graph.model
        check_has_values(traced)
        targets = resolve(traced, wanted.addresses, found_graph.within)
        found = tuple(target.address for target in targets)
        check_one_each(wanted.keys, wanted.addresses, found)
        self.addresses = wanted.keys or found
        self.minimum_size = minimum_size
        self.model = multi_output_model(traced, targets)
        self.channels = 1 if _channels_first(traced) else -1
        self.preprocess = preprocess
        self._input = inputs_of(traced)
        self._prepare()

    def _prepare(self) -> None:
        import keras
        import tensorflow as tf

        self._fitting: set[tuple[int | None, ...]] = set()
        self._symbols = keras.tree.flatten(self._input)
        # TensorFlow counts traces per Python function; without `partial` it would warn about several extractors.
        self._compiled = tf.function(partial(self._extract), input_signature=_signature(self._symbols))

    @property
    def feeds(self) -> tuple[str, ...]:
        """Names of the model's inputs."""
        return tuple(symbol.name for symbol in self._symbols)

    @property
    def shapes(self) -> tuple[tuple[int | None, ...] | None, ...]:
        """Shape of each input."""
        return tuple(tuple(symbol.shape) for symbol in self._symbols)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Dtype of each input."""
        return tuple(str(symbol.dtype) for symbol in self._symbols)

    def grown(self, model: keras.Model, addresses: tuple[str, ...]) -> ModelExtractor:
        """Return an extractor for `model`, which has the same outputs and further ones with the keys `addresses`."""
        other = copy(self)
        other.model, other.addresses = model, (*self.addresses, *addresses)
        other._prepare()
        return other

    def __call__(self, images: Any) -> Features:
        """Extract the activations; see `FeatureExtractor`."""
        import tensorflow as tf

        from styler.features.checks import arranged, check_finite, converted

        eager = tf.executing_eagerly()
        values = zip(arranged(images, self._input), self._symbols, strict=True)
        pixels = self.preprocess is not None
        tensors = [
            converted(
                value,
                symbol,
                pixels=pixels,
                eager=eager,
            )
            for value, symbol in values
        ]
        self._check_size(tensors)
        if not eager:
            return self._extract(tensors)
        check_finite(tensors)
        # A tape records a compiled program as one operation, without gradients between its outputs.
        features: Features = self._extract(watched(tensors)) if on_tape() else self._compiled(tensors)
        return {address: features[address] for address in self.addresses}

    def _extract(self, tensors: list[Tensor]) -> Features:
        import keras

        inputs = keras.tree.pack_sequence_as(self._input, tensors)
        prepared = self.preprocess(inputs) if self.preprocess else inputs
        outputs = self.model(prepared, training=False)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        return dict(zip(self.addresses, outputs, strict=True))

    def _check_size(self, tensors: list[Tensor]) -> None:
        """Refuse images that are too small for the deepest layer to have a position; each shape is checked once."""
        shape = tuple(getattr(tensors[0], "shape", ())) if len(tensors) == 1 else ()
        if len(shape) != 4 or shape in self._fitting:
            return
        sides = [side for side in shape[1:3] if side is not None]
        if sides and (min(sides) < self.minimum_size or not self._fits(shape)):
            least = f" of at least {self.minimum_size} x {self.minimum_size}" if self.minimum_size > 1 else ""
            message = (
                f"expected images{least}, large enough for every layer, got {shape[2]}x{shape[1]} pixels; "
                "use a larger image or shallower layers"
            )
            raise ImageError(message)
        self._fitting.add(shape)

    def _fits(self, shape: tuple[int | None, ...]) -> bool:
        try:
            shapes = self.model.compute_output_shape(shape)
        except ValueError:  # Keras: "computed output size would be negative"
            return False
        listed = shapes if len(self.addresses) > 1 else [shapes]
        return all(side is None or side > 0 for each in listed for side in each[1:])


def on_tape() -> bool:
    """Return whether a `tf.GradientTape` is recording, and layers may run one by one.

    They must not if oneDNN is told that weights are constant: it then confuses layers that run eagerly if their weights
    have the same shape.
    """
    from tensorflow.python.eager import record

    return bool(record.could_possibly_record()) and os.environ.get(CONSTANT_WEIGHTS, "0") not in ("1", "true")


def watched(tensors: list[Any]) -> list[Any]:
    """Return the same values, computed from a variable, so that a tape records them even if nothing is trainable."""
    import tensorflow as tf

    def follow(tensor: Any) -> Any:
        dense = isinstance(tensor, tf.Tensor) and tensor.dtype.is_floating
        return tensor * tf.Variable(1, dtype=tensor.dtype) if dense else tensor

    return [follow(tensor) for tensor in tensors]


def _signature(symbols: list[Any]) -> Any:
    """Return the TensorSpecs of a model's inputs; None if an input may be optional, ragged or sparse."""
    import tensorflow as tf

    from styler.features.checks import is_optional

    for symbol in symbols:
        if is_optional(symbol) or getattr(symbol, "ragged", False) or getattr(symbol, "sparse", False):
            return None
    return [[tf.TensorSpec(symbol.shape, symbol.dtype) for symbol in symbols]]


def _channels_first(model: Any) -> bool:
    """Return whether the layers of a model have channels on axis 1."""
    from styler.networks.calls import calls_of, graph_of

    formats = {getattr(call.operation, "data_format", None) for call in calls_of(graph_of(model))} - {None}
    return formats == {"channels_first"}
