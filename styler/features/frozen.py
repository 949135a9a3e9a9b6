"""Converts TensorFlow graphs of every form to one form: a `GraphDef` whose weights are constants."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from styler.errors import ConfigError, NetworkError
from styler.features.tensors import find_tensor

FORMS = (
    "a tf.Graph, (graph, session), (graph, checkpoint), a GraphDef or a frozen .pb file, a SavedModel or its folder, "
    "a concrete function or a tf.function"
)
DEFAULT_SIGNATURE = "serving_default"
ASSIGNMENTS = ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp")
_COUNTER = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A graph without variables.

    Attributes:
        graph_def: The graph.
        inputs: Name of an input -> tensor name, if the source names its inputs.
        outputs: Name of an output -> tensor name, if the source names its outputs.
        found: Requested name -> tensor name, if the names were looked up before the source was frozen.
    """

    graph_def: Any
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)


def is_graph(source: Any) -> bool:
    """Return whether a source is a low-level graph, as opposed to a Keras model."""
    import keras
    import tensorflow as tf

    if isinstance(source, str | os.PathLike):
        return Path(source).is_dir() or Path(source).suffix in (".pb", ".pbtxt")
    if isinstance(source, keras.layers.Layer) or is_legacy_keras(source):
        return False
    if isinstance(source, tuple | list | tf.Graph | tf.compat.v1.GraphDef | tf.compat.v1.Session):
        return True
    return any(hasattr(source, name) for name in ("signatures", "structured_input_signature", "get_concrete_function"))


def is_legacy_keras(source: Any) -> bool:
    """Return whether an object is a model or layer of Keras 2 (the package tf_keras)."""
    return any(kind.__module__.split(".")[0] == "tf_keras" for kind in type(source).__mro__)


def freeze(
    source: Any,
    signature: str,
    goals: list[str],
    example: Any = None,
) -> Frozen:
    """Copy a graph with its values. The source is not changed, and is not needed afterwards.

    Args:
        source: One of `FORMS`.
        signature: Name of the function in a SavedModel.
        goals: Names of the requested tensors; of a graph with variables, only the part that they need is kept.
        example: Example inputs for tracing a `tf.function`.

    Raises:
        NetworkError: The source is of another kind, has no such signature, or has no values.
        LayerError: The graph does not have one of the goals.
        ConfigError: There is an example for a source that needs none.
    """
    with _silence():
        frozen = _frozen(source, signature, goals, example)
    return Frozen(
        graph_def=_with_own_functions(frozen.graph_def),
        inputs=frozen.inputs,
        outputs=frozen.outputs,
        found=frozen.found,
    )


@contextmanager
def _silence() -> Iterator[None]:
    """Suppress TensorFlow's log messages about its version 1 functions, which its own freezing code uses."""
    import tensorflow as tf

    logger = tf.get_logger()
    logger.addFilter(_nothing)
    try:
        yield
    finally:
        logger.removeFilter(_nothing)


def _nothing(_: Any) -> bool:
    return False


def _frozen(
    source: Any,
    signature: str,
    goals: list[str],
    example: Any,
) -> Frozen:
    import tensorflow as tf

    v1 = tf.compat.v1
    traceable = hasattr(source, "get_concrete_function")
    if example is not None and not traceable:
        message = "example= is only for a Keras model without a graph or a tf.function without a signature; omit it"
        raise ConfigError(message)
    if isinstance(source, str | os.PathLike):
        return _of_path(Path(source), signature)
    if isinstance(source, v1.Session):
        return _of_variables(source.graph, source, goals)
    if isinstance(source, tuple | list) and len(source) == 2 and isinstance(source[0], tf.Graph):
        return _of_variables(source[0], source[1], goals)
    if isinstance(source, tf.Graph):
        return _of_graph(source)
    if isinstance(source, v1.GraphDef):
        return Frozen(graph_def=source)
    if hasattr(source, "signatures"):
        return _of_signature(source, signature)
    if hasattr(source, "structured_input_signature"):
        return _of_function(source)
    if traceable:
        return _of_function(_concrete(source, example))
    import keras

    what = "a Keras model; use FeatureExtractor" if isinstance(source, keras.Model) else type(source).__name__
    message = f"expected {FORMS}; got {what}"
    raise NetworkError(message)


