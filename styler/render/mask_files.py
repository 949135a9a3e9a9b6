"""Names the files of masks that are found rather than drawn."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from styler.errors import ConfigError
from styler.images.writing import beside
from styler.inputs import Inputs

AUTO = "auto"
"""The value of `--mask` that finds masks."""
OVERLAY = "overlay"


def check_can_be_found(inputs: Inputs[Path]) -> None:
    """Check that the masks of a render can be found.

    Raises:
        ConfigError: The render has masks already, or a group of paintings that would share one.
    """
    if inputs.content_mask is not None:
        message = "expected --mask auto or --content-mask, got both; leave one of them out"
        raise ConfigError(message)
    if any(len(group) > 1 for group in inputs.styles):
        message = "expected one image for each STYLE with --mask auto, got a folder; name the paintings"
        raise ConfigError(message)


def mask_files(output: Path, paintings: Sequence[Path], longest: int) -> list[Path]:
    """Return the files that `--mask auto` writes: the mask of the photo, those of the paintings, and the overlay.

    Masks of paintings are named after them, by number if their names are not enough to tell the files apart, and by
    number only if the file names would be too long.

    Args:
        output: The picture that the masks are written beside.
        paintings: The paintings.
        longest: Maximum length of a file name in bytes.
    """
    stems = [painting.stem for painting in paintings]
    numbered = [f"{number}-{stem}" for number, stem in enumerate(stems, 1)]
    different = {name.casefold() for name in (*stems, OVERLAY)}
    names = stems if len(different) == len(stems) + 1 else numbered
    files = _named(output, names)
    fit = all(len(os.fsencode(path.name)) <= longest for path in files)
    return files if fit else _named(output, [str(number) for number in range(1, len(stems) + 1)])


def _named(output: Path, paintings: Iterable[str]) -> list[Path]:
    words = ("mask", *(f"mask-{name}" for name in paintings), f"mask-{OVERLAY}")
    return [beside(output, word) for word in words]
