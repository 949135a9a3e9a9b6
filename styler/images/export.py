"""How a picture is written, apart from where."""

from __future__ import annotations

from dataclasses import dataclass

from styler.config import DEPTHS, LARGEST_DPI, PROFILES, QUALITY
from styler.errors import OutputError, suggestion


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

    quality: int = QUALITY
    depth: int | None = None
    profile: str = PROFILES[0]
    dpi: int | None = None
    keep_gps: bool = False
    recipe: str | None = None

    def __post_init__(self) -> None:
        """Check every choice."""
        if self.profile not in PROFILES:
            message = f"profile: expected keep or srgb, got {self.profile!r}. {suggestion(str(self.profile), PROFILES)}"
            raise OutputError(message)
        if self.depth not in (None, *DEPTHS):
            message = f"depth: expected 8 or 16 bits a channel, got {self.depth!r}"
            raise OutputError(message)
        if type(self.quality) is not int or not 1 <= self.quality <= 100:
            message = f"quality: expected a whole number from 1 to 100, got {self.quality!r}"
            raise OutputError(message)
        if self.dpi is not None and (type(self.dpi) is not int or not 1 <= self.dpi <= LARGEST_DPI):
            message = f"dpi: expected a whole number of dots per inch from 1 to {LARGEST_DPI}, got {self.dpi!r}"
            raise OutputError(message)
