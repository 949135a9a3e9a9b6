"""Activations of any model: one door for Keras models, recurrent states and low-level graphs."""

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
from styler.networks.runtime import building, eagerly, own_terms
from styler.types import Features, PathLike, Tensor

if TYPE_CHECKING:
    import keras

    from styler.networks.spec import NetworkSpec

Layers = Iterable[str] | Mapping[str, str]


class FeatureExtractor:
    """Images in, `{address: activations}` out, in the order asked for.

    The layers of a Keras model become the outputs of one functional model that ends at the deepest of them. A call
    outside of a `tf.function` runs a program that is compiled once for every batch size, height and width; a call
    inside of one becomes part of it. Under a `tf.GradientTape` outside of a `tf.function` the layers run one by one,
    so that one output has a gradient by another. Tensors of a graph become the outputs of one compiled function, as
    `GraphExtractor` says.

    Args:
        model: A Keras model: Sequential, functional, or any other with `example`. Or a graph: a `tf.Graph`,
            `(graph, session)`, `(graph, checkpoint)`, a `GraphDef` or a frozen `.pb` file, a SavedModel or its folder,
            a concrete function or a `tf.function`.
        layers: Addresses: `name`, `nested_model/layer`, `layer@1` (second call), `layer:0` (first output), `#-3`
            (third layer from the end), `block*_conv1`, `lstm:state_h`, `bi:backward.sequence`; of a graph the names of
            tensors; see `docs/features.md`. A dict `{key: address}` renames the keys of the result.
        reduce: "mean" or "max" over all positions, (B, H', W', C) -> (B, C); None leaves them. Activations without
            positions stay as they are.
        preprocess: Applied to the images first: RGB 0..1 -> the model's units. None passes them on.
        example: For a model whose graph Keras does not know, or a `tf.function` without a signature: inputs to call
            it with, arrays or `keras.Input`.
        minimum_size: Smallest height and width of an image, pixels.
        feeds: Of a graph: names of the tensors to feed, in the order in which a call gives them. None takes every
            placeholder that the tensors need.
        signature: Which function of a SavedModel.

    Attributes:
        addresses: Keys of the result, patterns spread out.

    Raises:
        LayerError: No layers, one twice, or one that the model does not have or cannot give.
        NetworkError: The model has no graph and none can be traced, or a graph lacks values.
        ConfigError: An argument that this kind of model has no use for.

    Example:
        >>> extractor = FeatureExtractor(model, ["block1_conv1", "block4_conv2"])
        >>> features = extractor(images)
        >>> features["block4_conv2"].shape
        TensorShape([1, 64, 48, 512])
    """

    autograph_info__: ClassVar[
        dict[str, Any]
    ] = {}  # told to leave the class alone, TensorFlow hands errors on unchanged

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
                model, layers, feeds=feeds, signature=signature, example=example, preprocess=preprocess
            )
        else:
            _check_unused("a graph", feeds=feeds is not None, signature=signature != DEFAULT_SIGNATURE)
            self._source = ModelExtractor(
                model, asked(layers), preprocess=preprocess, example=example, minimum_size=minimum_size
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
        """An extractor of a registered network, for images in RGB 0..1.

        Args:
            network: "vgg19", the path of a `.keras` file, or what `find_network` gives.
            layers: Addresses, or a dict `{key: address}`.
            pooling: "avg" or "max" in place of the network's own; None keeps it.
            reduce: "mean" or "max" over all positions.

        Raises:
            LayerError: As for the class.
            NetworkError: No such network.
            WeightsError: The network's weights cannot be had.
        """
        from styler.networks import NetworkSpec, find_network

        spec = network if isinstance(network, NetworkSpec) else find_network(network)
        with building():
            model = spec.build(pooling)
            kind = {"reduce": reduce, "preprocess": spec.preprocess, "minimum_size": spec.minimum_size}
            extractor = cls(model, layers, **kind)  # type: ignore[arg-type]
        extractor._terms = own_terms
        return extractor

    @property
    def addresses(self) -> tuple[str, ...]:
        """Keys of the result, in order."""
        return self._source.addresses

    @property
    def feeds(self) -> tuple[str, ...]:
        """Names of what a call takes: the inputs of a Keras model, the fed tensors of a graph."""
        return self._source.feeds

    @property
    def shapes(self) -> tuple[tuple[int | None, ...] | None, ...]:
        """Shape of each of `feeds`, None for a side that is open; None where not even the number of axes is known."""
        return self._source.shapes

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Type of the numbers of each of `feeds`, such as "float32"."""
        return self._source.dtypes

    @property
    def model(self) -> keras.Model:
        """The multi-output Keras model, without `preprocess`.

        Raises:
            ConfigError: A graph has none.
        """
        return self._keras("has no Keras model").model

    def grown(self, model: keras.Model, addresses: Iterable[str]) -> FeatureExtractor:
        """An extractor with more outputs.

        Args:
            model: Of the same inputs; the outputs of `self.model` come first.
            addresses: Keys of the others.

        Raises:
            ConfigError: This one reads a graph.
        """
        other = copy(self)
        other._source = self._keras("cannot grow").grown(model, tuple(addresses))
        return other

    def __call__(self, images: Any) -> Features:
        """Extract.

        Args:
            images: What the model takes, mostly (B, H, W, 3) float: RGB 0..1 with `preprocess`, else in the model's
                units. A list or dict for a model with several inputs; text, ragged and sparse tensors and None where
                the model takes them. For a graph: the value of the only feed, a list in the order of `feeds`, or a
                dict by feed name.

        Returns:
            Key -> activations, (B, H', W', C) for a convolution, in the order asked for.

        Raises:
            ImageError: Not the rank, channels or kind of values that the model takes, too small, or NaN (eager calls
                only).
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
        message = f"an extractor of a graph {problem}; give a Keras model for that"
        raise ConfigError(message)


def _check_unused(for_which: str, **given: bool) -> None:
    """Refuse arguments that would be ignored."""
    unused = [name for name, is_given in given.items() if is_given]
    if unused:
        message = f"{' and '.join(f'{name}=' for name in unused)} is for {for_which} only; leave it out"
        raise ConfigError(message)
