"""Extracts tensors of a low-level TensorFlow graph by name, in one compiled call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from styler.errors import ImageError, LayerError
from styler.features.frozen import DEFAULT_SIGNATURE, freeze
from styler.features.keys import asked, check_one_each
from styler.features.tensors import find_tensor
from styler.networks.runtime import eagerly
from styler.types import Features, Tensor

ITERATORS = ("IteratorGetNext", "IteratorGetNextSync", "QueueDequeueV2", "QueueDequeueManyV2", "QueueDequeueUpToV2")
ENTRANCES = ("Placeholder", "PlaceholderV2", *ITERATORS)
"""Operations whose outputs are fed if the caller does not name the feeds."""


class GraphExtractor:
    """Returns `{tensor name: value}` for the feeds of a graph. `FeatureExtractor` uses this class for graphs.

    The part of the graph between feeds and targets becomes one compiled function, which computes only what the targets
    need. If a `tf.GradientTape` records outside a `tf.function`, each target is computed from the previous ones. The
    gradient of one target with respect to another is then available.

    Args:
        source: A `tf.Graph` without variables, `(graph, session)`, `(graph, checkpoint)`, a `GraphDef` or a frozen
            `.pb` file, a SavedModel or its folder, a concrete function, or a `tf.function` that has a signature or an
            `example`. Values are copied, so a session may be closed afterwards.
        tensors: Names such as "conv1/Relu:0". You may omit ":0", and outer scopes if only one tensor matches. The name
            of a layer selects the tensor that leaves its scope. Outputs of a SavedModel can also be named by their
            keys. A dict `{key: name}` sets the keys of the result.
        feeds: Names of the tensors to feed, in the order in which a call passes their values; any tensor is allowed.
            None means every placeholder and every iterator output that the targets need.
        signature: Name of the function in a SavedModel.
        example: Example inputs for tracing a `tf.function`, arrays or `tf.TensorSpec`s.
        preprocess: Function applied to the value of the only feed.

    Attributes:
        addresses: Keys of the result, in the given order.
        feeds: Names of the tensors that a call takes.
        channels: Axis of the channels.

    Raises:
        LayerError: There are no tensors, a tensor is given twice, is unknown or does not depend on the feeds, or a
            placeholder would have no value.
        NetworkError: The source is of another kind, or has no values.

    Example:
        >>> extractor = GraphExtractor((graph, session), ["hidden/Relu", "logits"])
        >>> features = extractor(images)
    """

    channels = -1
    # Stops AutoGraph from converting the class, so that errors stay as they are
    autograph_info__: ClassVar[dict[str, Any]] = {}

    @eagerly()
    def __init__(
        self,
        source: Any,
        tensors: Iterable[str] | Mapping[str, str],
        *,
        feeds: Iterable[str] | None = None,
        signature: str = DEFAULT_SIGNATURE,
        example: Any = None,
        preprocess: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        wanted = asked(tensors, "tensor name", "tensor names")
        names = wanted.addresses
        fed = None
        if feeds is not None:
            fed = asked(feeds, "tensor name", "tensor names").addresses
        _check_names(names)
        frozen = freeze(
            source,
            signature,
            [*names, *(fed or ())],
            example,
        )
        graph = _Graph(frozen.graph_def)
        outputs = frozen.outputs | frozen.found
        targets = [graph.tensor(outputs.get(name, name)) for name in names]
        given = None
        if fed is not None:
            inputs = frozen.inputs | frozen.found
            given = [graph.tensor(inputs.get(name, name)) for name in fed]
        named_targets = dict(zip(names, targets, strict=True))
        entries = graph.entries(named_targets, given)
        check_one_each(wanted.keys, names, names)
        self.addresses = wanted.keys or names
        input_names = {tensor: name for name, tensor in frozen.inputs.items()}
        self.feeds = tuple(input_names.get(tensor.name, tensor.name) for tensor in entries)
        self._preprocess = preprocess
        self._graph = graph
        self._targets = targets
        self._entries = entries
        self._function = graph.pruned(entries, targets)
        self._stages: list[tuple[int, Any]] = []

    @property
    def shapes(self) -> tuple[tuple[int | None, ...] | None, ...]:
        """Shape of each of `feeds`; None for a shape with an unknown rank."""
        shapes = [tensor.shape for tensor in self._entries]
        return tuple(None if shape.rank is None else tuple(shape.as_list()) for shape in shapes)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Dtype of each of `feeds`."""
        return tuple(tensor.dtype.name for tensor in self._entries)

    @eagerly()
    def __call__(self, inputs: Any) -> Features:
        """Evaluate the tensors.

        Args:
            inputs: The value of the only feed, a list in the order of `feeds`, or a dict by feed name.

        Returns:
            Key -> value, in the given order.

        Raises:
            ImageError: The number of feeds, or the dtype or shape of a value, does not fit.
        """
        import tensorflow as tf

        from styler.features.model import on_tape, watched

        if self._preprocess:
            inputs = self._preprocess(inputs)
        given = self._values(inputs)
        entries = zip(given, self.feeds, self._entries, strict=True)
        values = [_fitting(value, name, entry) for value, name, entry in entries]
        if len(self._targets) > 1 and tf.executing_eagerly() and on_tape():
            found = self._one_by_one(watched(values))
        else:
            found = self._function(*values)
        return dict(zip(self.addresses, found, strict=True))

    def _one_by_one(self, values: list[Tensor]) -> list[Tensor]:
        """Compute each target from the feeds and the previous targets."""
        if not self._stages:
            known = list(self._entries)
            for place in self._graph.ordered(self._targets):
                target = self._targets[place]
                function = self._graph.pruned(known, [target])
                self._stages.append((place, function))
                known.append(target)
        found: dict[int, Tensor] = {}
        for place, function in self._stages:
            (found[place],) = function(*values, *found.values())
        return [found[place] for place in range(len(self._targets))]

    def _values(self, inputs: Any) -> list[Any]:
        if isinstance(inputs, Mapping):
            values = [inputs.get(name, inputs.get(name.removesuffix(":0"))) for name in self.feeds]
            if all(value is not None for value in values):
                return values
            got = f"{len(inputs)} named {list(inputs)}"
        else:
            values = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
            if len(values) == len(self.feeds):
                return values
            got = str(len(values))
        message = f"expected values for {len(self.feeds)} feeds {list(self.feeds)}, got {got}"
        raise ImageError(message)


