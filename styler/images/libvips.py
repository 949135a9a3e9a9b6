"""Imports libvips on first use and silences its messages."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

EVERY_LEVEL = 0xFF  # GLib log levels: seven levels and the flag for a message that interrupts another


@functools.cache
def libvips() -> Any:
    """Return the module `pyvips`, with its log messages disabled.

    libvips sends warnings to GLib's log, and pyvips passes them to Python's logging, which would print them. Moreover,
    Python may collect garbage during a message; libvips then warns about an image that is freed, and GLib ends the
    process, because one message interrupts another. Anything important about a picture is in its notes or in an error.
    The log handler is therefore replaced by a C function that does nothing.
    """
    import pyvips

    nothing = ctypes.cast(ctypes.pythonapi.Py_IsInitialized, ctypes.c_void_p).value  # needs no lock and no argument
    handler = pyvips.ffi.cast("GLogFunc", nothing)
    pyvips.glib_lib.g_log_set_handler(b"VIPS", EVERY_LEVEL, handler, pyvips.ffi.NULL)
    return pyvips


def forget_errors() -> None:
    """Clear libvips's error buffer, so that the next error does not include earlier warnings."""
    libvips().vips_lib.vips_error_clear()
