"""The description of a network: everything that a render needs to know about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from styler.config import LayerWeights
from styler.errors import ConfigError, NetworkError
from styler.networks.geometry import Geometry, layer_geometry
from styler.registry import Registry
from styler.types import Tensor

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """The way back from a network's activations to an image.

    Attributes:
        layers: Layers that it decodes, from shallow to deep.
        build: Function that builds its Keras model and loads the weights. The model takes the activations of `layers`,
            (B, H', W', C), and returns RGB in 0..1, (B, H, W, 3), for images whose sides are multiples of `multiple`.
        multiple: Pixels.
        weights_file: Name of the file with its weights.
    """

    layers: tuple[str, ...]
    build: Callable[[], keras.Model]
    multiple: int
    weights_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """A network, with everything that a render needs besides its weights.

    Attributes:
        name: Registered name.
        build: Function that builds the Keras model and loads its weights. Its argument is the pooling: "avg", "max", or
            None for the network's own. The model takes `inputs` (B, H, W, 3) in the network's units.
        preprocess: Differentiable function from sRGB in 0..1, any shape (..., 3), to the network's units.
        style_layers: Default layers of the style loss, with weights.
        content_layers: Default layers of the content loss, with weights.
        layer_names: Layers with activations, from shallow to deep; known without building the network.
        summary: One line for the user: what the network is and where its weights come from.
        minimum_size: Smallest side of an image, in pixels, at which the deepest layer has a position.
        build_untrained: Like `build`, but with random weights and without reading files; None if not available.
        tileable: Whether every layer depends on a bounded part of the image, so that tiles can be computed separately.
        weights_file: Name of the file with its weights; empty for a user's own file.
        decoder: Draws pictures in one pass; None if the network has none.
    """

    name: str
    build: Callable[[str | None], keras.Model]
    preprocess: Callable[[Tensor], Tensor]
    style_layers: LayerWeights
    content_layers: LayerWeights
    layer_names: tuple[str, ...]
    summary: str
    minimum_size: int = 16
    build_untrained: Callable[[str | None], keras.Model] | None = None
    tileable: bool = True
    weights_file: str = ""
    decoder: Decoder | None = None

    def geometry(self) -> dict[str, Geometry]:
        """Return layer name -> stride and receptive field.

        This builds the network, with random weights if possible.
        """
        return layer_geometry((self.build_untrained or self.build)(None))


def decoder_of(network: NetworkSpec) -> Decoder:
    """Return the decoder of a network.

    Raises:
        ConfigError: The network has none.
    """
    if network.decoder is None:
        message = (
            f"network: expected one with a decoder, to draw a picture in one pass, got {network.name}; use --network "
            "compact, or --init content and at least 1 step"
        )
        raise ConfigError(message)
    return network.decoder


def decreasing(layers: tuple[str, ...]) -> LayerWeights:
    """Assign the weights 81, 27, 9, 3, 1. Shallow layers determine palette and grain; deep layers determine strokes.

    crowsonkb's style-transfer-pytorch uses 256, 64, 16, 4, 1 for unscaled losses. Our losses are relative to the target
    and need weights that decrease more slowly; see `docs/look.md`.
    """
    return tuple((name, 3.0 ** (len(layers) - 1 - index)) for index, name in enumerate(layers))


VGG_CONTENT: LayerWeights = (("block3_conv1", 0.8), ("block4_conv2", 0.2))
"""Default content layers of networks with VGG's structure.

Gatys et al. use block4_conv2 alone. With most of the weight on block3_conv1, a third of the total weight preserves the
photo's edges, and the style comes closer too; see `docs/look.md`.
"""

NETWORKS: Registry[NetworkSpec] = Registry("network", NetworkError)
