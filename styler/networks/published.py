"""The pretrained weights that Keras publishes: file names, checksums, URLs, and models built with them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A network of `keras.applications`.

    Attributes:
        module: Its module in `keras.applications`.
        function: The function in `keras.applications` that builds it.
        filename: File with the weights without classifier.
        digest: Keras's checksum of that file, MD5 (32 digits) or SHA-256 (64 digits); empty if Keras publishes none.
    """

    module: str
    function: str
    filename: str
    digest: str


# File names and checksums of Keras 3.15.1: the argument `file_hash` of each download in `keras/src/applications/`.
# `tests/unit/networks/test_published.py` compares them with the installed Keras.
APPLICATIONS = {
    "vgg16": Application(
        module="vgg16",
        function="VGG16",
        filename="vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        digest="6d6bbae143d832006294945121d1f1fc",
    ),
    "vgg19": Application(
        module="vgg19",
        function="VGG19",
        filename="vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        digest="253f8cb515780f3b799900260a226db6",
    ),
    "resnet50": Application(
        module="resnet",
        function="ResNet50",
        filename="resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        digest="4d473c1dd8becc155b73f8504c6f6626",
    ),
    "mobilenet_v2": Application(
        module="mobilenet_v2",
        function="MobileNetV2",
        filename="mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        digest="",
    ),
    "efficientnet_b0": Application(
        module="efficientnet",
        function="EfficientNetB0",
        filename="efficientnetb0_notop.h5",
        digest="50bc09e76180e00e4465e1a485ddc09d",
    ),
    "densenet121": Application(
        module="densenet",
        function="DenseNet121",
        filename="densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        digest="30ee3e1110167f948a6b9946edeeb738",
    ),
    "inception_v3": Application(
        module="inception_v3",
        function="InceptionV3",
        filename="inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        digest="bcbd6486424b2319ff4ef7d526e38f63",
    ),
    "convnext_tiny": Application(
        module="convnext",
        function="ConvNeXtTiny",
        filename="convnext_tiny_notop.h5",
        digest="d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
}

_SWAPPING = threading.Lock()


class _Asked(Exception):
    """Raised with the file that Keras tries to download."""

    def __init__(
        self,
        filename: str,
        address: str,
        digest: str,
    ) -> None:
        super().__init__(filename)
        self.filename = filename
        self.address = address
        self.digest = digest


@contextmanager
def _downloads(module: str, answer: Callable[..., str]) -> Iterator[None]:
    """Context manager in which one module of `keras.applications` calls `answer` instead of downloading a file.

    Keras cannot build a network with ImageNet weights from a given file. EfficientNet, for example, gets a different
    layer for its published weights than for the same file given by path.
    """
    from importlib import import_module

    owner: Any = import_module(f"keras.src.applications.{module}")
    with _SWAPPING:
        kept = owner.file_utils
        owner.file_utils = SimpleNamespace(get_file=answer)
        try:
            yield
        finally:
            owner.file_utils = kept


def download_of(name: str) -> tuple[str, str, str]:
    """Return the file name, URL and checksum (or "") that the installed Keras has for the weights of a network."""
    application = APPLICATIONS[name]

    def note(
        fname: str,
        origin: str,
        *_: Any,
        file_hash: str = "",
        **__: Any,
    ) -> str:
        raise _Asked(fname, origin, file_hash or "")

    with _downloads(application.module, note):
        try:
            _build(application, "imagenet")
        except _Asked as asked:
            return asked.filename, asked.address, asked.digest
    message = f"Keras built {name} without a download"
    raise RuntimeError(message)


def build_published(name: str, weights: Path | None) -> keras.Model:
    """Build a network without classifier, for images of any size.

    Args:
        name: Key of `APPLICATIONS`.
        weights: File with published weights; None for random weights.

    Returns:
        Model that takes `inputs` (B, H, W, 3) in the network's units. Its layers have the same names in every process.
    """
    application = APPLICATIONS[name]
    if weights is None:
        return _with_stable_names(_build(application, None))
    with _downloads(application.module, lambda *_, **__: str(weights)):
        return _with_stable_names(_build(application, "imagenet"))


def _build(application: Application, weights: str | None) -> keras.Model:
    import warnings

    import keras

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`input_shape` is undefined")  # MobileNetV2; any size is intended
        make = getattr(keras.applications, application.function)
        return make(
            include_top=False,
            weights=weights,
            input_shape=(None, None, 3),
        )


AUTOMATIC = [
    "activation",
    "average_pooling2d",
    "batch_normalization",
    "concatenate",
    "conv2d",
    "input_layer",
    "max_pooling2d",
    "normalization",
    "rescaling",
    "zero_padding2d",
]


def _with_stable_names(model: keras.Model) -> keras.Model:
    """Renumber the layers that Keras has named with a counter that continues over all models of the process.

    The first such layer of a second Inception in a process is then called `conv2d`, not `conv2d_94`.
    """
    numbered: dict[str, list[tuple[int, Any]]] = {kind: [] for kind in AUTOMATIC}
    for layer in model.layers:
        kind, _, number = layer.name.rpartition("_")
        if layer.name in numbered:
            numbered[layer.name].append((0, layer))
        elif kind in numbered and number.isdigit():
            numbered[kind].append((int(number), layer))
    for kind, layers in numbered.items():
        for index, (_, layer) in enumerate(sorted(layers, key=lambda pair: pair[0])):
            layer.name = f"{kind}_{index}" if index else kind
    return model
