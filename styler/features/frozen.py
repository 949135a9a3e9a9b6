"""Graphs of TensorFlow in every form people have them, as one form: a `GraphDef` whose weights are constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from styler.errors import NetworkError

FORMS = (
    "a tf.Graph, (graph, session), (graph, checkpoint), a GraphDef or a frozen .pb file, a SavedModel or its folder, "
    "a concrete function"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A graph without variables.

    Attributes:
        graph_def: Its nodes.
        inputs: Names that users know -> tensor names, for sources that name their inputs.
        outputs: The same of their outputs.
    """

    graph_def: Any
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)


def freeze(source: Any, signature: str, goals: list[str]) -> Frozen:
    """Take over a graph with its values; the source is not changed and not needed afterwards.

    Args:
        source: One of `FORMS`.
        signature: Which function of a SavedModel.
        goals: Tensor names that are wanted, for sources that are frozen for them.

    Raises:
        NetworkError: Another kind of source, no such signature, or values that are missing.
    """
    import tensorflow as tf

    if isinstance(source, str | Path):
        return _of_path(Path(source), signature)
    if isinstance(source, tuple) and len(source) == 2 and isinstance(source[0], tf.Graph):
        return _of_variables(*source, goals)
    if isinstance(source, tf.Graph):
        return _of_graph(source)
    if isinstance(source, tf.compat.v1.GraphDef):
        return Frozen(graph_def=source)
    if hasattr(source, "signatures"):
        return _of_signature(source, signature)
    if hasattr(source, "structured_input_signature"):
        return _of_function(source)
    import keras

    what = "a Keras model; use FeatureExtractor" if isinstance(source, keras.Model) else type(source).__name__
    message = f"expected {FORMS}; got {what}"
    raise NetworkError(message)


def _of_path(path: Path, signature: str) -> Frozen:
    import tensorflow as tf

    if path.is_dir():
        try:
            return _of_signature(tf.saved_model.load(str(path)), signature)
        except OSError as cause:
            message = f"{path} is no SavedModel: {str(cause).splitlines()[0]}"
            raise NetworkError(message) from cause
    try:
        return Frozen(graph_def=tf.compat.v1.GraphDef.FromString(path.read_bytes()))
    except OSError as cause:
        message = f"cannot read {path}: {cause.strerror}"
        raise NetworkError(message) from cause
    except Exception as cause:  # protobuf's own error class depends on its build
        message = f"{path} is no GraphDef ({type(cause).__name__}); expected a frozen .pb file or a SavedModel's folder"
        raise NetworkError(message) from cause


def _of_graph(graph: Any) -> Frozen:
    graph_def = graph.as_graph_def()
    variables = sorted({node.name for node in graph_def.node if node.op in ("VarHandleOp", "VariableV2", "Variable")})
    if variables:
        message = (
            f"the graph has variables ({', '.join(variables[:3])}{', …' if len(variables) > 3 else ''}) and no values "
            "for them; give (graph, session) or (graph, checkpoint)"
        )
        raise NetworkError(message)
    return Frozen(graph_def=graph_def)


def _of_variables(graph: Any, values: Any, goals: list[str]) -> Frozen:
    """A v1 graph with the values of a session or a checkpoint, worked on in a copy."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with graph.as_default():  # Keras and eager code leave no default graph, which the export asks for
        meta = v1.train.export_meta_graph(graph=graph)
    with tf.Graph().as_default() as copy, v1.Session(graph=copy) as session:
        saver = v1.train.import_meta_graph(meta) or v1.train.Saver()
        variables = v1.global_variables()
        if isinstance(values, v1.Session):
            _copy_values(values, graph, session, variables)
        else:
            _restore(v1.train.Saver(variables) if variables else saver, session, str(values))
        names = sorted({goal.partition(":")[0] for goal in goals})
        known = {operation.name for operation in copy.get_operations()}
        kept = [name for name in names if name in known] or sorted(known)
        graph_def = v1.graph_util.convert_variables_to_constants(session, copy.as_graph_def(), kept)
    return Frozen(graph_def=graph_def)


def _copy_values(source: Any, graph: Any, target: Any, variables: list[Any]) -> None:
    import tensorflow as tf

    own = {variable.op.name: variable for variable in graph.get_collection("variables")}
    wanted = [own[variable.op.name] for variable in variables]
    try:
        arrays = source.run(wanted)
    except tf.errors.FailedPreconditionError as cause:
        message = "the session has not given its variables values; run the initializer or restore a checkpoint first"
        raise NetworkError(message) from cause
    for variable, array in zip(variables, arrays, strict=True):
        variable.load(array, target)


def _restore(saver: Any, session: Any, checkpoint: str) -> None:
    import tensorflow as tf

    try:
        saver.restore(session, checkpoint)
    except (ValueError, tf.errors.OpError) as cause:
        reason = str(cause).splitlines()[0]
        message = f"checkpoint {checkpoint} does not fit the graph: {reason}; expected the prefix of its files"
        raise NetworkError(message) from cause


def _of_signature(loaded: Any, signature: str) -> Frozen:
    known = list(loaded.signatures)
    if signature not in known:
        listed = ", ".join(map(repr, known)) or "none: save it with signatures"
        message = f"no signature {signature!r} in the SavedModel; it has {listed}"
        raise NetworkError(message)
    return _of_function(loaded.signatures[signature])


def _of_function(function: Any) -> Frozen:
    """A concrete function, with the functions that it calls spread out so that their tensors have names."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    named = _flat(function.structured_input_signature, lambda spec: getattr(spec, "name", None))
    inputs = {key: tensor.name for key, tensor in zip(named, frozen.inputs, strict=False) if key}
    outputs = function.structured_outputs
    keys = sorted(outputs) if isinstance(outputs, dict) else []
    return Frozen(
        graph_def=frozen.graph.as_graph_def(),
        inputs=inputs,
        outputs={key: tensor.name for key, tensor in zip(keys, frozen.outputs, strict=False)},
    )


def _flat(structure: Any, read: Callable[[Any], str | None]) -> list[str | None]:
    import tensorflow as tf

    return [read(spec) for spec in tf.nest.flatten(structure) if isinstance(spec, tf.TensorSpec)]
