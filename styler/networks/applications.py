"""Networks of `keras.applications`, without their classifiers.

Style transfer was developed with VGG (Simonyan & Zisserman, ICLR 2015; weights CC BY 4.0). The default layers of the
other networks follow the same idea: the last layer of each stage, before the next stride. They are not tuned. The skip
connections and normalizations of these networks give different and usually worse pictures (Wang, Li & Vasconcelos,
CVPR 2021).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING

from styler.config import LayerWeights
from styler.networks import compact  # noqa: F401 - the default network is registered first
from styler.networks import preprocess as p
from styler.networks.pooling import repooled
from styler.networks.published import APPLICATIONS, build_published
from styler.networks.runtime import building
from styler.networks.spec import NETWORKS, VGG_CONTENT, NetworkSpec, decreasing
from styler.networks.weights import fetched
from styler.types import Tensor

if TYPE_CHECKING:
    import keras

BLOCKS = tuple(f"block{block}_conv1" for block in range(1, 6))
STAGES = "convnext_tiny_stage_{}_block_{}_identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """The properties of a network that Keras does not provide."""

    preprocess: Callable[[Tensor], Tensor]
    style: tuple[str, ...]
    content: LayerWeights
    tileable: bool = True


CHOICES = {
    "vgg16": _Choice(
        preprocess=p.caffe,
        style=BLOCKS,
        content=VGG_CONTENT,
    ),
    "vgg19": _Choice(
        preprocess=p.caffe,
        style=BLOCKS,
        content=VGG_CONTENT,
    ),
    "resnet50": _Choice(
        preprocess=p.caffe,
        style=("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out"),
        content=(("conv4_block2_out", 1.0),),
    ),
    "mobilenet_v2": _Choice(
        preprocess=p.signed,
        style=("Conv1_relu", "block_2_add", "block_5_add", "block_12_add"),
        content=(("block_8_add", 1.0),),
    ),
    "efficientnet_b0": _Choice(
        preprocess=p.bytes_range,
        style=("stem_activation", "block2b_add", "block3b_add", "block5c_add"),
        content=(("block4c_add", 1.0),),
        tileable=False,
    ),
    "densenet121": _Choice(
        preprocess=p.standardized,
        style=("conv1_relu", "conv2_block6_concat", "conv3_block12_concat", "conv4_block24_concat"),
        content=(("conv4_block6_concat", 1.0),),
    ),
    "inception_v3": _Choice(
        preprocess=p.signed,
        style=("activation_2", "activation_4", "mixed2", "mixed7"),
        content=(("mixed4", 1.0),),
    ),
    "convnext_tiny": _Choice(
        preprocess=p.bytes_range,
        style=("convnext_tiny_stem", *(STAGES.format(stage, block) for stage, block in ((0, 2), (1, 2), (2, 8)))),
        content=((STAGES.format(2, 2), 1.0),),
    ),
}
LARGEST_MINIMUM = 32  # pixels; none of these networks has a larger stride


def build_application(name: str, pooling: str | None = None) -> keras.Model:
    """Build a network with random weights, for tests and lists of layers."""
    with building():
        model = build_published(name, None)
        return repooled(model, pooling, CHOICES[name].preprocess)


def load_application(name: str, pooling: str | None = None) -> keras.Model:
    """Build a pretrained network, and download its weights if they are not on this machine.

    Args:
        name: Key of `APPLICATIONS`.
        pooling: "avg" or "max"; None for the network's own pooling.

    Raises:
        WeightsError: The weights are missing and cannot be downloaded, or are damaged.
    """
    with building():
        model = build_published(name, fetched(name))
        model.trainable = False
        return repooled(model, pooling, CHOICES[name].preprocess)


def _spec(
    name: str,
    choice: _Choice,
    smallest: int,
    layers: list[str],
) -> NetworkSpec:
    return NetworkSpec(
        name=name,
        build=partial(load_application, name),
        build_untrained=partial(build_application, name),
        preprocess=choice.preprocess,
        style_layers=decreasing(choice.style),
        content_layers=choice.content,
        layer_names=tuple(layers),
        summary="Keras, downloaded on first use",
        minimum_size=max(smallest, LARGEST_MINIMUM),
        tileable=choice.tileable,
        weights_file=APPLICATIONS[name].filename,
    )


def _register() -> None:
    listed = json.loads(files("styler.networks").joinpath("applications.json").read_text("utf-8"))
    for name, choice in CHOICES.items():
        NETWORKS.add(name, _spec(name, choice, **listed[name]))


_register()
