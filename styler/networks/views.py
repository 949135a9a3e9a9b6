"""A network beside mirrored copies of itself: one model that sees an image in several ways.

A small network has peculiarities that an optimizer learns to please. A copy whose kernels are mirrored has the same
knowledge and other peculiarities, so that statistics of both together are harder to please by anything but the style.
Kernels are mirrored and not images: strides, padding and positions stay those of the network itself, and all that
holds for it, tiles among it, holds for its copies. See the study in `docs/look.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from styler.errors import NetworkError
from styler.networks.calls import calls_of, graph_of
from styler.networks.geometry import BOUNDED

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

VIEWS = ("as it is", "left-right", "top-bottom", "transposed")
"""Ways to see an image; n of them are the first n."""

KERNELS = frozenset(["Conv2D", "DepthwiseConv2D", "Conv2DTranspose"])
"""Layers whose first weight is a kernel (height, width, …)."""

SHAPED = ("kernel_size", "pool_size", "strides", "dilation_rate", "size", "padding", "cropping")
"""What a layer has of shape; if the same along both axes it can be transposed."""


def seen_in(address: str, view: str) -> str:
    """The key of a layer's activations in a view."""
    return address if view == VIEWS[0] else f"{address} {view}"


def with_views(model: keras.Model, viewed: list[int], count: int) -> keras.Model:
    """A model of several outputs with copies beside it.

    Args:
        model: Functional, its outputs 4-D.
        viewed: Numbers of the outputs that the copies give.
        count: Number of views, the model's own included.

    Returns:
        A model of the same inputs: all outputs of `model`, then those of each copy.

    Raises:
        NetworkError: A layer is of a kind that cannot be mirrored.
    """
    import keras

    _check(model)
    outputs = list(model.outputs)
    for view in VIEWS[1:count]:
        copy = _mirrored(model, view)
        outputs += [copy.outputs[number] for number in viewed]
    return keras.Model(model.input, outputs)


def _check(model: Any) -> None:
    for call in calls_of(graph_of(model)):
        if not (call.is_input or _can_be_mirrored(call)):
            message = (
                f"expected layers that can be mirrored for --views above 1, got {call.operation.name!r}, a "
                f"{type(call.operation).__name__}; use --views 1"
            )
            raise NetworkError(message)


def _can_be_mirrored(call: Any) -> bool:
    kind, operation = type(call.operation).__name__, call.operation
    if kind == "Conv":  # with a constant kernel, which stays as it is
        return tuple(call.node.arguments.args[1].shape[:2]) == (1, 1)
    if kind not in BOUNDED or kind == "SeparableConv2D":
        return False
    return all(_square(getattr(operation, name, 1)) for name in SHAPED)


def _square(value: Any) -> bool:
    return not isinstance(value, list | tuple) or len({str(each) for each in value}) == 1


def _mirrored(model: keras.Model, view: str) -> keras.Model:
    """A copy on the same inputs whose kernels see their surroundings mirrored."""
    import keras

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        return layer.__class__.from_config({**config, "name": f"{layer.name}-{view}"})

    copy = keras.models.clone_model(model, input_tensors=model.input, clone_function=clone)
    for own, other in zip(model.layers, copy.layers, strict=True):
        weights = own.get_weights()
        if type(own).__name__ in KERNELS:
            weights[0] = _turned(weights[0], view)
        if weights:
            other.set_weights(weights)
    copy.trainable = False
    return copy


def _turned(kernel: NDArray[np.float32], view: str) -> NDArray[np.float32]:
    """A kernel (height, width, in, out) that does to an image what it did to the mirrored one."""
    return {
        "left-right": kernel[:, ::-1],
        "top-bottom": kernel[::-1],
        "transposed": kernel.swapaxes(0, 1),
    }[view]