def _with_own_functions(graph_def: Any) -> Any:
    """Return the graph with unique names for its functions.

    TensorFlow stores the functions of all programs in one place. A branch of a condition or the body of a loop, now
    with constant weights, must not have the same name there as the original.
    """
    import tensorflow as tf

    if not graph_def.library.function:
        return graph_def
    made = tf.compat.v1.GraphDef()
    made.CopyFrom(graph_def)
    number = next(_COUNTER)
    names = {each.signature.name: f"{each.signature.name}_styler_{number}" for each in made.library.function}
    for function in made.library.function:
        function.signature.name = names[function.signature.name]
        for node in function.node_def:
            _rename(node, names)
    for gradient in made.library.gradient:
        gradient.function_name = names.get(gradient.function_name, gradient.function_name)
        gradient.gradient_func = names.get(gradient.gradient_func, gradient.gradient_func)
    for node in made.node:
        _rename(node, names)
    return made


def _rename(node: Any, names: dict[str, str]) -> None:
    """Rename the functions that a node calls, through its operation or an attribute."""
    node.op = names.get(node.op, node.op)
    for value in node.attr.values():
        called = [value.func] if value.HasField("func") else value.list.func if value.HasField("list") else []
        for function in called:
            function.name = names.get(function.name, function.name)


def _of_path(path: Path, signature: str) -> Frozen:
    import tensorflow as tf

    if path.is_dir():
        try:
            return _of_signature(tf.saved_model.load(str(path)), signature)
        except OSError as cause:
            message = f"{path} is not a SavedModel: {str(cause).splitlines()[0]}"
            raise NetworkError(message) from cause
    try:
        return Frozen(graph_def=tf.compat.v1.GraphDef.FromString(path.read_bytes()))
    except OSError as cause:
        message = f"cannot read {path}: {cause.strerror}"
        raise NetworkError(message) from cause
    except Exception as cause:  # the error class of protobuf depends on its build
        message = f"expected a frozen .pb file or the folder of a SavedModel, got {path} ({type(cause).__name__})"
        raise NetworkError(message) from cause


def _of_graph(graph: Any) -> Frozen:
    graph_def = graph.as_graph_def()
    variables = sorted({node.name for node in graph_def.node if node.op in ("VarHandleOp", "VariableV2", "Variable")})
    if variables:
        message = (
            f"the graph has variables ({', '.join(variables[:3])}{', …' if len(variables) > 3 else ''}) but no values "
            "for them; pass (graph, session) or (graph, checkpoint)"
        )
        raise NetworkError(message)
    return Frozen(graph_def=graph_def)


def _of_variables(graph: Any, values: Any, goals: list[str]) -> Frozen:
    """Freeze a copy of a version 1 graph, with the values of a session or a checkpoint."""
    import tensorflow as tf

    v1 = tf.compat.v1
    if not isinstance(values, v1.Session | str | os.PathLike):
        message = f"expected (graph, session) or (graph, checkpoint), got (graph, {type(values).__name__})"
        raise NetworkError(message)
    found = {goal: find_tensor(graph, goal).name for goal in goals}
    with graph.as_default():  # the export needs a default graph, which Keras and eager code do not set
        meta = v1.train.export_meta_graph(graph=graph)
    with tf.Graph().as_default() as copy, v1.Session(graph=copy) as session:
        saver = v1.train.import_meta_graph(meta)
        variables = v1.global_variables()
        if isinstance(values, v1.Session):
            _copy_values(values, graph, session, variables)
        elif variables or saver is not None:  # otherwise there is nothing to restore
            _restore(v1.train.Saver(variables) if variables else saver, session, values)
        kept = sorted({name.partition(":")[0] for name in found.values()})
        graph_def = v1.graph_util.convert_variables_to_constants(session, copy.as_graph_def(), kept)
    return Frozen(graph_def=graph_def, found=found)


