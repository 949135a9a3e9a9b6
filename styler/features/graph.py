"""Any tensors of a low-level TensorFlow graph, by name, in one compiled call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from styler.errors import ImageError, LayerError, suggestion
from styler.features.frozen import freeze
from styler.types import Features, Tensor

DEFAULT_SIGNATURE = "serving_default"


class GraphExtractor:
    """Feeds in, `{tensor name: value}` out: `FeatureExtractor` for graphs that are no Keras model.

    Feeds and targets are cut out of the graph once, into one compiled function; nothing that
    no target needs is computed.

    Args:
        source: A `tf.Graph` without variables, `(graph, session)`, `(graph, checkpoint)`, a `GraphDef` or a frozen
            `.pb` file, a SavedModel or its folder, or a concrete function. Values are taken over: a session may be
            closed afterwards.
        tensors: Names such as "conv1/Relu:0"; ":0" may be left out. Outputs of a SavedModel also by their keys.
        feeds: Names of the tensors to feed, in the order in which they are given to a call; any tensor will do.
            None takes every placeholder that the targets need.
        signature: Which function of a SavedModel.

    Attributes:
        addresses: Keys of the result, as asked for.
        feeds: Names of the tensors that a call takes.

    Raises:
        LayerError: No tensors, one twice, an unknown one, one that does not depend on the feeds, or a placeholder
            that would stay without a value.
        NetworkError: The source is none of these or lacks values.

    Example:
        >>> extractor = GraphExtractor((graph, session), ["hidden/Relu", "logits"])
        >>> features = extractor(images)
    """

    def __init__(
        self,
        source: Any,
        tensors: Iterable[str],
        *,
        feeds: Iterable[str] | None = None,
        signature: str = DEFAULT_SIGNATURE,
    ) -> None:
        self.addresses = _listed(tensors)
        frozen = freeze(source, signature, [*self.addresses, *(feeds or ())])
        graph = _Graph(frozen.graph_def)
        targets = [graph.tensor(frozen.outputs.get(name, name)) for name in self.addresses]
        given = None if feeds is None else [graph.tensor(frozen.inputs.get(name, name)) for name in feeds]
        entries = graph.entries(dict(zip(self.addresses, targets, strict=True)), given)
        known = {tensor: name for name, tensor in frozen.inputs.items()}
        self.feeds = tuple(known.get(tensor.name, tensor.name) for tensor in entries)
        self._entries = [(name, tensor.dtype, tensor.shape) for name, tensor in zip(self.feeds, entries, strict=True)]
        self._function = graph.pruned(entries, targets)

    def __call__(self, inputs: Any) -> Features:
        """Evaluate.

        Args:
            inputs: The value of the only feed, a list in the order of `feeds`, or a dict by feed name.

        Returns:
            Tensor name -> value, in the order asked for.

        Raises:
            ImageError: Another number of feeds, or values whose dtype or shape do not fit.
        """
        values = [_fitting(value, *entry) for value, entry in zip(self._values(inputs), self._entries, strict=True)]
        return dict(zip(self.addresses, self._function(*values), strict=True))

    def _values(self, inputs: Any) -> list[Any]:
        if isinstance(inputs, Mapping):
            if set(inputs) == set(self.feeds):
                return [inputs[name] for name in self.feeds]
            got = f"{len(inputs)} named {list(inputs)}"
        elif isinstance(inputs, list | tuple) and len(inputs) == len(self.feeds):
            return list(inputs)
        elif len(self.feeds) == 1 and not isinstance(inputs, list | tuple):
            return [inputs]
        else:
            got = str(len(inputs)) if isinstance(inputs, list | tuple) else "1"
        message = f"expected values for {len(self.feeds)} feeds {list(self.feeds)}, got {got}"
        raise ImageError(message)


def _listed(tensors: Iterable[str]) -> tuple[str, ...]:
    if isinstance(tensors, str):
        message = f"expected a list of tensor names, got the text {tensors!r}; write [{tensors!r}]"
        raise LayerError(message)
    names = tuple(tensors)
    if not names:
        message = "no tensors asked for; give at least one name such as 'conv1/Relu:0'"
        raise LayerError(message)
    first = [name.removesuffix(":0") for name in names]
    twice = [name for index, name in enumerate(names) if first[index] in first[:index]]
    if twice:
        message = f"tensor {twice[0]!r} is asked for twice; name it once"
        raise LayerError(message)
    return names


def _fitting(value: Any, name: str, dtype: Any, shape: Any) -> Tensor:
    import tensorflow as tf

    tensor = tf.convert_to_tensor(value)
    if tensor.dtype != dtype and tensor.dtype.is_floating and dtype.is_floating:
        tensor = tf.cast(tensor, dtype)
    if tensor.dtype != dtype or not shape.is_compatible_with(tensor.shape):
        message = f"expected {dtype.name} {shape} for {name!r}, got {tensor.dtype.name} {tensor.shape}; convert it"
        raise ImageError(message)
    return tensor


class _Graph:
    """A graph definition, imported once."""

    def __init__(self, graph_def: Any) -> None:
        import tensorflow as tf

        self._graph, self._graph_def = tf.Graph(), graph_def
        with self._graph.as_default():
            tf.import_graph_def(graph_def, name="")

    def tensor(self, name: str) -> Tensor:
        """The tensor of a name.

        Raises:
            LayerError: There is none.
        """
        operation, _, port = name.partition(":")
        names = [each.name for each in self._graph.get_operations() if each.outputs]
        if operation not in names:
            within = [each for each in names if each.endswith(f"/{operation}")]
            near = suggestion(within[0] if within else operation, names)
            message = f"unknown tensor {name!r}. {near}"
            raise LayerError(message)
        outputs = self._graph.get_operation_by_name(operation).outputs
        if port and not (port.isdigit() and int(port) < len(outputs)):
            message = (
                f"unknown tensor {name!r}: {operation!r} has {len(outputs)} outputs, the last is :{len(outputs) - 1}"
            )
            raise LayerError(message)
        return outputs[int(port or 0)]

    def entries(self, targets: dict[str, Tensor], feeds: list[Tensor] | None) -> list[Tensor]:
        """The tensors to feed.

        Raises:
            LayerError: A target does not depend on any, or needs a placeholder that is not among them.
        """
        cuts = {tensor.ref() for tensor in feeds or ()}
        reached: dict[Any, Tensor] = {}
        for name, target in targets.items():
            found = _reached(target, cuts)
            if not found:
                fed = "any placeholder" if feeds is None else f"the feeds {[tensor.name for tensor in feeds]}"
                message = f"tensor {name!r} does not depend on {fed}; it is constant, so ask for another"
                raise LayerError(message)
            missing = [each.name for key, each in found.items() if feeds is not None and key not in cuts]
            if missing:
                message = f"tensor {name!r} also needs {missing[0]!r}, which is not among the feeds; add it"
                raise LayerError(message)
            reached |= found
        if feeds is not None:
            return feeds
        order = {operation.name: index for index, operation in enumerate(self._graph.get_operations())}
        return sorted(reached.values(), key=lambda tensor: order[tensor.op.name])

    def pruned(self, feeds: list[Tensor], targets: list[Tensor]) -> Any:
        """A function of the feeds that computes the targets and nothing else."""
        import tensorflow as tf

        needed = _needed(targets, {tensor.ref() for tensor in feeds})
        part = tf.compat.v1.GraphDef(versions=self._graph_def.versions, library=self._graph_def.library)
        part.node.extend(node for node in self._graph_def.node if node.name in needed)
        fed = {tensor.ref(): index for index, tensor in enumerate(feeds)}

        def compute(*values: Tensor) -> list[Tensor]:
            names = [tensor.name for tensor in targets if tensor.ref() not in fed]
            entries = {tensor.name: value for tensor, value in zip(feeds, values, strict=True)}
            found = iter(tf.import_graph_def(part, entries, names, name="") if names else ())
            return [values[fed[tensor.ref()]] if tensor.ref() in fed else next(found) for tensor in targets]

        signature = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in feeds]
        return tf.compat.v1.wrap_function(compute, signature)


def _needed(targets: list[Tensor], cuts: set[Any]) -> set[str]:
    """Names of the operations that the targets need, none beyond the cuts."""
    waiting, needed = [tensor.op for tensor in targets if tensor.ref() not in cuts], set()
    while waiting:
        operation = waiting.pop()
        if operation.name not in needed:
            needed.add(operation.name)
            waiting += [tensor.op for tensor in operation.inputs if tensor.ref() not in cuts]
            waiting += operation.control_inputs
    return needed


def _reached(target: Tensor, cuts: set[Any]) -> dict[Any, Tensor]:
    """Placeholders and cuts that a tensor depends on."""
    waiting, seen, found = [target], set(), {}
    while waiting:
        tensor = waiting.pop()
        if tensor.ref() in seen:
            continue
        seen.add(tensor.ref())
        if tensor.ref() in cuts or tensor.op.type == "Placeholder":
            found[tensor.ref()] = tensor
        else:
            waiting += list(tensor.op.inputs)
    return found
