"""Runs TensorFlow and Keras with the settings that styler needs, and restores the caller's settings afterwards.

Keras builds and calls layers according to global settings (dtype policy, floatx, image data format) and draws seeds
from Python's random numbers. TensorFlow computes immediately only with eager execution. A library must not change these
settings permanently. Keras has no public way to restore an unset dtype policy; `tests/unit/networks/test_runtime.py`
checks the way used here against the installed version.
"""

from __future__ import annotations

import functools
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from styler.errors import ConfigError, shown
from styler.forks import check_not_forked
from styler.quiet import without_messages

BACKEND = "tensorflow"
FLOATX = "float32"
DATA_FORMAT = "channels_last"
POLICY = "dtype_policy"
TRIAL = "import tensorflow as tf; tf.function(lambda x: x + x, jit_compile=True)(tf.ones(1))"
LONG = 120  # seconds until the trial is abandoned; it usually takes five


@functools.cache
def start() -> None:
    """Import TensorFlow and Keras, and let TensorFlow look for devices without showing its messages; once per process.

    Raises:
        ConfigError: Keras uses a backend other than TensorFlow, or does not start.
    """
    with without_messages():
        check_keras()
        import tensorflow as tf

        tf.config.list_physical_devices()


def check_keras() -> None:
    """Check that Keras starts and uses the TensorFlow backend.

    Raises:
        ConfigError: It does not. The message names the variable or file to change.
    """
    try:
        import keras

        backend = keras.config.backend()
    except Exception as cause:  # the class depends on the faulty setting
        if isinstance(cause, ModuleNotFoundError) and cause.name == "keras":
            raise
        reason = (str(cause) or type(cause).__name__).splitlines()[0]
        message = f"Keras does not start ({reason}); {_cure()}"
        raise ConfigError(message) from cause
    if backend != BACKEND:
        message = f"expected Keras with the backend TensorFlow, got {backend} in this process; {_cure()}"
        raise ConfigError(message)


def _cure() -> str:
    """Return the advice about the Keras backend: which setting to change."""
    named = os.environ.get("KERAS_BACKEND", "")
    if named and named != BACKEND:
        return f"set the environment variable KERAS_BACKEND to {BACKEND}, not {named!r}, before Keras is imported"
    file = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")) / "keras.json"
    return f"check the settings in {shown(file)}, or set the environment variable KERAS_BACKEND to {BACKEND}"


def check_flags(variable: str) -> None:
    """Check the XLA flags in an environment variable, because an unknown flag would end the process.

    If there are any flags, the check runs in a separate process.

    Args:
        variable: "XLA_FLAGS", which is read at the first compilation, or "TF_XLA_FLAGS", which is read at the import.

    Raises:
        ConfigError: TensorFlow does not know one of the flags.
    """
    if not os.environ.get(variable, "").strip():
        return
    command = [sys.executable, "-c", TRIAL]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    said = [line for line in done.stderr.splitlines() if variable in line]
    if done.returncode and said:
        reason = said[-1].rpartition("] ")[2]
        message = f"{variable} contains a flag that TensorFlow does not know: {reason}; correct or unset the variable"
        raise ConfigError(message)


@contextmanager
def eagerly() -> Iterator[None]:
    """Context manager that enables eager execution, even inside a `tf.Graph`; it has no effect inside a `tf.function`.

    Raises:
        ResourceError: This process was forked from one in which TensorFlow was running.
        ConfigError: Keras uses another backend.
    """
    check_not_forked()
    start()
    import tensorflow as tf

    if tf.executing_eagerly() or tf.inside_function():
        yield
        return
    with tf.__internal__.eager_context.eager_mode():
        yield


@contextmanager
def standard_settings() -> Iterator[None]:
    """Context manager that sets eager execution, float32 layers and channels last, whatever the caller has set.

    Raises:
        ResourceError: This process was forked from one in which TensorFlow was running.
        ConfigError: Keras uses another backend, or TensorFlow uses the shapes of version 1.
    """
    with eagerly():
        import tensorflow as tf

        if not isinstance(tf.TensorShape([1])[0], int):
            message = (
                "expected TensorFlow's shapes of version 2, but tf.compat.v1.disable_v2_behavior() or "
                "disable_v2_tensorshape() has switched them off in this process; use disable_eager_execution() "
                "instead, or render in a separate process"
            )
            raise ConfigError(message)
        with _no_strategy(), _SHARED, _no_policy():
            yield


@contextmanager
def building() -> Iterator[None]:
    """Context manager for building layers: `standard_settings`, without advancing the caller's random numbers.

    Raises:
        StylerError: As in `standard_settings`.
    """
    with standard_settings():
        kept = random.getstate()
        try:
            yield
        finally:
            random.setstate(kept)


class _SharedSettings:
    """Keras's process-wide settings: ours while any thread is in the context, the caller's otherwise."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._kept: tuple[str, str] = (FLOATX, DATA_FORMAT)

    def __enter__(self) -> None:
        import keras

        with self._lock:
            if not self._within:
                self._kept = keras.config.floatx(), keras.config.image_data_format()
                self._set((FLOATX, DATA_FORMAT))
            self._within += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._within -= 1
            if not self._within:
                self._set(self._kept)

    def _set(self, wanted: tuple[str, str]) -> None:
        import keras

        keras.config.set_floatx(wanted[0])
        keras.config.set_image_data_format(wanted[1])


_SHARED = _SharedSettings()


@contextmanager
def _no_strategy() -> Iterator[None]:
    """Context manager that makes ordinary variables, even inside the scope of the caller's `tf.distribute.Strategy`.

    Such a scope belongs to the graph in which it was entered, even with eager execution. The context enters another
    graph.
    """
    import tensorflow as tf

    if not tf.distribute.has_strategy() or tf.inside_function():
        yield
        return
    with tf.Graph().as_default(), tf.__internal__.eager_context.eager_mode():
        yield


@contextmanager
def _no_policy() -> Iterator[None]:
    """Context manager that gives layers of this thread their dtype from floatx, as if no dtype policy were set."""
    from keras.src.backend.common import global_state

    kept = global_state.get_global_attribute(POLICY, None)
    global_state.set_global_attribute(POLICY, None)
    try:
        yield
    finally:
        global_state.set_global_attribute(POLICY, kept)
