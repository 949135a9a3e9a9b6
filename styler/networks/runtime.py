"""TensorFlow and Keras as this program needs them, whatever the process around it has set; and as they were, after.

Keras builds and calls layers by global settings (dtype policy, floatx, image data format) and draws seeds from Python's
own generator. TensorFlow computes at once only with eager execution. None of that is a library's to change, so it is
put aside for a while. Keras has no public way back to a dtype policy that nobody has set;
`tests/unit/networks/test_runtime.py` holds the one used here against the installed version.
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
FLOATX, DATA_FORMAT = "float32", "channels_last"
POLICY = "dtype_policy"
TRIAL = "import tensorflow as tf; tf.function(lambda x: x + x, jit_compile=True)(tf.ones(1))"
LONG = 120  # seconds: the trial takes five


@functools.cache
def start() -> None:
    """Import TensorFlow and Keras, and have TensorFlow look for devices, without its messages; once a process.

    Raises:
        ConfigError: Keras runs on something else than TensorFlow, or does not start.
    """
    with without_messages():
        check_keras()
        import tensorflow as tf

        tf.config.list_physical_devices()


def check_keras() -> None:
    """Refuse to go on where Keras runs on something else than TensorFlow, or does not start.

    Raises:
        ConfigError: It does not; names the variable or file to change.
    """
    try:
        import keras

        backend = keras.config.backend()
    except Exception as cause:  # what Keras raises over a setting depends on the setting
        if isinstance(cause, ModuleNotFoundError) and cause.name == "keras":
            raise
        reason = (str(cause) or type(cause).__name__).splitlines()[0]
        message = f"Keras does not start ({reason}); {_cure()}"
        raise ConfigError(message) from cause
    if backend != BACKEND:
        message = f"expected Keras to run on TensorFlow, it runs on {backend} in this process; {_cure()}"
        raise ConfigError(message)


def _cure() -> str:
    """Which setting to change."""
    named = os.environ.get("KERAS_BACKEND", "")
    if named and named != BACKEND:
        return f"set the variable KERAS_BACKEND to {BACKEND}, not {named!r}, before Keras is imported"
    file = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")) / "keras.json"
    return f"look at its settings in {shown(file)}, or set the variable KERAS_BACKEND to {BACKEND}"


def check_flags(variable: str) -> None:
    """Refuse flags of XLA that would end the process; asked of another process, and only if there are any.

    Args:
        variable: "XLA_FLAGS", read when something is first compiled, or "TF_XLA_FLAGS", read at the import.

    Raises:
        ConfigError: TensorFlow does not know one of them.
    """
    if not os.environ.get(variable, "").strip():
        return
    command = [sys.executable, "-c", TRIAL]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
    said = [line for line in done.stderr.splitlines() if variable in line]
    if done.returncode and said:
        reason = said[-1].rpartition("] ")[2]
        message = f"expected flags that this TensorFlow knows in the variable {variable}: {reason}; mend or unset it"
        raise ConfigError(message)


@contextmanager
def eagerly() -> Iterator[None]:
    """Compute at once: also within a `tf.Graph` and where eager execution is off, but not within a `tf.function`.

    Raises:
        ResourceError: This process was forked from one where TensorFlow runs.
        ConfigError: Keras runs on something else.
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
def own_terms() -> Iterator[None]:
    """Compute at once, with layers in float32 and channels last, whatever the caller has set.

    Raises:
        ResourceError: This process was forked from one where TensorFlow runs.
        ConfigError: Keras runs on something else, or TensorFlow's shapes are those of version 1.
    """
    with eagerly():
        import tensorflow as tf

        if not isinstance(tf.TensorShape([1])[0], int):
            message = (
                "expected TensorFlow's shapes of version 2, which tf.compat.v1.disable_v2_behavior() or "
                "disable_v2_tensorshape() has switched off in this process; use disable_eager_execution() in its "
                "place, or render in a process of its own"
            )
            raise ConfigError(message)
        with _no_strategy(), _SHARED, _no_policy():
            yield


@contextmanager
def building() -> Iterator[None]:
    """`own_terms` for making layers, whose seeds are not taken from the caller's random numbers.

    Raises:
        StylerError: As `own_terms`.
    """
    with own_terms():
        kept = random.getstate()
        try:
            yield
        finally:
            random.setstate(kept)


class _SharedSettings:
    """Keras's settings for all threads: ours while anybody is within, the caller's again once nobody is."""

    def __init__(self) -> None:
        self._lock, self._within = threading.Lock(), 0
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
    """Variables are plain ones also within the scope of the caller's `tf.distribute.Strategy`.

    Such a scope belongs to the graph under which it was entered, even where nothing but eager execution goes on.
    """
    import tensorflow as tf

    if not tf.distribute.has_strategy() or tf.inside_function():
        yield
        return
    with tf.Graph().as_default(), tf.__internal__.eager_context.eager_mode():
        yield


@contextmanager
def _no_policy() -> Iterator[None]:
    """Layers of this thread get their dtype from floatx, as if nobody had set a dtype policy."""
    from keras.src.backend.common import global_state

    kept = global_state.get_global_attribute(POLICY, None)
    global_state.set_global_attribute(POLICY, None)
    try:
        yield
    finally:
        global_state.set_global_attribute(POLICY, kept)
