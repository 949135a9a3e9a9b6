"""Enlargement of activations with a choice of filters."""

from __future__ import annotations

from typing import Any, ClassVar

import keras  # noqa: TID253 - imported by `decoder` when the decoder is built

BILINEAR = (1 / 4, 3 / 4)
"""Bilinear interpolation."""

SMOOTH = (1 / 16, 5 / 16, 7 / 16, 3 / 16)
"""Convolution with [1, 2, 1] / 4, then bilinear interpolation.

The convolution removes the pattern that alternates from one position to the next. Interpolation leaves faint replicas
of coarse patterns at these frequencies, and ReLUs make a lattice of them, which shows in flat areas of a picture.
"""


@keras.saving.register_keras_serializable(package="styler")
class FilteredUpSampling2D(keras.layers.Layer):  # type: ignore[misc]
    """Enlargement by two along each axis, with mirrored borders.

    Args:
        filter: Weights of an even number of positions, the last of which is one after the position that is enlarged,
            or that position itself if there are two; they give the first of its two new positions. The second one has
            the same weights in reverse.
        **options: Those of every Keras layer.

    Attributes:
        size: Factor of the enlargement, (height, width).
        reach: Positions on each side that a new position depends on.
    """

    size: ClassVar[tuple[int, int]] = (2, 2)

    def __init__(self, filter: tuple[float, ...] = BILINEAR, **options: Any) -> None:
        super().__init__(**options)
        self.filter = tuple(filter)
        self.reach = len(filter) // 2

    def call(self, inputs: Any) -> Any:
        """Enlarge activations of shape (B, H, W, C) to shape (B, 2 H, 2 W, C)."""
        x = inputs
        reach = self.reach
        high = keras.ops.pad(x, ((0, 0), (reach, reach), (0, 0), (0, 0)), mode="reflect")
        shifted = [high[:, i : i - 2 * reach or None] for i in range(2 * reach + 1)]
        batch, height, width = keras.ops.shape(x)[:3]
        channels = x.shape[3]
        x = keras.ops.reshape(keras.ops.stack(self._phases(shifted), axis=2), (batch, 2 * height, width, channels))
        wide = keras.ops.pad(x, ((0, 0), (0, 0), (reach, reach), (0, 0)), mode="reflect")
        shifted = [wide[:, :, i : i - 2 * reach or None] for i in range(2 * reach + 1)]
        return keras.ops.reshape(
            keras.ops.stack(self._phases(shifted), axis=3), (batch, 2 * height, 2 * width, channels)
        )

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output shape of `call`."""
        batch, height, width, channels = input_shape
        return batch, _twice(height), _twice(width), channels

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the layer."""
        return {**super().get_config(), "filter": self.filter}

    def _phases(self, shifted: list[Any]) -> list[Any]:
        """Return the first and the second new positions, from activations shifted by -reach to reach positions."""
        first = [weight * part for weight, part in zip(self.filter, shifted[:-1], strict=True)]
        second = [weight * part for weight, part in zip(reversed(self.filter), shifted[1:], strict=True)]
        return [sum(first[1:], first[0]), sum(second[1:], second[0])]


def _twice(extent: int | None) -> int | None:
    return None if extent is None else 2 * extent
