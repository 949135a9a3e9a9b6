"""Checks and converts the inputs of a model, in every form that Keras accepts, with helpful error messages."""

from __future__ import annotations

from typing import Any

from styler.errors import ImageError, NetworkError
from styler.types import Tensor


def check_has_values(model: Any) -> None:
    """Refuse a model whose weights are symbols of a `tf.Graph` and have no values.

    Raises:
        NetworkError: The model was created without eager execution.
    """
    import tensorflow as tf

    plain = [each.value for each in model.variables if not isinstance(each.value, tf.distribute.DistributedValues)]
    for variable in plain:
        if tf.is_symbolic_tensor(getattr(variable, "handle", None)):
            message = (
                f"expected a model whose weights have values, but {model.name!r} was created in a tf.Graph or without "
                "eager execution, where Keras gives them none; create or load it before "
                "tf.compat.v1.disable_eager_execution(), or in a separate process"
            )
            raise NetworkError(message)


def arranged(images: Any, expected: Any) -> list[Any]:
    """Return the values of a model's inputs, in the order of `keras.tree.flatten(expected)`.

    If the model has a list of inputs, the caller may pass a dict by input name. A dict may have additional keys, and
    may omit optional inputs. A list or dict with one item may be passed for the only input.

    Args:
        images: The inputs that the caller passed.
        expected: The model's symbolic inputs: a tensor, or a (nested) list, tuple or dict of tensors.

    Returns:
        One value per input; None for an optional input that is omitted.

    Raises:
        ImageError: The structure of `images` does not fit.
    """
    import keras

    symbols = keras.tree.flatten(expected)
    if not isinstance(expected, list | tuple | dict):
        return [_only(images, expected)]
    if isinstance(images, dict):
        return _by_name(images, expected, symbols)
    if len(symbols) == 1:
        return [_only(images, symbols[0])]
    sortable = not isinstance(expected, dict) or list(expected) == sorted(expected)
    if isinstance(images, list | tuple) and len(images) == len(expected) and sortable:
        places = [expected[key] for key in sorted(expected)] if isinstance(expected, dict) else expected
        return [value for image, place in zip(images, places, strict=True) for value in arranged(image, place)]
    raise _other_structure(images, expected, symbols)


def _only(images: Any, symbol: Any) -> Any:
    """Return the value of the only input, which may be in a list or dict with one item.

    A list that stands for an array is returned unchanged.
    """
    if isinstance(images, dict):
        return _by_name(images, [symbol], [symbol])[0]
    if isinstance(images, list | tuple) and len(images) == 1:
        rank = _rank(images[0])
        shape = tuple(symbol.shape)
        if rank is not None and (rank + 1 != len(shape) or shape[1:] == (1,)):
            return images[0]
    return images


def _rank(value: Any) -> int | None:
    """Return the number of axes of an array or tensor; None for other objects."""
    shape = getattr(value, "shape", None)
    rank = getattr(shape, "rank", None)
    return rank if rank is not None or shape is None else len(tuple(shape))


def _by_name(images: dict[Any, Any], expected: Any, symbols: list[Any]) -> list[Any]:
    if isinstance(expected, dict):
        wanted: list[tuple[Any, Any]] = [(key, expected[key]) for key in sorted(expected)]
    elif all(hasattr(each, "shape") for each in expected):
        wanted = [(symbol.name, symbol) for symbol in expected]
    else:
        raise _other_structure(images, expected, symbols)
    found = []
    for key, place in wanted:
        if key not in images and not is_optional(place):
            raise _other_structure(images, expected, symbols)
        found += arranged(images.get(key), place)
    return found


def is_optional(symbol: Any) -> bool:
    """Whether an input was declared optional."""
    layer = getattr(getattr(symbol, "_keras_history", None), "operation", None)
    return bool(getattr(layer, "optional", False))


def _other_structure(images: Any, expected: Any, symbols: list[Any]) -> ImageError:
    names = list(expected) if isinstance(expected, dict) else [symbol.name for symbol in symbols]
    kind = type(expected).__name__
    return ImageError(f"expected {len(names)} input{'s' * (len(names) > 1)}, a {kind} of {names}, got {_told(images)}")


def _told(images: Any) -> str:
    if isinstance(images, dict):
        return f"a dict of {list(images)}"
    if isinstance(images, list | tuple):
        return f"a {type(images).__name__} of {len(images)}"
    return f"one {type(images).__name__}"


def converted(
    value: Any,
    symbol: Any,
    *,
    pixels: bool,
    eager: bool,
) -> Tensor | None:
    """Convert a value to a tensor that an input of the model takes.

    Args:
        value: Array, tensor (dense, ragged or sparse), text, or None for an optional input.
        symbol: The symbolic input.
        pixels: Whether the value is RGB in 0..1 for a preprocessing function; integers are then refused.
        eager: Whether to cast numbers to the model's dtype, as Keras does; in a graph, Keras casts them itself.

    Raises:
        ImageError: The rank, the channels, a fixed size or the kind of values does not fit.
    """
    import tensorflow as tf

    if value is None:
        if is_optional(symbol):
            return None
        message = f"expected an array or tensor for {symbol.name!r}, got None; only an optional input can be omitted"
        raise ImageError(message)
    tensor = _as_tensor(value, symbol)
    if eager and tf.is_symbolic_tensor(tensor):
        message = (
            f"expected numbers for {symbol.name!r}, got the symbolic tensor {tensor.name!r} of a tf.Graph; pass an "
            "array, such as the result of session.run, or make the call inside a tf.function"
        )
        raise ImageError(message)
    if isinstance(tensor, tf.RaggedTensor) and not getattr(symbol, "ragged", False):
        message = (
            f"expected a dense tensor for {symbol.name!r}, got a ragged one; call .to_tensor() on it, or declare the "
            "input with keras.Input(..., ragged=True)"
        )
        raise ImageError(message)
    if isinstance(tensor, tf.SparseTensor) and not getattr(symbol, "sparse", False):
        tensor = tf.sparse.to_dense(tensor)
    _check_kind(tensor, symbol, pixels)
    tensor = _in_rank(tensor, symbol)
    _check_shape(tensor, symbol)
    wanted = tf.as_dtype(symbol.dtype)
    if not eager or tensor.dtype == wanted:
        return tensor
    if tensor.dtype.is_floating and wanted.is_integer:
        _check_whole(tensor, symbol)
    return tf.cast(tensor, wanted)


