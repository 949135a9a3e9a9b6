"""Combines a network with mirrored copies of itself in one model.

A small network has weaknesses that an optimizer can exploit. A copy with mirrored kernels is as good but has different
weaknesses, so that only the style itself satisfies both. The kernels are mirrored, not the images. Strides, padding and
positions therefore stay the same, and everything that is true of the network, such as tiling, is true of its copies.
`docs/look.md` has measurements.
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
"""The views of an image. `--views N` uses the first N."""

KERNELS = frozenset(["Conv2D", "DepthwiseConv2D", "Conv2DTranspose"])
"""Layers whose first weight is a kernel (height, width, …)."""

SHAPED = ("kernel_size", "pool_size", "strides", "dilation_rate", "size", "padding", "cropping")
"""Attributes with a shape. A layer can be transposed if they are the same along both axes."""


def view_key(address: str, view: str) -> str:
    """Return the key for the activations of a layer in a view."""
    return address if view == VIEWS[0] else f"{address} {view}"


def with_views(model: keras.Model, viewed: list[int], count: int) -> keras.Model:
    """Return a model that also has the outputs of mirrored copies.

    Args:
        model: Functional model with 4-D outputs.
        viewed: Indices of the outputs that each copy provides.
        count: Number of views, including the model itself.

    Returns:
        A model with the same inputs. Its outputs are all outputs of `model`, followed by those of each copy.

    Raises:
        NetworkError: The model has a layer that cannot be mirrored.
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
    kind = type(call.operation).__name__
    operation = call.operation
    if kind == "Conv":  # has a constant kernel, which is not mirrored
        return tuple(call.node.arguments.args[1].shape[:2]) == (1, 1)
    if kind not in BOUNDED or kind == "SeparableConv2D":
        return False
    return all(_square(getattr(operation, name, 1)) for name in SHAPED)


def _square(value: Any) -> bool:
    return not isinstance(value, list | tuple) or len({str(each) for each in value}) == 1


def _mirrored(model: keras.Model, view: str) -> keras.Model:
    """Return a copy of the model with the same inputs and mirrored kernels."""
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
    """Return the mirrored kernel, (height, width, in, out)."""
    return {
        "left-right": kernel[:, ::-1],
        "top-bottom": kernel[::-1],
        "transposed": kernel.swapaxes(0, 1),
    }[view]
