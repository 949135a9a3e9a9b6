"""Several layers of a Keras model as one multi-output model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from styler.errors import ImageError
from styler.features.layers import check_addresses
from styler.types import Features, Tensor

if TYPE_CHECKING:
    import keras


class FeatureExtractor:
    """Images in, `{address: activations}` out, in the order asked for.

    The layers become the outputs of one functional model that ends at the deepest of them.

    Args:
        model: A built Sequential or functional Keras model of images (B, H, W, 3).
        layers: Layer names, each once.
        preprocess: Applied to the images first: RGB 0..1 -> the model's units. None passes them on.

    Raises:
        LayerError: No layers, one twice, or one that the model does not have.

    Example:
        >>> extractor = FeatureExtractor(model, ["block1_conv1", "block4_conv2"])
        >>> features = extractor(images)
        >>> features["block4_conv2"].shape
        TensorShape([1, 64, 48, 512])
    """

    def __init__(
        self,
        model: keras.Model,
        layers: Iterable[str],
        *,
        preprocess: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        import keras

        self.addresses = check_addresses(layers, [layer.name for layer in model.layers], model.name)
        self._preprocess = preprocess
        outputs = [model.get_layer(name).output for name in self.addresses]
        self.model = keras.Model(model.inputs, outputs, name=f"{model.name}_features")

    def __call__(self, images: Tensor) -> Features:
        """Extract.

        Args:
            images: (B, H, W, 3) float, RGB 0..1 with `preprocess`, else in the model's units.

        Returns:
            Address -> activations (B, H', W', C), in the order of `addresses`.

        Raises:
            ImageError: `images` does not have four axes.
        """
        if len(images.shape) != 4:
            message = f"expected images of shape (batch, height, width, 3), got {tuple(images.shape)}"
            raise ImageError(message)
        inputs = self._preprocess(images) if self._preprocess else images
        outputs = self.model(inputs)
        return dict(zip(self.addresses, outputs, strict=True))
