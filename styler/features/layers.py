"""Layer addresses: which exist, and what each gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from styler.errors import LayerError, suggestion

if TYPE_CHECKING:
    import keras

HEADINGS = ("layer", "type", "shape", "parameters", "stride", "field")


def check_addresses(layers: Iterable[str], known: Iterable[str], network: str) -> tuple[str, ...]:
    """Layer names that exist, each once.

    Raises:
        LayerError: None, one twice, or an unknown one.
    """
    addresses, names = tuple(layers), list(known)
    if not addresses:
        message = f"no layers asked for. {suggestion('', names)}"
        raise LayerError(message)
    for index, address in enumerate(addresses):
        if address not in names:
            message = f"unknown layer {address!r} of {network}. {suggestion(address, names)}"
            raise LayerError(message)
        if address in addresses[:index]:
            message = f"layer {address!r} is asked for twice"
            raise LayerError(message)
    return addresses


def layer_table(model: keras.Model, size: int) -> str:
    """Every convolution and pooling of a chain of layers, aligned in columns.

    Args:
        model: A model of images whose layers follow one another.
        size: Side of a square image, pixels.

    Returns:
        Lines of name, type, output shape at `size`, parameters, stride and receptive field (both in pixels).
    """
    rows, stride, field, side = [HEADINGS], 1, 1, size
    for layer in model.layers:
        extent = _extent(layer)
        if extent is None:
            continue
        kernel, step = extent
        field, stride = field + (kernel - 1) * stride, stride * step
        side //= step
        shape = f"{side}x{side}x{layer.output.shape[-1]}"
        count = f"{layer.count_params():,}"
        rows.append((layer.name, type(layer).__name__, shape, count, str(stride), str(field)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _extent(layer: keras.layers.Layer) -> tuple[int, int] | None:
    """Kernel side and stride of a convolution or pooling; None for other layers."""
    if hasattr(layer, "kernel_size") and hasattr(layer, "strides"):
        return layer.kernel_size[0], layer.strides[0]
    if hasattr(layer, "pool_size"):
        return layer.pool_size[0], layer.strides[0]
    return None
