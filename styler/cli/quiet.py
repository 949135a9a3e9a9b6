"""Import TensorFlow for a command: quietly, on this program's own terms, and refused in one line where it cannot be."""

from __future__ import annotations

import sys

from styler.memory import check_address_space
from styler.networks.runtime import DATA_FORMAT, FLOATX, check_flags, start
from styler.quiet import FLAGS


def import_tensorflow() -> None:
    """Import TensorFlow and Keras.

    The process is the command's own, so what a `keras.json` says of layers is put aside for good.

    Raises:
        ResourceError: The limit of this process's address space is too low for it.
        ConfigError: Keras does not start, or TensorFlow would end the process over a variable.
    """
    check_address_space()
    if "tensorflow" not in sys.modules:
        check_flags(FLAGS)
    start()
    import keras

    keras.config.set_floatx(FLOATX)
    keras.config.set_image_data_format(DATA_FORMAT)
