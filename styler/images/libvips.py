"""libvips, imported when it is first needed and kept quiet."""

from __future__ import annotations

import functools
import logging
from typing import Any


@functools.cache
def libvips() -> Any:
    """The module `pyvips`.

    It passes the warnings of decoders on to Python's logging, which would print them where nobody has set it up;
    what they mean for a picture is in its notes or in an error.
    """
    import pyvips

    logging.getLogger("pyvips").addHandler(logging.NullHandler())
    return pyvips
