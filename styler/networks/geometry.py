"""Stride and receptive field of every tensor of a Keras model, from its graph.

Position `p` of an activation sees the pixels `p * stride + low` to `p * stride + high` along an axis. Sizes that are
multiples of the deepest stride are assumed where padding depends on the size ("same" with a stride). What a layer
does to support is read off its configuration; a layer that is not known here counts as seeing the whole image, which
is always safe.

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
    """Support along one axis, in pixels."""

    stride: Fraction = Fraction(1)
    low: Fraction = Fraction(0)
    high: Fraction = Fraction(0)

    def windowed(self, kernel: int, stride: int, before: int) -> Extent:
        """After a window of `kernel` places that moves by `stride` and starts `before` places early."""
        low, high = -before * self.stride, (kernel - 1 - before) * self.stride
        return Extent(self.stride * stride, self.low + low, self.high + high)

    def upsampled(self, factor: int, before: int, after: int) -> Extent:
        """After `factor` positions for each one, each made of `before` to `after` fine places around it."""
        fine = self.stride / factor
        return Extent(fine, self.low - before * fine, self.high + after * fine)

    def union(self, other: Extent) -> Extent:
        """What two branches see together; both have the same stride."""
        return Extent(self.stride, min(self.low, other.low), max(self.high, other.high))

    @property
    def field(self) -> int:
        """Pixels from the first to the last that can matter."""
        return int(self.high - self.low) + 1


@dataclass(frozen=True, slots=True)
class Geometry:
    """How an activation sees the image.

    Attributes:
        vertical: Along the height.
        horizontal: Along the width.
        whole: Every position may depend on every pixel.
        has_positions: Height and width are still those of the image, divided by the stride.
        reason: The first layer that made it so, when `whole`.
    """

    vertical: Extent = Extent()
    horizontal: Extent = Extent()
    whole: bool = False
    has_positions: bool = True
    reason: str = ""

    @property
    def stride(self) -> Fraction:
        """Pixels between neighboring positions, the larger of the two axes."""
        return max(self.vertical.stride, self.horizontal.stride)

    @property
    def field(self) -> int | None:
        """Side of the receptive field in pixels, the larger of the two axes; None for the whole image."""
        return None if self.whole else max(self.vertical.field, self.horizontal.field)

    def axes(self, change: Callable[[Extent, int], Extent]) -> Geometry:
        """The same with both axes changed; axis 0 is the height."""
        return Geometry(
            change(self.vertical, 0), change(self.horizontal, 1), self.whole, self.has_positions, self.reason
        )

    def global_(self, reason: str, *, positions: bool) -> Geometry:
        """The whole image is seen from here on."""
        return Geometry(self.vertical, self.horizontal, True, positions, self.reason or reason)


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
"""Layers and operations whose output at a position depends on that position alone (in inference)."""


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
"""Layers of Keras that change images in training only; in inference they give what they are given."""


def _pair(value: Any) -> Pair:
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _window(seen: Geometry, kernel: Pair, stride: Pair, dilation: Pair, same: bool) -> Geometry:
    def change(extent: Extent, axis: int) -> Extent:
        wide = (kernel[axis] - 1) * dilation[axis] + 1
        total = max(wide - stride[axis], 0) if same else 0
        return extent.windowed(wide, stride[axis], total // 2)

    return seen.axes(change)


def _convolution(call: Call, seen: Geometry) -> Geometry:
    layer = call.operation
    dilation = _pair(getattr(layer, "dilation_rate", 1))
    return _window(seen, _pair(layer.kernel_size), _pair(layer.strides), dilation, layer.padding == "same")


def _raw_convolution(call: Call, seen: Geometry) -> Geometry:
    operation, kernel = call.operation, call.node.arguments.args[1]
    stride, dilation = _pair(operation.strides), _pair(operation.dilation_rate)
    return _window(seen, _pair(kernel.shape[:2]), stride, dilation, operation.padding == "same")


def _pooling(call: Call, seen: Geometry) -> Geometry:
    layer = call.operation
    stride = layer.strides if layer.strides is not None else layer.pool_size
    return _window(seen, _pair(layer.pool_size), _pair(stride), (1, 1), layer.padding == "same")


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
    """Nearest neighbor sees one position; bilinear and the like see two more on each side at most."""
    size, reach = _pair(call.operation.size), 0 if call.operation.interpolation == "nearest" else 2
    return seen.axes(
        lambda extent, axis: extent.upsampled(size[axis], (1 + reach) * size[axis] - 1, reach * size[axis])
    )


def _transposed(call: Call, seen: Geometry) -> Geometry:
    layer = call.operation
    kernel, stride = _pair(layer.kernel_size), _pair(layer.strides)

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
    **dict.fromkeys(("LayerNormalization", "UnitNormalization", "Softmax", "Concatenate", "Split"), _last_axis_only),
    **dict.fromkeys(("GlobalAveragePooling2D", "GlobalMaxPooling2D", "Flatten"), _global),
    "Conv": _raw_convolution,
    "Conv2DTranspose": _transposed,
    "Cropping2D": _cropping,
    "Dense": _dense,
    "Pad": _raw_padding,
    "UpSampling2D": _upsampling,
    "ZeroPadding2D": _zero_padding,
}


BOUNDED = frozenset(name for name, rule in RULES.items() if rule is not _global)
"""Layers that see a bounded part of what they are given."""


def geometry_of(model: Any, inputs: list[Geometry] | None = None) -> dict[int, Geometry]:
    """Geometry of every tensor of a model of one image, nested models included.

    Args:
        model: A model with a graph whose input is (B, H, W, C).
        inputs: How what the model is given sees the image; None for the image itself.

    Returns:
        `id` of a symbolic tensor, such as `layer.output`, -> its geometry. Tensors within a nested model that is
        called several times have that of the last call.
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
    """Layer name -> geometry of its first output, for the layers of the model itself, in model order."""
    found = geometry_of(model)
    calls = calls_by_operation(graph_of(model))
    return {layer.name: found[id(calls[layer][0].outputs[0])] for layer in calls}


def untileable(model: Any) -> str:
    """The first layer that looks at the whole image; empty for a network that can be computed tile by tile."""
    found = geometry_of(model)
    symbols = [symbol for call in calls_of(graph_of(model)) for symbol in call.outputs]
    return next((found[id(symbol)].reason for symbol in symbols if found[id(symbol)].whole), "")


def padded_by_size(model: Any) -> str:
    """The first layer with "same" padding and a stride: where it pads depends on the size; empty if there is none."""
    for call in calls_of(graph_of(model)):
        if call.is_input:
            continue
        inner, layer = graph_of(call.operation), call.operation
        if inner is not None:
            found = padded_by_size(inner)
        else:
            strided = getattr(layer, "padding", None) == "same" and _strided(layer)
            found = str(layer.name) if strided else ""
        if found:
            return found
    return ""


def _strided(layer: Any) -> bool:
    """Whether a window moves by more than one place; transposed convolutions only ever grow."""
    if type(layer).__name__ == "Conv2DTranspose":
        return False
    strides = getattr(layer, "strides", 1) or getattr(layer, "pool_size", 1)
    return max(_pair(strides)) > 1