def _check_names(names: tuple[str, ...]) -> None:
    if not names:
        message = "expected at least one tensor, got none; pass a name such as 'conv1/Relu:0'"
        raise LayerError(message)
    seen: set[str] = set()
    for name in names:
        operation = name.removesuffix(":0")
        if operation in seen:
            message = f"tensor {name!r} is given twice; name it once"
            raise LayerError(message)
        seen.add(operation)


def _fitting(value: Any, name: str, entry: Tensor) -> Tensor:
    import tensorflow as tf

    dtype = entry.dtype
    shape = entry.shape
    expected = f"expected {dtype.name} {shape} for {name!r}"
    own_dtype = None if hasattr(value, "dtype") else dtype
    try:
        tensor = tf.convert_to_tensor(value, own_dtype)
    except (TypeError, ValueError) as cause:
        reason = next(iter(str(cause).splitlines()), type(cause).__name__)
        message = f"{expected}, got {type(value).__name__}: {reason}"
        raise ImageError(message) from cause
    if tensor.dtype.is_floating and dtype.is_floating:
        tensor = tf.cast(tensor, dtype)
    if tensor.dtype != dtype or not shape.is_compatible_with(tensor.shape):
        message = f"{expected}, got {tensor.dtype.name} {tensor.shape}; convert it"
        raise ImageError(message)
    return tensor