def _copy_values(
    source: Any,
    graph: Any,
    target: Any,
    variables: list[Any],
) -> None:
    import tensorflow as tf

    if not variables:
        return
    own = {variable.op.name: variable for variable in graph.get_collection("variables")}
    wanted = [own[variable.op.name] for variable in variables]
    try:
        arrays = source.run(wanted)
    except tf.errors.FailedPreconditionError as cause:
        message = "the variables of the session have no values; run the initializer or restore a checkpoint first"
        raise NetworkError(message) from cause
    except (RuntimeError, ValueError) as cause:
        reason = next(iter(str(cause).splitlines()), "")
        message = f"cannot read the session: {reason}; pass an open session of this graph"
        raise NetworkError(message) from cause
    for variable, array in zip(variables, arrays, strict=True):
        variable.load(array, target)


def _restore(saver: Any, session: Any, checkpoint: Any) -> None:
    import tensorflow as tf

    prefix = os.fspath(checkpoint)
    if Path(prefix).is_dir():
        prefix = tf.train.latest_checkpoint(prefix) or prefix
    try:
        saver.restore(session, prefix)
    except (ValueError, tf.errors.OpError) as cause:
        reason = str(cause).splitlines()[0]
        message = f"checkpoint {checkpoint} does not fit the graph: {reason}; pass the common prefix of its files"
        raise NetworkError(message) from cause


def _of_signature(loaded: Any, signature: str) -> Frozen:
    known = list(loaded.signatures)
    if signature not in known:
        listed = ", ".join(map(repr, known)) or "none; save it with signatures"
        message = f"no signature {signature!r} in the SavedModel; it has {listed}"
        raise NetworkError(message)
    return _of_function(loaded.signatures[signature])


def _concrete(function: Any, example: Any) -> Any:
    """Return the concrete function of a `tf.function`: that of its signature, or one traced with an example."""
    import tensorflow as tf

    try:
        return function.get_concrete_function(*([] if example is None else [tf.nest.map_structure(_spec, example)]))
    except Exception as cause:  # the function's own code may raise any class of error
        lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
        reason = lines[-1] if lines else type(cause).__name__
        message = (
            f"cannot trace the tf.function ({reason}); pass example=<inputs>, or use "
            "function.get_concrete_function(tf.TensorSpec(shape, dtype))"
        )
        raise NetworkError(message) from cause


def _spec(example: Any) -> Any:
    import keras
    import tensorflow as tf

    if isinstance(example, tf.TensorSpec):
        return example
    if isinstance(example, keras.KerasTensor):
        return tf.TensorSpec(example.shape, example.dtype)
    tensor = tf.convert_to_tensor(example)
    return tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype)


def _of_function(function: Any) -> Frozen:
    """Freeze a concrete function, and inline the functions that it calls so that their tensors have names."""
    from tensorflow.python.framework import convert_to_constants as steps

    # The three steps of convert_variables_to_constants_v2; assignments must be removed between the last two.
    source = steps._FunctionConverterDataInEager(function, lower_control_flow=False, aggressive_inlining=False)
    constant, converted = steps._replace_variables_by_constants(source)
    frozen = steps._construct_concrete_function(function, _without_assignments(constant), converted)
    named = _flat(function.structured_input_signature, lambda spec: getattr(spec, "name", None))
    inputs = {key: tensor.name for key, tensor in zip(named, frozen.inputs, strict=False) if key}
    outputs = function.structured_outputs
    keys = sorted(outputs) if isinstance(outputs, dict) else []
    return Frozen(
        graph_def=frozen.graph.as_graph_def(),
        inputs=inputs,
        outputs={key: tensor.name for key, tensor in zip(keys, frozen.outputs, strict=False)},
    )


def _without_assignments(graph_def: Any) -> Any:
    """Return the graph without assignments to variables, which are now constants.

    In an exported function, random augmentation advances its seed even if it does nothing else.
    """
    dropped = {node.name for node in graph_def.node if node.op in ASSIGNMENTS}
    if not dropped:
        return graph_def
    kept = [node for node in graph_def.node if node.name not in dropped]
    del graph_def.node[:]
    graph_def.node.extend(kept)
    for node in graph_def.node:
        inputs = [name for name in node.input if name.removeprefix("^") not in dropped]
        del node.input[:]
        node.input.extend(inputs)
    return graph_def


def _flat(structure: Any, read: Callable[[Any], str | None]) -> list[str | None]:
    import tensorflow as tf

    return [read(spec) for spec in tf.nest.flatten(structure) if isinstance(spec, tf.TensorSpec)]
