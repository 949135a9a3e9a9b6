"""Finds a network by name or path. A user's `.keras` file is checked before any of its code can run."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from styler.errors import NetworkError, suggestion
from styler.networks import preprocess as p
from styler.networks.geometry import BOUNDED
from styler.networks.names import quoted
from styler.networks.pooling import repooled
from styler.networks.runtime import building
from styler.networks.spec import NETWORKS, NetworkSpec, decreasing
from styler.networks.weights import located
from styler.types import PathLike

if TYPE_CHECKING:
    import keras

CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D")
SUFFIX = ".keras"
GRAPH_SUFFIX = ".pb"
STYLES = 5  # number of default style layers, as for VGG
SMALLEST = 32  # pixels, for five strides of two
NESTED = ("Functional", "Sequential")
WEIGHTS = "model.weights.h5"
OWN_PACKAGES = ("keras", "builtins", None)
LARGEST_CONFIG = 1 << 26  # bytes of JSON; a network with a thousand layers has about one million


def find_network(name_or_path: PathLike, *, allow_code: bool = False, rendering: bool = True) -> NetworkSpec:
    """Return the network with a registered name, or in a user's `.keras` file, without importing TensorFlow.

    Args:
        name_or_path: "vgg19", or a path.
        allow_code: Allow the file to run its own Python code when its network is built.
        rendering: Refuse a file that cannot be used for rendering, because it has no convolutions or is not for color
            images.

    Raises:
        NetworkError: The name or file does not exist, the file is not a Keras model, or it contains code and
            `allow_code` is false.
    """
    text = str(name_or_path)
    if text in NETWORKS:
        return NETWORKS[text]
    path = Path(name_or_path)
    if is_saved_model(path):
        message = (
            f"{path} is a SavedModel, which has no Keras layers: styler features and GraphExtractor can read it, "
            f"but it cannot be used to render; for that, save the network with model.save('x{SUFFIX}')"
        )
        raise NetworkError(message)
    if not path.exists() and path.suffix != SUFFIX and len(path.parts) == 1:
        message = f"unknown network {text!r}. {suggestion(text, NETWORKS)} Or give the path of a {SUFFIX} file"
        raise NetworkError(message)
    return _of_file(path, allow_code, rendering)


def network_file(network: NetworkSpec, name: str) -> Path | None:
    """Return the file that a network is read from: the weights of a registered network, or the user's own file.

    Args:
        network: The network with this name.
        name: Name or path in the config.

    Returns:
        None for a network that has no file, or whose weights are not on this machine.
    """
    path = located(network.weights_file) if network.weights_file else Path(name)
    return path if path is not None and path.is_file() else None


def decoder_file(network: NetworkSpec) -> Path | None:
    """Return the file with the weights of a network's decoder; None if there is none on this machine."""
    return None if network.decoder is None else located(network.decoder.weights_file)


