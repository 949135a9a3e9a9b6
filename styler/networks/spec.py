"""What the program must know of a network to render with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from styler.config import LayerWeights
from styler.errors import NetworkError
from styler.networks.geometry import Geometry, layer_geometry
from styler.registry import Registry
from styler.types import Tensor

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """A network that can be built, with everything a render needs beside its weights.

    Attributes:
        name: Registered name.
        build: Pooling ("avg", "max" or None for the network's own) -> Keras model with its weights loaded,
            from `inputs` (B, H, W, 3) in the network's units.
        preprocess: RGB 0..1, sRGB -> the network's units, differentiable, any shape (..., 3).
        style_layers: Default layers of the style loss with their weights.
        content_layers: Default layers of the content loss with their weights.
        layer_names: Layers that give activations, shallow to deep; known without building the network.
        summary: One line for people: what it is and where its weights come from.
        minimum_size: Smallest side of an image, pixels, at which the deepest layer has a position.
        build_untrained: Pooling -> the same network with random weights, without looking for files; None if it
            cannot be had.
        tileable: Whether every listed layer sees a bounded part of the image, so that tiles can be computed apart.
        weights_file: Name of the file of its weights; empty for a user's own file.
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

    def geometry(self) -> dict[str, Geometry]:
        """Stride and receptive field of every layer by name; builds the network, without weights where it can."""
        return layer_geometry((self.build_untrained or self.build)(None))


def decreasing(layers: tuple[str, ...]) -> LayerWeights:
    """Weights 81, 27, 9, 3, 1: shallow layers carry palette and grain, deep ones the large marks.

    crowsonkb's style-transfer-pytorch uses 256, 64, 16, 4, 1 on unscaled losses; ours are relative to the target
    and want a flatter fall: see the study in `docs/`.
    """
    return tuple((name, 3.0 ** (len(layers) - 1 - index)) for index, name in enumerate(layers))


VGG_CONTENT: LayerWeights = (("block3_conv1", 0.8), ("block4_conv2", 0.2))
"""Default content layers of networks of VGG's shape.

Gatys et al. take block4_conv2 alone. With most of the weight on block3_conv1 a third of it in all keeps the photo's
edges, and style comes closer too: see the study in `docs/look.md`.
"""

NETWORKS: Registry[NetworkSpec] = Registry("network", NetworkError)