class _Graph:
    """A graph definition, imported as a `tf.Graph`."""

    def __init__(self, graph_def: Any) -> None:
        import tensorflow as tf

        self._graph = tf.Graph()
        self._graph_def = graph_def
        with self._graph.as_default():
            tf.import_graph_def(graph_def, name="")

    def tensor(self, name: str) -> Tensor:
        """Return the tensor with a name.

        Raises:
            LayerError: No tensor, or more than one, matches the name.
        """
        return find_tensor(self._graph, name)

    def ordered(self, tensors: list[Tensor]) -> list[int]:
        """Return the indices of the tensors in the order of computation."""
        operations = self._graph.get_operations()
        order = {operation.name: index for index, operation in enumerate(operations)}
        when = [order[tensor.op.name] for tensor in tensors]
        return sorted(range(len(tensors)), key=when.__getitem__)

    def entries(
        self,
        targets: dict[str, Tensor],
        feeds: list[Tensor] | None,
    ) -> list[Tensor]:
        """Return the tensors to feed.

        Raises:
            LayerError: A target does not depend on any feed, or needs a placeholder that is not among the feeds.
        """
        cuts = {tensor.ref() for tensor in feeds or ()}
        reached: dict[Any, Tensor] = {}
        for name, target in targets.items():
            found = _reached(target, cuts)
            _check_tables(name, target, cuts)
            if not found:
                fed = "any placeholder" if feeds is None else f"the feeds {_names(feeds)}"
                message = f"tensor {name!r} is constant: it does not depend on {fed}; choose another tensor"
                raise LayerError(message)
            missing = [tensor.name for key, tensor in found.items() if key not in cuts]
            if feeds is not None and missing:
                message = f"tensor {name!r} also needs {missing[0]!r}, which is not among the feeds; add it"
                raise LayerError(message)
            reached |= found
        if feeds is not None:
            return feeds
        tensors = list(reached.values())
        order = self.ordered(tensors)
        return [tensors[place] for place in order]

    def pruned(self, feeds: list[Tensor], targets: list[Tensor]) -> Any:
        """Return a function from the feeds to the targets that computes nothing else."""
        import tensorflow as tf

        fed = _names(feeds)
        part = self._part(feeds, targets)
        used = {_full(name) for node in part.node for name in node.input}
        names = [name for name in _names(targets) if name not in fed]

        def compute(*values: Tensor) -> list[Tensor]:
            known = dict(zip(fed, values, strict=True))
            entries = {name: value for name, value in known.items() if name in used}
            if names:
                found = tf.import_graph_def(part, entries, names, name="")
                known |= zip(names, found, strict=True)
            return [known[name] for name in _names(targets)]

        signature = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in feeds]
        return tf.compat.v1.wrap_function(compute, signature)

    def _part(self, feeds: list[Tensor], targets: list[Tensor]) -> Any:
        """Return the definition of the operations between feeds and targets."""
        import tensorflow as tf

        cuts = {tensor.ref() for tensor in feeds}
        needed = _needed(targets, cuts)
        part = tf.compat.v1.GraphDef(
            versions=self._graph_def.versions,
            library=self._graph_def.library,
        )
        part.node.extend(node for node in self._graph_def.node if node.name in needed)
        for node in part.node:  # removes references to omitted nodes, and device names of another machine
            node.attr.pop("_class", None)
            node.device = ""
        return part


def _check_tables(name: str, target: Tensor, cuts: set[Any]) -> None:
    """Refuse a tensor that depends on a lookup table, whose contents stay in the session or the SavedModel."""
    waiting = [target]
    seen = set()
    while waiting:
        tensor = waiting.pop()
        if tensor.ref() in seen or tensor.ref() in cuts:
            continue
        seen.add(tensor.ref())
        if tensor.op.type.startswith("LookupTable"):
            message = (
                f"tensor {name!r} needs a lookup table, whose contents are not copied; feed its output instead, "
                f"feeds=[{tensor.name!r}]"
            )
            raise LayerError(message)
        waiting += list(tensor.op.inputs)


def _names(tensors: list[Tensor]) -> list[str]:
    return [tensor.name for tensor in tensors]


def _full(name: str) -> str:
    """Return the full tensor name of an operation's input, with `:0`."""
    return name if ":" in name else f"{name}:0"


def _needed(targets: list[Tensor], cuts: set[Any]) -> set[str]:
    """Return the names of the operations that the targets need, stopping at the cuts."""
    waiting = [tensor.op for tensor in targets if tensor.ref() not in cuts]
    needed = set()
    while waiting:
        operation = waiting.pop()
        if operation.name not in needed:
            needed.add(operation.name)
            waiting += [tensor.op for tensor in operation.inputs if tensor.ref() not in cuts]
            waiting += operation.control_inputs
    return needed


def _reached(target: Tensor, cuts: set[Any]) -> dict[Any, Tensor]:
    """Return the placeholders, iterator outputs and cuts that a tensor depends on."""
    waiting = [target]
    seen = set()
    found = {}
    while waiting:
        tensor = waiting.pop()
        if tensor.ref() in seen:
            continue
        seen.add(tensor.ref())
        if tensor.ref() in cuts or tensor.op.type in ENTRANCES:
            found[tensor.ref()] = tensor
        else:
            waiting += list(tensor.op.inputs)
    return found
