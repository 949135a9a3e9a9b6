"""Import TensorFlow for a command, without log messages and with one-line errors."""

from __future__ import annotations

import sys

from styler.cli.status import status
from styler.memory import check_address_space
from styler.networks.runtime import DATA_FORMAT, FLOATX, check_flags, start
from styler.quiet import FLAGS


def import_tensorflow() -> None:
    """Import TensorFlow and Keras.

    Only this command uses the process, so the float type and image layout in a `keras.json` are overridden for good.

    Raises:
        ResourceError: The address space limit of this process is too low for TensorFlow.
        ConfigError: Keras does not start, or an environment variable would make TensorFlow end the process.
    """
    check_address_space()
    if "tensorflow" not in sys.modules:
        check_flags(FLAGS)
    start()
    import keras

    keras.config.set_floatx(FLOATX)
    keras.config.set_image_data_format(DATA_FORMAT)


def load_for_render(progress: bool | None) -> None:
    """Import TensorFlow, which takes seconds, and say so: until it is loaded, or as a line where that is no terminal.

    Args:
        progress: Whether to show what is done; None shows it on a terminal, and elsewhere as lines.

    Raises:
        ResourceError: The address space limit of this process is too low for TensorFlow.
        ConfigError: Keras does not start, or an environment variable would make TensorFlow end the process.
    """
    if progress is None and not sys.stderr.isatty() and "tensorflow" not in sys.modules:
        print("loading TensorFlow", file=sys.stderr, flush=True)
    with status("loading TensorFlow", shown=progress):
        import_tensorflow()
