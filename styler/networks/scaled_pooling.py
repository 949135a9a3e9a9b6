"""A pooling layer whose output is multiplied by a factor."""

from __future__ import annotations

from typing import Any

import keras  # noqa: TID253 - imported by `pooling` when a network is built

from styler.networks.runtime import DATA_FORMAT

KINDS = ("avg", "max")


@keras.saving.register_keras_serializable(package="styler")
class ScaledPooling2D(keras.layers.Layer):  # type: ignore[misc]
    """Average or max pooling, multiplied by a factor.

    Args:
        kind: "avg" or "max".
        factor: Factor for the pooled values.
        pool_size: Window, (height, width).
        strides: Strides, (height, width).
        padding: "valid" or "same".
        options: Options of every Keras layer, such as `name`.
    """

    def __init__(
        self,
        kind: str,
        factor: float = 1.0,
        pool_size: Any = (2, 2),
        strides: Any = (2, 2),
        padding: str = "valid",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.kind = kind
        self.factor = factor
        self.pool_size = tuple(pool_size)
        self.strides = tuple(strides)
        self.padding = padding

    def call(self, inputs: Any) -> Any:
        """Pool activations of shape (B, H, W, C) to shape (B, H', W', C)."""
        pool = keras.ops.average_pool if self.kind == "avg" else keras.ops.max_pool
        return (
            pool(
                inputs,
                self.pool_size,
                self.strides,
                self.padding,
                DATA_FORMAT,
            )
            * self.factor
        )

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output shape of `call`."""
        return tuple(self.compute_output_spec(keras.KerasTensor(input_shape)).shape)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the output shape and dtype of `call`."""
        windows = self.pool_size, self.strides, self.padding, DATA_FORMAT
        pooled = keras.ops.average_pool(keras.KerasTensor(inputs.shape), *windows)
        return keras.KerasTensor(pooled.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration from which `from_config` makes an equal layer."""
        own = {name: getattr(self, name) for name in ("kind", "factor", "pool_size", "strides", "padding")}
        return {**super().get_config(), **own}
