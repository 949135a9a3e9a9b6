"""Options of an output file."""

from __future__ import annotations

from dataclasses import dataclass

from styler.config import DEPTHS, LARGEST_DPI, PROFILES, QUALITY
from styler.errors import OptionError, OutputError
from styler.options import FILE, FILES, SIZE_AND_MEMORY, Choice, Flag, OneNumber, Whole, check, option, options_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Options of an output file.

    Attributes:
        quality: Quality of JPEG (4:4:4) and WebP, 1..100; a higher value gives a better image and a larger file.
        depth: Bits per channel, 8 or 16. None means 16 if the photo has more than 8 and the format supports 16, else 8.
        profile: "keep" converts the result to the photo's color profile; "srgb" leaves it in sRGB.
        dpi: Dots per inch to state in the file; None for the photo's value.
        keep_gps: Whether to copy the photo's GPS position.
        recipe: Recipe text to store: in the iTXt chunk `styler` of PNG, in the XMP packet of JPEG, WebP and TIFF.

    Raises:
        OutputError: An option has another value.
    """

    quality: int = option(
        QUALITY,
        Whole(1, 100),
        "Quality of JPEG and WebP, 1 to 100.",
        group=FILES,
        effect=FILE,
    )
    depth: int | None = option(
        None,
        OneNumber(DEPTHS, "8 or 16 bits per channel"),
        "Bits per channel; only PNG and TIFF support 16.",
        group=FILES,
        effect=FILE,
        default_text="16 if the photo has more than 8",
    )
    profile: str = option(
        PROFILES[0],
        Choice(PROFILES),
        "Color profile of the result: the photo's own (keep), or sRGB.",
        group=FILES,
        effect=FILE,
    )
    dpi: int | None = option(
        None,
        Whole(1, LARGEST_DPI),
        "Dots per inch that the file states.",
        group=FILES,
        effect=FILE,
        default_text="the photo's own",
    )
    keep_gps: bool = option(
        False,
        Flag(),
        "Copy the GPS position of the photo.",
        group=FILES,
        effect=FILE,
        flags="--keep-gps/--drop-gps",
    )
    recipe: str | None = None

    def __post_init__(self) -> None:
        """Check every option."""
        try:
            check(self)
        except OptionError as problem:
            raise OutputError(str(problem)) from problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """How files are handled, whatever their format.

    Attributes:
        max_pixels: Maximum number of pixels of an input image; None for what fits into memory.
        recipe: Whether to store the recipe in the picture, for `styler replay`.
    """

    max_pixels: int | None = option(
        None,
        Whole(1),
        "Refuse input images with more pixels.",
        group=SIZE_AND_MEMORY,
        effect=FILE,
        default_text="what fits into memory, at most 2^28",
    )
    recipe: bool = option(
        True,
        Flag(),
        "Store the recipe in the picture, for 'styler replay'; it contains no paths or times.",
        group=FILES,
        effect=FILE,
    )

    def __post_init__(self) -> None:
        """Check every option."""
        check(self)


FILE_OPTIONS = {**options_of(Export), **options_of(Handling)}
"""Field -> what users see of it, for every option about files."""
