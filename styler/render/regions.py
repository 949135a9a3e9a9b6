"""The regions of a render, from the masks of its photo and its paintings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from styler.errors import ConfigError, shown
from styler.images.picture import Picture
from styler.images.regions import (
    Color,
    RegionMap,
    check_proportions,
    hexadecimal,
    mask_colors,
    nearest_color,
    region_map,
)
from styler.inputs import Inputs
from styler.types import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Regions:
    """Where the regions of a render are.

    Attributes:
        photo: Regions of the photo; every pixel belongs to some.
        paintings: The same regions in each painting; None for a painting that serves every region.
    """

    photo: RegionMap
    paintings: tuple[RegionMap | None, ...]

    @property
    def colors(self) -> tuple[Color, ...]:
        """Colors of the regions, in the order of all arrays."""
        return self.photo.colors


def region_colors(
    mask: Picture | None,
    style_masks: Sequence[Picture | None],
    sizes: Inputs[Size],
) -> tuple[Color, ...]:
    """Check the masks of a render, and return the colors of its regions; none without a mask of the photo.

    Args:
        mask: Mask of the photo; None for one region.
        style_masks: Masks of the paintings, one for each group; None for a group that serves every region. Empty if all
            groups do.
        sizes: Sizes of the photo and the paintings.

    Raises:
        ConfigError: A mask has other proportions than its image, no colors or too many, or a color of the photo's mask
            occurs in no painting's; or there are masks of paintings only.
    """
    if mask is None:
        if style_masks:
            message = "expected a mask of the photo beside those of the paintings, got none; pass --content-mask"
            raise ConfigError(message)
        return ()
    check_proportions(mask.size, sizes.photo, _name(mask), "the photo")
    colors = mask_colors(mask, _name(mask))
    found: list[Color] = []
    for painting_mask, group in zip(style_masks, sizes.styles, strict=bool(style_masks)):
        if painting_mask is not None:
            for size in group:
                check_proportions(painting_mask.size, size, _name(painting_mask), "its painting")
            found += mask_colors(painting_mask, _name(painting_mask))
    serves_all = None in (style_masks or (None,))
    missing = [] if serves_all else [color for color in colors if nearest_color(color, found) is None]
    if missing:
        message = (
            f"expected every color of {_name(mask)} in the mask of a painting, but {_listed(missing)} is in none of "
            f"them, which have {_listed(found)}; paint it there, or pass 'none' for a painting that serves every region"
        )
        raise ConfigError(message)
    return colors


def _name(mask: Picture) -> str:
    return shown(mask.name if mask.source is None else mask.source.name)


def _listed(colors: Sequence[Color]) -> str:
    return ", ".join(hexadecimal(color) for color in sorted(set(colors)))


def check_gray_masks(masks: Inputs[Size]) -> None:
    """Check the proportions of the masks of what stays photographic and of strength, given the sizes of all inputs.

    Raises:
        ConfigError: They are not those of the photo.
    """
    for size, name in ((masks.keep, "of --keep"), (masks.strength_map, "of --strength-map")):
        if size is not None:
            check_proportions(size, masks.photo, name, "the photo")


def regions_of(inputs: Inputs[Picture], longer: int) -> Regions | None:
    """Read the masks of a render; None if it has none.

    Args:
        inputs: Pictures of the render.
        longer: Longer side of the result in pixels; masks are not kept larger than that.

    Raises:
        ConfigError: A mask does not fit; see `region_colors`.
    """
    mask = inputs.content_mask
    colors = region_colors(mask, inputs.style_masks, inputs.map(lambda picture: picture.size))
    if mask is None:
        return None
    maps = [
        None if own is None else region_map(own, colors, _name(own), filled=False).no_larger(longer)
        for own in inputs.painting_masks
    ]
    photo = region_map(mask, colors, _name(mask), filled=True).no_larger(longer)
    return Regions(photo=photo, paintings=tuple(maps))
