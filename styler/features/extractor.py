"""Extracts activations from Keras models, recurrent states and low-level graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

from styler.errors import ConfigError
from styler.features.frozen import DEFAULT_SIGNATURE, is_graph
from styler.features.graph import GraphExtractor
from styler.features.keys import asked, check_reduction, reduced
from styler.features.model import ModelExtractor
from styler.networks.runtime import building, eagerly, standard_settings
from styler.types import Features, PathLike, Tensor

if TYPE_CHECKING:
    import keras

    from styler.networks.spec import NetworkSpec

Layers = Iterable[str] | Mapping[str, str]


class FeatureExtractor:
    """Returns `{address: activations}` for images, in the order of the addresses.

    The layers of a Keras model become the outputs of one functional model, which ends at the deepest of them. A call
    outside a `tf.function` runs a program that is compiled once for all batch sizes, heights and widths. A call inside
    a `tf.function` becomes part of that function. Under a `tf.GradientTape` outside a `tf.function`, the layers run one
    by one, so that the gradient of one output with respect to another is available. The tensors of a graph become the
    outputs of one compiled function; see `GraphExtractor`.

    Args:
        model: A Keras model: Sequential, functional, or any other with `example`. Or a graph: a `tf.Graph`,
            `(graph, session)`, `(graph, checkpoint)`, a `GraphDef` or a frozen `.pb` file, a SavedModel or its folder,
            a concrete function or a `tf.function`.
        layers: Addresses: `name`, `nested_model/layer`, `layer@1` (second call), `layer:0` (first output), `#-3`
            (third layer from the end), `block*_conv1`, `lstm:state_h`, `bi:backward.sequence`; for a graph, names of
            tensors. See `docs/features.md`. A dict `{key: address}` sets the keys of the result.
        reduce: "mean" or "max" reduces all positions to one, (B, H', W', C) -> (B, C); None keeps them. Activations
            without positions are not changed.
        preprocess: Function applied to the images first, from RGB in 0..1 to the model's units; None to skip this.
        example: Example inputs, arrays or `keras.Input`, for a model whose graph Keras does not know or a `tf.function`
            without a signature.
        minimum_size: Smallest height and width of an image, in pixels.
        feeds: For a graph: names of the tensors to feed, in the order in which a call passes their values. None means
            every placeholder that the tensors need.
        signature: Name of the function in a SavedModel.

    Attributes:
        addresses: Keys of the result; a pattern is replaced by the addresses that match it.

    Raises:
        LayerError: There are no layers, a layer is given twice, or the model does not have it or cannot provide it.
        NetworkError: The model has no graph and cannot be traced, or a graph has no values.
        ConfigError: An argument does not apply to this kind of model.

    Example:
        >>> extractor = FeatureExtractor(model, ["block1_conv1", "block4_conv2"])
        >>> features = extractor(images)
        >>> features["block4_conv2"].shape
        TensorShape([1, 64, 48, 512])
    """

    autograph_info__: ClassVar[
        dict[str, Any]
    ] = {}  # stops AutoGraph from converting the class, so that errors stay as they are

    @eagerly()
    def __init__(
        self,
        model: Any,
        layers: Layers,
        *,
        reduce: str | None = None,
        preprocess: Callable[[Tensor], Tensor] | None = None,
        example: Any = None,
        minimum_size: int = 1,
        feeds: Iterable[str] | None = None,
        signature: str = DEFAULT_SIGNATURE,
    ) -> None:
        check_reduction(reduce)
        self._reduce = reduce
        self._terms: Callable[[], AbstractContextManager[None]] = eagerly
        self._source: ModelExtractor | GraphExtractor
        if is_graph(model):
            _check_unused("a Keras model", minimum_size=minimum_size != 1)
            self._source = GraphExtractor(
                model,
                layers,
                feeds=feeds,
                signature=signature,
                example=example,
                preprocess=preprocess,
            )
        else:
            _check_unused("a graph", feeds=feeds is not None, signature=signature != DEFAULT_SIGNATURE)
            self._source = ModelExtractor(
                model,
                asked(layers),
                preprocess=preprocess,
                example=example,
                minimum_size=minimum_size,
            )

    @classmethod
    def of(
        cls,
        network: NetworkSpec | PathLike,
        layers: Layers,
        pooling: str | None = None,
        *,
        reduce: str | None = None,
    ) -> FeatureExtractor:
        """Make an extractor from a registered network or `.keras` file, for images in RGB 0..1.

        Args:
            network: A name such as "vgg19", the path of a `.keras` file, or a `NetworkSpec`.
            layers: Addresses, or a dict `{key: address}`.
            pooling: "avg" or "max"; None for the network's own pooling.
            reduce: "mean" or "max" reduces all positions to one; None keeps them.

        Raises:
            LayerError: As for the class.
            NetworkError: The network does not exist.
            WeightsError: The network's weights are not available.
        """
        from styler.networks import NetworkSpec, find_network

        spec = network if isinstance(network, NetworkSpec) else find_network(network)
        with building():
            model = spec.build(pooling)
            kind = {"reduce": reduce, "preprocess": spec.preprocess, "minimum_size": spec.minimum_size}
            extractor = cls(model, layers, **kind)  # type: ignore[arg-type]
        extractor._terms = standard_settings
        return extractor

    @property
    def addresses(self) -> tuple[str, ...]:
        """Keys of the result, in order."""
        return self._source.addresses

    @property
    def feeds(self) -> tuple[str, ...]:
        """Names of the inputs of a call: the inputs of a Keras model, or the fed tensors of a graph."""
        return self._source.feeds

    @property
    def shapes(self) -> tuple[tuple[int | None, ...] | None, ...]:
        """Shape of each of `feeds`: None for an axis of unknown length, or for a shape with an unknown rank."""
        return self._source.shapes

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Dtype of each of `feeds`, such as "float32"."""
        return self._source.dtypes

    @property
    def model(self) -> keras.Model:
        """The Keras model with many outputs, without `preprocess`.

        Raises:
            ConfigError: The extractor reads a graph and has no Keras model.
        """
        return self._keras("has no Keras model").model

    def grown(self, model: keras.Model, addresses: Iterable[str]) -> FeatureExtractor:
        """Return an extractor with more outputs.

        Args:
            model: Model with the same inputs, whose first outputs are those of `self.model`.
            addresses: Keys of the additional outputs.

        Raises:
            ConfigError: This extractor reads a graph.
        """
        other = copy(self)
        other._source = self._keras("cannot grow").grown(model, tuple(addresses))
        return other

    def __call__(self, images: Any) -> Features:
        """Extract the activations.

        Args:
            images: The inputs of the model, usually float (B, H, W, 3): RGB in 0..1 if there is a `preprocess`, else in
                the model's units. For a model with several inputs, a list or dict. Text, ragged and sparse tensors and
                None are allowed if the model accepts them. For a graph: the value of the only feed, a list in the
                order of `feeds`, or a dict by feed name.

        Returns:
            Key -> activations, in the order of the addresses; (B, H', W', C) for a convolution.

        Raises:
            ImageError: The rank, channels or kind of values do not fit the model, the images are too small, or (in
                eager calls) they contain NaN or infinity.
        """
        with self._terms():
            return self._reduced(self._source(images))

    def _reduced(self, features: Features) -> Features:
        if self._reduce is None:
            return features
        return {key: reduced(tensor, self._reduce, self._source.channels) for key, tensor in features.items()}

    def _keras(self, problem: str) -> ModelExtractor:
        if isinstance(self._source, ModelExtractor):
            return self._source
        message = f"an extractor for a graph {problem}; use a Keras model for that"
        raise ConfigError(message)


def _check_unused(for_which: str, **given: bool) -> None:
    """Refuse arguments that do not apply."""
    unused = [name for name, is_given in given.items() if is_given]
    if unused:
        message = f"{' and '.join(f'{name}=' for name in unused)} is for {for_which} only; leave it out"
        raise ConfigError(message)
