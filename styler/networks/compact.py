"""The built-in network `compact`: a small network of VGG's structure, trained by this project (see `weights/`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from styler.networks import decoder
from styler.networks.pooling import repooled
from styler.networks.runtime import building
from styler.networks.spec import NETWORKS, VGG_CONTENT, Decoder, NetworkSpec, decreasing
from styler.networks.weights import load_verified

if TYPE_CHECKING:
    import keras

MEAN = 0.45  # mean of natural images in sRGB 0..1, the same for all channels
GAIN = 4.0  # 1 / 0.25, where 0.25 is the usual standard deviation; gives inputs of about unit variance
FILENAME = "compact.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactDesign:
    """The structure of the network.

    Attributes:
        widths: Channels of each of the five blocks.
        depths: Convolutions of each block.
        pooling: Pooling between the blocks: "binomial", or "average" or "max" over 2x2 positions.
    """

    widths: tuple[int, ...] = (32, 64, 128, 160, 128)
    depths: tuple[int, ...] = (1, 2, 2, 2, 1)
    pooling: str = "binomial"

    def layer_names(self) -> tuple[str, ...]:
        """Return the names of the convolutions, from shallow to deep; they are the names of Keras's VGG."""
        blocks = enumerate(self.depths, start=1)
        return tuple(f"block{block}_conv{i}" for block, depth in blocks for i in range(1, depth + 1))


def to_inputs(image: Any) -> Any:
    """Convert RGB in 0..1, of any shape, to the units of the network."""
    return (image - MEAN) * GAIN


def build_compact(design: CompactDesign | None = None) -> keras.Model:
    """Build the untrained network: reflection padding, ReLU, and the layer names of Keras's VGG.

    Args:
        design: Structure of the network; None for that of the built-in one.

    Returns:
        Model from `inputs` (B, H, W, 3), float32, in the network's units, to the activations of the last layer.
    """
    import keras

    from styler.networks.binomial_pooling import BinomialPooling2D

    design = design or CompactDesign()
    poolings: dict[str, Callable[..., Any]] = {
        "binomial": BinomialPooling2D,
        "average": partial(keras.layers.AveragePooling2D, 2),
        "max": partial(keras.layers.MaxPooling2D, 2),
    }
    pool = poolings[design.pooling]
    x = inputs = keras.Input((None, None, 3), name="inputs")
    for block, (width, depth) in enumerate(zip(design.widths, design.depths, strict=True), start=1):
        if block > 1:
            x = pool(name=f"block{block - 1}_pool")(x)
        for index in range(1, depth + 1):
            x = keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
            name = f"block{block}_conv{index}"
            x = keras.layers.Conv2D(
                width,
                3,
                activation="relu",
                kernel_initializer="he_normal",
                name=name,
            )(x)
    return keras.Model(inputs, x, name="compact")


def load_compact(pooling: str | None = None) -> keras.Model:
    """Build the trained network.

    Raises:
        WeightsError: The file with its weights is missing or damaged.
    """
    arrays = load_verified(FILENAME)
    with building():
        model = build_compact()
        for name in CompactDesign().layer_names():
            model.get_layer(name).set_weights([arrays[f"{name}/kernel"], arrays[f"{name}/bias"]])
        model.trainable = False
        return repooled(model, pooling, to_inputs)


def build_untrained(pooling: str | None = None) -> keras.Model:
    """Build the network with random weights."""
    with building():
        return repooled(build_compact(), pooling, to_inputs)


NETWORKS.add(
    "compact",
    NetworkSpec(
        name="compact",
        build=load_compact,
        preprocess=to_inputs,
        style_layers=decreasing(tuple(f"block{block}_conv1" for block in range(1, 6))),
        content_layers=VGG_CONTENT,
        layer_names=CompactDesign().layer_names(),
        summary="built in, trained by this project, 0.9 million parameters",
        minimum_size=32,
        build_untrained=build_untrained,
        weights_file=FILENAME,
        decoder=Decoder(
            layers=decoder.LAYERS,
            build=decoder.load_decoder,
            multiple=8,
            weights_file=decoder.FILENAME,
        ),
    ),
)