def _as_tensor(value: Any, symbol: Any) -> Tensor:
    import tensorflow as tf

    if isinstance(value, tf.RaggedTensor | tf.SparseTensor):
        return value
    try:
        return tf.convert_to_tensor(value)
    except (TypeError, ValueError) as cause:
        reason = next(iter(str(cause).splitlines()), type(cause).__name__)
        message = f"expected an array or tensor for {symbol.name!r}, got {type(value).__name__}: {reason}"
        raise ImageError(message) from cause


def _check_kind(tensor: Tensor, symbol: Any, pixels: bool) -> None:
    """Refuse text for numbers, numbers for text, complex for real numbers, and integers for pixels in 0..1."""
    import tensorflow as tf

    wanted = tf.as_dtype(symbol.dtype)
    given = tensor.dtype
    if given == tf.string and wanted != tf.string:
        advice = "read the image first" if len(symbol.shape) == 4 else "pass numbers"
        message = f"expected an array or tensor for {symbol.name!r}, got text; {advice}"
    elif wanted == tf.string and given != tf.string:
        message = f"expected text for {symbol.name!r}, got {given.name}; pass strings"
    elif given.is_complex and not wanted.is_complex:
        message = f"expected {wanted.name} for {symbol.name!r}, got {given.name}; take its real part or its magnitude"
    elif pixels and wanted.is_floating and not given.is_floating:
        message = (
            f"expected {wanted.name} in 0..1 for {symbol.name!r}, got {given.name}; divide pixels by 255; the "
            "preprocessing does the rest"
        )
    else:
        return
    raise ImageError(message)


def _check_whole(tensor: Tensor, symbol: Any) -> None:
    import tensorflow as tf

    values = _values(tensor)
    if not bool(tf.reduce_all(values == tf.math.round(values))):
        message = f"expected {symbol.dtype} for {symbol.name!r}, got {tensor.dtype.name}; pass whole numbers"
        raise ImageError(message)


def _in_rank(tensor: Tensor, symbol: Any) -> Tensor:
    """Add or remove a last axis of length 1, as Keras does, but not for a single image without a batch axis."""
    import tensorflow as tf

    given = tensor.shape
    wanted = symbol.shape
    if not isinstance(tensor, tf.Tensor) or given.rank is None:
        return tensor
    if given.rank == len(wanted) + 1 and given[-1] == 1:
        return tf.squeeze(tensor, -1)
    if given.rank == len(wanted) - 1 and wanted and wanted[-1] == 1 and (given.rank < 3 or given[-1] != 1):
        return tensor[..., None]
    return tensor


def _check_shape(tensor: Tensor, symbol: Any) -> None:
    given = tensor.shape
    wanted = symbol.shape
    axes = "(batch, height, width, channels), " if len(wanted) == 4 else ""
    shown = "(" + ", ".join("any" if side is None else str(side) for side in wanted) + ")"
    if given.rank is None:
        pattern = "(" + ", ".join(map(str, wanted)) + ("," if len(wanted) == 1 else "") + ")"
        message = (
            f"expected {axes}{shown} for {symbol.name!r}, got a tensor of unknown rank; set its shape first with "
            f"tf.ensure_shape(tensor, {pattern})"
        )
        raise ImageError(message)
    fits = given.rank == len(wanted) and all(
        there is None or here is None or here == there for here, there in zip(given, wanted, strict=True)
    )
    if not fits:
        message = f"expected {axes}{shown} for {symbol.name!r}, got {tuple(given)}; {_advice(given.rank, wanted)}"
        raise ImageError(message)


def _advice(rank: int, wanted: tuple[int | None, ...]) -> str:
    if rank == len(wanted) - 1:
        return "a single image also needs a batch axis: image[None]"
    if rank == len(wanted):
        return "change the size or the channels (drop alpha, repeat gray)"
    return "change the number of axes"


def _values(tensor: Tensor) -> Tensor:
    """Return the numbers in a dense, ragged or sparse tensor."""
    return getattr(tensor, "flat_values", getattr(tensor, "values", tensor))


def check_finite(tensors: Any) -> None:
    """Refuse NaN and infinity, which would silently spread through every layer.

    Raises:
        ImageError: A tensor contains NaN or infinity.
    """
    import tensorflow as tf

    for tensor in tensors:
        if tensor is None or not tensor.dtype.is_floating:
            continue
        values = _values(tensor)
        if not bool(tf.reduce_all(tf.math.is_finite(values))):
            count = int(tf.size(values)) - int(tf.math.count_nonzero(tf.math.is_finite(values)))
            message = (
                f"expected finite numbers, got NaN or infinity in {count} of {int(tf.size(values))} values; look for a "
                "division by zero in the code that made the image"
            )
            raise ImageError(message)
