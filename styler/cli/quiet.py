"""Import TensorFlow without the lines it writes to stderr before its own settings hold."""

from __future__ import annotations

import os
import sys
from typing import IO

from styler.errors import ResourceError
from styler.images.scratch import scratch_file
from styler.memory import check_address_space


def import_tensorflow() -> None:
    """Import TensorFlow and Keras; what they print is shown only if the import fails.

    The lines come from C++ and go past `sys.stderr`, so the file descriptor itself is turned away meanwhile.

    Raises:
        ResourceError: The limit of this process's address space is too low for it.
    """
    check_address_space()
    sys.stderr.flush()
    kept = os.dup(2)
    with _aside() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            import keras  # noqa: F401
            import tensorflow as tf

            tf.config.list_physical_devices()
        except BaseException:
            os.dup2(kept, 2)
            aside.seek(0)
            sys.stderr.write(aside.read().decode("utf-8", "replace"))
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _aside() -> IO[bytes]:
    """Where the lines are kept, or lost where nothing can keep them."""
    try:
        return scratch_file()
    except ResourceError:
        return open(os.devnull, "w+b")
