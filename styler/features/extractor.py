"""Several layers of a Keras model as one multi-output model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from typing import TYPE_CHECKING, Any

from styler.errors import ImageError
from styler.features.resolution import resolve
from styler.networks.calls import inputs_of
from styler.types import Features, Tensor

if TYPE_CHECKING:
    import keras

    from styler.networks.spec import NetworkSpec


class FeatureExtractor:
    """Images in, `{address: activations}` out, in the order asked for.

    The layers become the outputs of one functional model that ends at the deepest of them. A call outside of a
    `tf.function` runs a program that is compiled once for every batch size, height and width; a call inside of one
    becomes part of it.

    Args:
        model: A Keras model: Sequential, functional, or any other with `example`.
        layers: Addresses: `name`, `nested_model/layer`, `layer@1` (second call), `layer:0` (first output), `#-3`
            (third layer from the end), `block*_conv1`, `lstm:state_h`, `bi:backward.sequence`; see `docs/features.md`.
        preprocess: Applied to the images first: RGB 0..1 -> the model's units. None passes them on.
        example: For a model whose graph Keras does not know: inputs to call it with, arrays or `keras.Input`.
        minimum_size: Smallest height and width of an image, pixels.

    Attributes:
        addresses: Keys of the result, patterns spread out.
        model: The multi-output model, without `preprocess`.

    Raises:
        LayerError: No layers, one twice, or one that the model does not have or cannot give.
        NetworkError: The model has no graph and none can be traced.

    Example:
        >>> extractor = FeatureExtractor(model, ["block1_conv1", "block4_conv2"])
        >>> features = extractor(images)
        >>> features["block4_conv2"].shape
        TensorShape([1, 64, 48, 512])
    """

    def __init__(
        self,
        model: keras.Model,
        layers: Iterable[str],
        *,
        preprocess: Callable[[Tensor], Tensor] | None = None,
        example: Any = None,
        minimum_size: int = 1,
    ) -> None:
        import tensorflow as tf

        from styler.features.replay import multi_output_model
        from styler.features.tracing import with_graph

        traced = with_graph(model, example)
        targets = resolve(traced, layers)
        self.addresses = tuple(target.address for target in targets)
        self.minimum_size = minimum_size
        self.model = multi_output_model(traced, targets)
        self._preprocess = preprocess
        self._input = inputs_of(traced)
        self._fitting: set[tuple[int | None, ...]] = set()
        self._compiled = tf.function(self._extract, input_signature=[_signature(self._input)])

    @classmethod
    def of(cls, network: NetworkSpec, layers: Iterable[str], pooling: str | None = None) -> FeatureExtractor:
        """An extractor of a registered network, for images in RGB 0..1.

        Args:
            network: `NETWORKS["vgg19"]`, or what `find_network` gives.
            layers: Addresses.
            pooling: "avg" or "max" in place of the network's own; None keeps it.

        Raises:
            LayerError: As for the class.
            WeightsError: The network's weights cannot be had.
        """
        model = network.build(pooling)
        return cls(model, layers, preprocess=network.preprocess, minimum_size=network.minimum_size)

    def grown(self, model: keras.Model, addresses: Iterable[str]) -> FeatureExtractor:
        """An extractor with more outputs.

        Args:
            model: Of the same inputs; the outputs of `self.model` come first.
            addresses: Keys of the others.
        """
        import tensorflow as tf

        other = copy(self)
        other.model, other.addresses, other._fitting = model, (*self.addresses, *addresses), set()
        other._compiled = tf.function(other._extract, input_signature=[_signature(self._input)])
        return other

    def __call__(self, images: Any) -> Features:
        """Extract.

        Args:
            images: What the model takes, mostly (B, H, W, 3) float: RGB 0..1 with `preprocess`, else in the model's
                units. A list or dict for a model with several inputs.

        Returns:
            Address -> activations, (B, H', W', C) for a convolution, in the order of `addresses`.

        Raises:
            ImageError: Not the rank, channels or dtype that the model takes, too small, or NaN (eager calls only).
        """
        import tensorflow as tf

        from styler.features.checks import check_finite, check_structure, converted

        check_structure(images, self._input)
        if not tf.executing_eagerly():
            tensors = converted(images, self._input, cast=False)
            self._check_size(tensors)
            return self._extract(tensors)
        tensors = converted(images, self._input, cast=True)
        self._check_size(tensors)
        check_finite(tensors)
        features: Features = self._compiled(tensors)
        return {address: features[address] for address in self.addresses}

    def _extract(self, inputs: Any) -> Features:
        prepared = self._preprocess(inputs) if self._preprocess else inputs
        outputs = self.model(prepared, training=False)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        return dict(zip(self.addresses, outputs, strict=True))

    def _check_size(self, tensors: Any) -> None:
        """Refuse images without a single position at the deepest layer; each shape is looked at once."""
        shape = tuple(getattr(tensors, "shape", ()))
        if len(shape) != 4 or shape in self._fitting:
            return
        sides = [side for side in shape[1:3] if side is not None]
        if sides and (min(sides) < self.minimum_size or not self._fits(shape)):
            least = f" of at least {self.minimum_size} x {self.minimum_size}" if self.minimum_size > 1 else ""
            message = (
                f"expected images{least} that leave every layer a position, got {shape[1]} x {shape[2]} pixels; "
                "give a larger image or shallower layers"
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


def _signature(inputs: Any) -> Any:
    """TensorSpecs of a model's inputs, unknown where the model leaves a size open."""
    import keras
    import tensorflow as tf

    return keras.tree.map_structure(lambda symbol: tf.TensorSpec(symbol.shape, symbol.dtype), inputs)
