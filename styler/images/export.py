"""How a picture is written, apart from where."""

from __future__ import annotations

from dataclasses import dataclass

from styler.config import DEPTHS, LARGEST_DPI, PROFILES, QUALITY
from styler.errors import OptionError, OutputError
from styler.options import FILE, FILES, SIZE_AND_MEMORY, Choice, Flag, Whole, check, option, options_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Choices about an output file.

    Attributes:
        quality: 1..100, of JPEG (4:4:4) and WebP; more is finer.
        depth: Bits a channel, 8 or 16; None for 16 where the photo has more than 8 and the format can hold them.
        profile: "keep" converts the result into the photo's own color profile, "srgb" leaves it in sRGB.
        dpi: Dots per inch to state; None for those of the photo.
        keep_gps: Whether the place where the photo was taken is passed on.
        recipe: A text to carry along: PNG iTXt `styler`; XMP of JPEG, WebP and TIFF.

    Raises:
        OutputError: A choice is none of these.
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
        Whole(min(DEPTHS), max(DEPTHS)),
        "Bits a channel, 8 or 16; PNG and TIFF hold 16.",
        group=FILES,
        effect=FILE,
        default_text="16 for a photo of more than 8",
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
        "Pass on where the photo was taken.",
        group=FILES,
        effect=FILE,
        flags="--keep-gps/--drop-gps",
    )
    recipe: str | None = None

    def __post_init__(self) -> None:
        """Check every choice."""
        try:
            check(self)
            if self.depth not in (None, *DEPTHS):
                raise OptionError(name="depth", expected="8 or 16 bits a channel", came=self.depth)
        except OptionError as problem:
            raise OutputError(str(problem)) from problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """How files are handled, whatever their format.

    Attributes:
        max_pixels: Most pixels of an input image; None for what fits into memory.
        recipe: Whether the picture carries its recipe, for `styler replay`.
    """

    max_pixels: int | None = option(
        None,
        Whole(1),
        "Refuse larger input images; in pixels.",
        group=SIZE_AND_MEMORY,
        effect=FILE,
        default_text="what fits into memory, at most 2^28",
    )
    recipe: bool = option(
        True,
        Flag(),
        "Store the recipe in the picture, for 'styler replay'; it has no paths and no times.",
        group=FILES,
        effect=FILE,
    )

    def __post_init__(self) -> None:
        """Check every choice."""
        check(self)


FILE_OPTIONS = {**options_of(Export), **options_of(Handling)}
"""Field -> what users see of it, for every option about files."""