def is_saved_model(path: PathLike) -> bool:
    """Return whether a path is a folder written by `tf.saved_model.save` or `model.export`."""
    folder = Path(path)
    return any((folder / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt"))


def is_graph(path: PathLike) -> bool:
    """Return whether a path is a SavedModel or, by its suffix, a frozen graph. Neither has Keras layers."""
    return is_saved_model(path) or (Path(path).suffix == GRAPH_SUFFIX and Path(path).is_file())


def _of_file(path: Path, allow_code: bool, rendering: bool) -> NetworkSpec:
    config = read_config(path)
    foreign = sorted(set(foreign_code(config)))
    if foreign and not allow_code:
        message = (
            f"{path} contains its own code ({', '.join(foreign)}), which would run on this machine; if you trust its "
            "source, pass --allow-code (find_network(..., allow_code=True))"
        )
        raise NetworkError(message)
    layers = _convolutions(config)
    if rendering and not layers:
        message = f"{path} has no convolutions, but an image network needs at least one; choose another network"
        raise NetworkError(message)
    preprocess = p.bytes_range if scales_bytes(config) else p.unchanged
    return NetworkSpec(
        name=str(path),
        build=partial(
            _load,
            path,
            allow_code,
            preprocess,
            rendering,
        ),
        preprocess=preprocess,
        style_layers=decreasing(spread(layers, STYLES)),
        content_layers=tuple((name, 1.0) for name in layers[round(0.7 * (len(layers) - 1)) :][:1]),
        layer_names=tuple(_names(config)),
        summary=f"your file, pixels {'0..255' if scales_bytes(config) else '0..1'}",
        minimum_size=SMALLEST if rendering else 1,
        tileable=all(
            layer["class_name"] in NESTED or layer["class_name"] in BOUNDED for layer in _inner_layers(config)
        ),
    )


def read_config(path: Path) -> dict[str, Any]:
    """Read the description of the model in a `.keras` file, without running any code.

    Raises:
        NetworkError: The file does not exist or is not a `.keras` file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if WEIGHTS not in archive.namelist() or archive.getinfo("config.json").file_size > LARGEST_CONFIG:
                message = f"{path} is not a {SUFFIX} file: no {WEIGHTS}; save the model with model.save('x{SUFFIX}')"
                raise NetworkError(message)
            config: dict[str, Any] = json.loads(archive.read("config.json"))
            return config
    except OSError as cause:
        message = f"cannot read {path}: {cause.strerror or cause}; expected a {SUFFIX} file"
        raise NetworkError(message) from cause
    except (zipfile.BadZipFile, KeyError, ValueError) as cause:
        message = f"{path} is not a {SUFFIX} file ({cause}); load it in Keras and save it with model.save('x{SUFFIX}')"
        raise NetworkError(message) from cause


def _dicts(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every dict in a JSON value, in order, outer dicts before inner ones."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _dicts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _dicts(value)


def foreign_code(config: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the code that a model's description would run, other than Keras's own classes."""
    for each in _dicts(config):
        if "class_name" not in each:
            continue
        module = each.get("module")
        root = module.split(".")[0] if isinstance(module, str) else module
        if each["class_name"] in ("Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper", "function"):
            yield str(each["class_name"])
        elif root not in OWN_PACKAGES or (module is None and each.get("registered_name") not in (None, "")):
            yield str(each.get("registered_name") or f"{module}.{each['class_name']}")


def _layers(config: dict[str, Any]) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = config.get("config", {}).get("layers", [])
    return [layer for layer in layers if layer.get("class_name") != "InputLayer"]


def _inner_layers(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all layers, including those of nested models."""
    for layer in _layers(config):
        yield layer
        if layer["class_name"] in NESTED:
            yield from _inner_layers(layer)


def _addressed(config: dict[str, Any], way: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (address, layer) for each call of each layer. The layers of a nested model follow the model itself."""
    for layer in _layers(config):
        name = quoted(layer["config"]["name"])
        calls = len(layer.get("inbound_nodes") or [None])
        for address in [f"{way}{name}"] if calls < 2 else [f"{way}{name}@{call}" for call in range(calls)]:
            yield address, layer
            if layer["class_name"] in NESTED:
                yield from _addressed(layer, f"{address}/")


def _names(config: dict[str, Any]) -> list[str]:
    return [address for address, _ in _addressed(config)]


def _convolutions(config: dict[str, Any]) -> tuple[str, ...]:
    return tuple(address for address, layer in _addressed(config) if layer["class_name"] in CONVOLUTIONS)


def scales_bytes(config: dict[str, Any]) -> bool:
    """Return whether the model itself scales pixels in 0..255.

    It does so with a Rescaling by less than 0.1, as in EfficientNet and MobileNetV3, or with a Normalization with means
    above 1, as in ConvNeXt.
    """
    layers = [(each.get("class_name"), each["config"]) for each in _dicts(config) if "class_name" in each]
    scales = [layer.get("scale") for kind, layer in layers if kind == "Rescaling"]
    means = [layer.get("mean") for kind, layer in layers if kind == "Normalization"]
    return any(isinstance(scale, float) and abs(scale) < 0.1 for scale in scales) or any(map(_above_one, means))


def _above_one(mean: Any) -> bool:
    """Return whether a number, or any number in a nested list, is above 1."""
    return any(map(_above_one, mean)) if isinstance(mean, list) else isinstance(mean, int | float) and mean > 1


def spread(names: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return at most `count` of the names, evenly spaced, starting with the first."""
    if len(names) <= count:
        return names
    return tuple(names[index * len(names) // count] for index in range(count))


def _load(
    path: Path,
    allow_code: bool,
    preprocess: Any,
    rendering: bool,
    pooling: str | None = None,
) -> keras.Model:
    """Load a user's network.

    Raises:
        NetworkError: Keras cannot load it, or it is for rendering and does not take images of shape (B, H, W, 3).
    """
    with building():
        return _loaded(
            path,
            allow_code,
            preprocess,
            rendering,
            pooling,
        )


def _loaded(
    path: Path,
    allow_code: bool,
    preprocess: Any,
    rendering: bool,
    pooling: str | None,
) -> keras.Model:
    import keras

    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=not allow_code)
    except Exception as cause:  # a file may provoke any class of error
        message = f"Keras cannot load {path}: {str(cause).splitlines()[0]}"
        raise NetworkError(message) from cause
    if not rendering:
        model.trainable = False
        return model
    shape = model.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] != 3:
        message = f"{path} takes inputs {shape}, not images (batch, height, width, 3); choose another network"
        raise NetworkError(message)
    model.trainable = False
    return repooled(model, pooling, preprocess)
