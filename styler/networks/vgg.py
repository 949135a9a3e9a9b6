"""VGG-16 and VGG-19 of Keras (Simonyan & Zisserman, ICLR 2015; weights CC BY 4.0), without the classifier."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from styler.errors import WeightsError
from styler.networks.preprocess import caffe
from styler.networks.spec import NETWORKS, NetworkSpec, decreasing

if TYPE_CHECKING:
    import keras

DEPTHS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


def layer_names(depths: tuple[int, ...]) -> tuple[str, ...]:
    """Convolutions and poolings by Keras's names, shallow to deep."""
    names = []
    for block, depth in enumerate(depths, start=1):
        names += [f"block{block}_conv{index}" for index in range(1, depth + 1)]
        names.append(f"block{block}_pool")
    return tuple(names)


def load_vgg(name: str, pooling: str | None = None) -> keras.Model:
    """The pretrained network; Keras downloads its weights when they are not in its cache.

    Args:
        name: "vgg16" or "vgg19".
        pooling: "max" (also for None) or "avg".

    Raises:
        WeightsError: The weights are not in the cache and cannot be downloaded.
    """
    import keras

    make: Callable[..., keras.Model] = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}[name]
    try:
        model = make(include_top=False, weights="imagenet", input_shape=(None, None, 3))
    except Exception as cause:
        message = f"no weights for {name}: Keras could not download them ({cause}). Use --network compact offline"
        raise WeightsError(message) from cause
    model.trainable = False
    return average_pooled(model) if pooling == "avg" else model


def average_pooled(model: keras.Model) -> keras.Model:
    """The same network, weights shared, with every maximum pooling replaced by an average."""
    import keras

    def swap(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.layers.MaxPooling2D):
            config = layer.get_config()
            return keras.layers.AveragePooling2D.from_config(config)
        return layer.__class__.from_config(layer.get_config())

    swapped = keras.models.clone_model(model, clone_function=swap)
    swapped.set_weights(model.get_weights())
    swapped.trainable = False
    return swapped


for _name, _depths in DEPTHS.items():
    NETWORKS.add(
        _name,
        NetworkSpec(
            name=_name,
            build=partial(load_vgg, _name),
            preprocess=caffe,
            style_layers=decreasing(tuple(f"block{block}_conv1" for block in range(1, 6))),
            content_layers=(("block4_conv2", 1.0),),
            layer_names=layer_names(_depths),
            summary="Keras, downloaded on first use",
            minimum_size=32,
        ),
    )
