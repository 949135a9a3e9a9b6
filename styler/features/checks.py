"""What goes into a model, held against what it takes, in words that help."""

from __future__ import annotations

from typing import Any

from styler.errors import ImageError
from styler.types import Tensor


def check_structure(images: Any, expected: Any) -> None:
    """Refuse a list or dict of inputs that is not the model's.

    Raises:
        ImageError: Another structure.
    """
    if not isinstance(expected, list | tuple | dict):
        return
    kind = dict if isinstance(expected, dict) else (list, tuple)
    same_keys = not isinstance(expected, dict) or (isinstance(images, dict) and set(images) == set(expected))
    if not isinstance(images, kind) or len(images) != len(expected) or not same_keys:
        names = list(expected) if isinstance(expected, dict) else [symbol.name for symbol in expected]
        message = f"expected {len(expected)} inputs, a {type(expected).__name__} of {names}, got {_told(images)}"
        raise ImageError(message)


def _told(images: Any) -> str:
    if isinstance(images, dict):
        return f"a dict of {list(images)}"
    if isinstance(images, list | tuple):
        return f"a {type(images).__name__} of {len(images)}"
    return f"one {type(images).__name__}"


def converted(images: Any, expected: Any, *, cast: bool) -> Any:
    """Tensors in the structure of the model's inputs.

    Args:
        images: Arrays or tensors.
        expected: The model's symbolic inputs.
        cast: Floats of another width become the model's.

    Raises:
        ImageError: Rank, channels, another fixed size, or dtype do not fit.
    """
    if isinstance(expected, dict):
        return {name: _converted(images[name], symbol, cast) for name, symbol in expected.items()}
    if isinstance(expected, list | tuple):
        return [_converted(image, symbol, cast) for image, symbol in zip(images, expected, strict=True)]
    return _converted(images, expected, cast)


def _converted(image: Any, symbol: Any, cast: bool) -> Tensor:
    import tensorflow as tf

    try:
        tensor = tf.convert_to_tensor(image)
    except (TypeError, ValueError) as cause:
        message = f"expected an array or tensor for {symbol.name!r}, got {type(image).__name__}: {cause}"
        raise ImageError(message) from cause
    if tensor.dtype == tf.string:
        message = f"expected an array or tensor for {symbol.name!r}, got text; read the image first"
        raise ImageError(message)
    _check_shape(tensor, symbol)
    wanted = tf.as_dtype(symbol.dtype)
    if wanted.is_floating != tensor.dtype.is_floating:
        advice = "divide pixels by 255 first" if wanted.is_floating else "give whole numbers"
        message = f"expected {wanted.name} for {symbol.name!r}, got {tensor.dtype.name}; {advice}"
        raise ImageError(message)
    return tf.cast(tensor, wanted) if cast else tensor


def _check_shape(tensor: Tensor, symbol: Any) -> None:
    given, wanted = tensor.shape, symbol.shape
    if given.rank is None:
        return
    fits = given.rank == len(wanted) and all(
        there is None or here is None or here == there for here, there in zip(given, wanted, strict=True)
    )
    if not fits:
        axes = "(batch, height, width, channels), " if len(wanted) == 4 else ""
        shown = "(" + ", ".join("any" if side is None else str(side) for side in wanted) + ")"
        message = f"expected {axes}{shown} for {symbol.name!r}, got {tuple(given)}; {_advice(given.rank, wanted)}"
        raise ImageError(message)


def _advice(rank: int, wanted: tuple[int | None, ...]) -> str:
    if rank == len(wanted) - 1:
        return "a single image still needs a batch axis: image[None]"
    if rank == len(wanted):
        return "change the size or the channels (drop alpha, repeat gray)"
    return "change the number of axes"


def check_finite(tensors: Any) -> None:
    """Refuse NaN and infinity, which would spread through every layer without a word.

    Raises:
        ImageError: There are some.
    """
    import keras
    import tensorflow as tf

    for tensor in keras.tree.flatten(tensors):
        if tensor.dtype.is_floating and not bool(tf.reduce_all(tf.math.is_finite(tensor))):
            count = int(tf.size(tensor)) - int(tf.math.count_nonzero(tf.math.is_finite(tensor)))
            message = (
                f"expected finite numbers, got NaN or infinity in {count} of {int(tf.size(tensor))} places; look for a "
                "division by zero where the image was made"
            )
            raise ImageError(message)
