"""Stride and receptive field of every tensor of a Keras model, computed from its graph.

Along an axis, position `p` of an activation depends on the pixels from `p * stride + low` to `p * stride + high`. If
padding depends on the size ("same" with a stride), image sizes are assumed to be multiples of the deepest stride. The
effect of a layer follows from its configuration. A layer of an unknown type is assumed to depend on the whole image,
which is always safe.

References:
    Araujo, Norris & Sim, Computing Receptive Fields of Convolutional Neural Networks, Distill 2019,
    doi 10.23915/distill.00021.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from styler.networks.calls import Call, calls_by_operation, calls_of, graph_of

Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Extent:
    """Stride and receptive field along one axis, in pixels."""

    stride: Fraction = Fraction(1)
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)

    def windowed(
        self,
        kernel: int,
        stride: int,
        before: int,
    ) -> Extent:
        """Apply a window of `kernel` positions that moves by `stride` and starts `before` positions early."""
        low = -before * self.stride
        high = (kernel - 1 - before) * self.stride
        return Extent(self.stride * stride, self.low + low, self.high + high)

    def upsampled(
        self,
        factor: int,
        before: int,
        after: int,
    ) -> Extent:
        """Replace each position by `factor` positions that depend on the fine positions from `before` to `after`."""
        fine = self.stride / factor
        return Extent(fine, self.low - before * fine, self.high + after * fine)

    def union(self, other: Extent) -> Extent:
        """Return the extent of two joined branches, which must have the same stride."""
        return Extent(self.stride, min(self.low, other.low), max(self.high, other.high))

    @property
    def field(self) -> int:
        """Number of pixels from the first to the last one that the position depends on."""
        return int(self.high - self.low) + 1


@dataclass(frozen=True, slots=True)
class Geometry:
    """How an activation depends on the image.

    Attributes:
        vertical: Extent along the height.
        horizontal: Extent along the width.
        whole: Whether a position may depend on every pixel.
        has_positions: Whether height and width still correspond to those of the image, divided by the stride.
        reason: Name of the first layer that depends on the whole image; empty unless `whole`.
    """

    vertical: Extent = Extent()
    horizontal: Extent = Extent()
    whole: bool = False
    has_positions: bool = True
    reason: str = ""

    @property
    def stride(self) -> Fraction:
        """Distance in pixels between neighboring positions, along the axis where it is larger."""
        return max(self.vertical.stride, self.horizontal.stride)

    @property
    def field(self) -> int | None:
        """Side of the receptive field in pixels, along the axis where it is larger; None for the whole image."""
        return None if self.whole else max(self.vertical.field, self.horizontal.field)

    def axes(self, change: Callable[[Extent, int], Extent]) -> Geometry:
        """Return a geometry with a change applied to both axes; axis 0 is the height."""
        return Geometry(
            change(self.vertical, 0),
            change(self.horizontal, 1),
            self.whole,
            self.has_positions,
            self.reason,
        )

    def global_(self, reason: str, *, positions: bool) -> Geometry:
        """Return a geometry that depends on the whole image."""
        return Geometry(
            self.vertical,
            self.horizontal,
            True,
            positions,
            self.reason or reason,
        )


Rule: TypeAlias = Callable[[Call, Geometry], Geometry]

POINTWISE = frozenset(
    [
        "Abs",
        "Absolute",
        "Activation",
        "ActivityRegularization",
        "Add",
        "AlphaDropout",
        "Average",
        "BatchNormalization",
        "Cast",
        "Clip",
        "Concatenate",
        "Divide",
        "Dropout",
        "ELU",
        "Elu",
        "Exp",
        "GaussianDropout",
        "GaussianNoise",
        "Gelu",
        "HardSigmoid",
        "HardSwish",
        "HardSilu",
        "Identity",
        "LayerScale",
        "LeakyReLU",
        "LeakyRelu",
        "Log",
        "Masking",
        "Maximum",
        "Minimum",
        "Multiply",
        "Negative",
        "Normalization",
        "Power",
        "PReLU",
        "ReLU",
        "Relu",
        "Relu6",
        "Rescaling",
        "Selu",
        "Sigmoid",
        "Silu",
        "Softplus",
        "Softsign",
        "SpatialDropout2D",
        "Sqrt",
        "Square",
        "StochasticDepth",
        "Subtract",
        "Tanh",
        "TrueDivide",
        "Where",
        "Swish",
    ]
)
"""Layers and operations whose output at a position depends on that position alone, at inference."""


AUGMENTATION = frozenset(
    [
        "AugMix",
        "CutMix",
        "Equalization",
        "MixUp",
        "RandAugment",
        "RandomBrightness",
        "RandomColorDegeneration",
        "RandomColorJitter",
        "RandomContrast",
        "RandomElasticTransform",
        "RandomErasing",
        "RandomFlip",
        "RandomGaussianBlur",
        "RandomGrayscale",
        "RandomHue",
        "RandomInvert",
        "RandomPerspective",
        "RandomPosterization",
        "RandomRotation",
        "RandomSaturation",
        "RandomSharpness",
        "RandomShear",
        "RandomTranslation",
        "RandomZoom",
        "Solarization",
    ]
)
"""Keras layers that change images only in training; at inference they return their input."""


def _pair(value: Any) -> Pair:
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _window(
    seen: Geometry,
    kernel: Pair,
    stride: Pair,
    dilation: Pair,
    same: bool,
) -> Geometry:
    def change(extent: Extent, axis: int) -> Extent:
        wide = (kernel[axis] - 1) * dilation[axis] + 1
        total = max(wide - stride[axis], 0) if same else 0
        return extent.windowed(wide, stride[axis], total // 2)

    return seen.axes(change)


def _convolution(call: Call, seen: Geometry) -> Geometry:
    layer = call.operation
    dilation = _pair(getattr(layer, "dilation_rate", 1))
    return _window(
        seen,
        _pair(layer.kernel_size),
        _pair(layer.strides),
        dilation,
        layer.padding == "same",
    )


def _raw_convolution(call: Call, seen: Geometry) -> Geometry:
    operation = call.operation
    kernel = call.node.arguments.args[1]
    stride = _pair(operation.strides)
    dilation = _pair(operation.dilation_rate)
    return _window(
        seen,
        _pair(kernel.shape[:2]),
        stride,
        dilation,
        operation.padding == "same",
    )


def _pooling(call: Call, seen: Geometry) -> Geometry:
    layer = call.operation
    stride = layer.strides if layer.strides is not None else layer.pool_size
    return _window(
        seen,
        _pair(layer.pool_size),
        _pair(stride),
        (1, 1),
        layer.padding == "same",
    )


def _binomial_pooling(call: Call, seen: Geometry) -> Geometry:
    layer = call.operation
    return seen.axes(lambda extent, axis: extent.windowed(layer.window, layer.strides[axis], layer.reach))


def _zero_padding(call: Call, seen: Geometry) -> Geometry:
    padding = call.operation.padding
    return seen.axes(lambda extent, axis: extent.windowed(1, 1, padding[axis][0]))


def _cropping(call: Call, seen: Geometry) -> Geometry:
    cropping = call.operation.cropping
    return seen.axes(lambda extent, axis: extent.windowed(1, 1, -cropping[axis][0]))


def _raw_padding(call: Call, seen: Geometry) -> Geometry:
    width = call.operation.pad_width
    if len(width) != 4:
        return _unknown(call, seen)
    return seen.axes(lambda extent, axis: extent.windowed(1, 1, int(width[axis + 1][0])))


def _upsampling(call: Call, seen: Geometry) -> Geometry:
    """Nearest neighbor depends on one position; other interpolations on at most two more on each side."""
    size = _pair(call.operation.size)
    reach = 0 if call.operation.interpolation == "nearest" else 2
    return seen.axes(
        lambda extent, axis: extent.upsampled(size[axis], (1 + reach) * size[axis] - 1, reach * size[axis])
    )


def _filtered_upsampling(call: Call, seen: Geometry) -> Geometry:
    reach = call.operation.reach
    return seen.axes(lambda extent, axis: extent.upsampled(2, 2 * reach + 1, 2 * reach))


def _transposed(call: Call, seen: Geometry) -> Geometry:
    layer = call.operation
    kernel = _pair(layer.kernel_size)
    stride = _pair(layer.strides)

    def change(extent: Extent, axis: int) -> Extent:
        total = max(kernel[axis] - stride[axis], 0) if layer.padding == "same" else 0
        cut = total // 2
        return extent.upsampled(stride[axis], kernel[axis] - 1 - cut, cut)

    return seen.axes(change)


def _last_axis_only(call: Call, seen: Geometry) -> Geometry:
    axis = call.operation.axis
    axes = list(axis) if isinstance(axis, list | tuple) else [axis]
    rank = len(call.inputs[0].shape)
    return seen if all(each in (-1, rank - 1) for each in axes) else _unknown(call, seen)


def _dense(call: Call, seen: Geometry) -> Geometry:
    return seen


def _global(call: Call, seen: Geometry) -> Geometry:
    return seen.global_(call.operation.name, positions=False)


def _unknown(call: Call, seen: Geometry) -> Geometry:
    kept = len(call.outputs[0].shape) == 4 and call.outputs[0].shape[1] is None
    return seen.global_(call.operation.name, positions=kept and seen.has_positions)


RULES: dict[str, Rule] = {
    **dict.fromkeys(POINTWISE | AUGMENTATION, lambda call, seen: seen),
    **dict.fromkeys(("Conv2D", "DepthwiseConv2D", "SeparableConv2D"), _convolution),
    **dict.fromkeys(("MaxPooling2D", "AveragePooling2D", "ScaledPooling2D"), _pooling),
    "BinomialPooling2D": _binomial_pooling,
    **dict.fromkeys(("LayerNormalization", "UnitNormalization", "Softmax", "Concatenate", "Split"), _last_axis_only),
    **dict.fromkeys(("GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten"), _global),
    "Conv": _raw_convolution,
    "Conv2DTranspose": _transposed,
    "Cropping2D": _cropping,
    "Dense": _dense,
    "FilteredUpSampling2D": _filtered_upsampling,
    "Pad": _raw_padding,
    "UpSampling2D": _upsampling,
    "ZeroPadding2D": _zero_padding,
}


BOUNDED = frozenset(name for name, rule in RULES.items() if rule is not _global)
"""Layers whose outputs depend on a bounded part of the input."""


def geometry_of(model: Any, inputs: list[Geometry] | None = None) -> dict[int, Geometry]:
    """Compute the geometry of every tensor of a model, including those of nested models.

    Args:
        model: A model with a graph whose input is an image (B, H, W, C).
        inputs: Geometry of the inputs of the model; None if they are images.

    Returns:
        `id` of a symbolic tensor, such as `layer.output` -> its geometry. For a nested model that is called several
        times, the geometry is that of the last call.
    """
    found: dict[int, Geometry] = {}
    graph = graph_of(model)
    _walk(graph, inputs or [Geometry()] * len(graph.inputs), found)
    return found


def _walk(graph: Any, inputs: list[Geometry], found: dict[int, Geometry]) -> list[Geometry]:
    found.update((id(symbol), seen) for symbol, seen in zip(graph.inputs, inputs, strict=True))
    for call in calls_of(graph):
        if call.is_input:
            continue
        arguments = [found[id(symbol)] for symbol in call.inputs]
        inner = graph_of(call.operation)
        if inner is not None:
            outputs = _walk(inner, arguments[: len(inner.inputs)], found)
        else:
            outputs = [_one(call, arguments)] * len(call.outputs)
        found.update((id(symbol), seen) for symbol, seen in zip(call.outputs, outputs, strict=True))
    return [found[id(symbol)] for symbol in graph.outputs]


def _one(call: Call, arguments: list[Geometry]) -> Geometry:
    joined = arguments[0]
    for other in arguments[1:]:
        joined = _joined(call, joined, other)
    return RULES.get(type(call.operation).__name__, _unknown)(call, joined)


def _joined(call: Call, one: Geometry, other: Geometry) -> Geometry:
    if one.whole or other.whole:
        reason = one.reason or other.reason
        return one.global_(reason, positions=one.has_positions or other.has_positions)
    if (one.vertical.stride, one.horizontal.stride) != (other.vertical.stride, other.horizontal.stride):
        return _unknown(call, one)
    return Geometry(one.vertical.union(other.vertical), one.horizontal.union(other.horizontal))


def layer_geometry(model: Any) -> dict[str, Geometry]:
    """Return layer name -> geometry of its first output, in model order, without layers of nested models."""
    found = geometry_of(model)
    calls = calls_by_operation(graph_of(model))
    return {layer.name: found[id(calls[layer][0].outputs[0])] for layer in calls}


def untileable(model: Any) -> str:
    """Return the name of the first layer that depends on the whole image; empty if the network can be tiled."""
    found = geometry_of(model)
    symbols = [symbol for call in calls_of(graph_of(model)) for symbol in call.outputs]
    return next((found[id(symbol)].reason for symbol in symbols if found[id(symbol)].whole), "")


def padded_by_size(model: Any) -> str:
    """Return the name of the first layer whose padding depends on the size ("same" with a stride); empty if none."""
    for call in calls_of(graph_of(model)):
        if call.is_input:
            continue
        inner = graph_of(call.operation)
        layer = call.operation
        if inner is not None:
            found = padded_by_size(inner)
        else:
            strided = getattr(layer, "padding", None) == "same" and _strided(layer)
            found = str(layer.name) if strided else ""
        if found:
            return found
    return ""


def _strided(layer: Any) -> bool:
    """Return whether a layer has a stride above 1. Transposed convolutions do not count, because they enlarge."""
    if type(layer).__name__ == "Conv2DTranspose":
        return False
    strides = getattr(layer, "strides", 1) or getattr(layer, "pool_size", 1)
    return max(_pair(strides)) > 1
