"""libvips, imported when it is first needed and kept quiet."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

EVERY_LEVEL = 0xFF  # of GLib's log: seven levels and the flag of a message within a message


@functools.cache
def libvips() -> Any:
    """The module `pyvips`, whose decoders say nothing.

    Warnings go to GLib's log, and from there pyvips takes them to Python's logging. Nobody has set that up, so they
    would be printed; worse, Python may collect garbage in the middle of a message, libvips then warns about an image
    that goes away, and GLib ends the process over a message within a message. What a warning means for a picture is
    in its notes or in an error, so the log gets a function in C that does nothing at all.
    """
    import pyvips

    nothing = ctypes.cast(ctypes.pythonapi.Py_IsInitialized, ctypes.c_void_p).value  # needs no lock, takes no argument
    handler = pyvips.ffi.cast("GLogFunc", nothing)
    pyvips.glib_lib.g_log_set_handler(b"VIPS", EVERY_LEVEL, handler, pyvips.ffi.NULL)
    return pyvips


def forget_errors() -> None:
    """Empty the text that libvips collects: what went well leaves warnings there too, for the next error to show."""
    libvips().vips_lib.vips_error_clear()
