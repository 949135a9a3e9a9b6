"""The inputs of a render, each in its role: photo, groups of paintings, masks, an image to start from, a network.

An item stands for an input at some stage of the work: it can be a path, a size, a hash or the pixels. `Inputs.map`
converts all items from one form to the next, so that every stage handles every input. To support a new kind of input,
add a role here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple, TypeVar

from styler.errors import ConfigError

CONTENT = "content"
STYLE = "style"
INIT = "init"
NETWORK = "network"
DECODER = "decoder"
CONTENT_MASK = "content_mask"
STYLE_MASK = "style_mask"
KEEP = "keep"
STRENGTH_MAP = "strength_map"
ROLES = (CONTENT, STYLE, CONTENT_MASK, STYLE_MASK, KEEP, STRENGTH_MAP, INIT, NETWORK, DECODER)
SINGLE_ROLES = (CONTENT, CONTENT_MASK, KEEP, STRENGTH_MAP, INIT, NETWORK, DECODER)

Item = TypeVar("Item")
Other = TypeVar("Other")


class Entry(NamedTuple, Generic[Item]):
    """One input.

    Attributes:
        role: One of `ROLES`.
        item: The input in its current form.
        group: Index of the group of a painting or its mask; None in every other role.
    """

    role: str
    item: Item
    group: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs(Generic[Item]):
    """Everything that a render reads.

    Attributes:
        content: The photo; None for a render without a photo.
        styles: Groups of paintings. The paintings of a group share one style weight.
        init: The image that the optimizer starts from; None if an option names the start.
        network: The network's file; None if it has no file.
        decoder: The file of the network's decoder; None for a render that does not draw in one pass.
        content_mask: Colors the regions of the photo; None for one region.
        style_masks: Colors the regions of the paintings of each group; None for a group that serves every region. Empty
            if all groups do.
        keep: White where the photo stays photographic; None for nowhere.
        strength_map: Gray: how much painting where; None for full strength everywhere.
    """

    content: Item | None
    styles: tuple[tuple[Item, ...], ...]
    init: Item | None = None
    network: Item | None = None
    decoder: Item | None = None
    content_mask: Item | None = None
    style_masks: tuple[Item | None, ...] = ()
    keep: Item | None = None
    strength_map: Item | None = None

    @classmethod
    def of(
        cls,
        content: Item | None,
        paintings: Iterable[Item],
        init: Item | None = None,
    ) -> Inputs[Item]:
        """Make inputs in which each painting has its own style weight."""
        return cls(
            content=content,
            styles=tuple((painting,) for painting in paintings),
            init=init,
        )

    def with_masks(
        self,
        content_mask: Item | None,
        style_masks: Sequence[Item | None],
    ) -> Inputs[Item]:
        """Return the same inputs with masks.

        Args:
            content_mask: Mask of the photo.
            style_masks: One mask for each group of paintings, or none at all.
        """
        given = tuple(style_masks)
        return replace(
            self,
            content_mask=content_mask,
            style_masks=given if any(mask is not None for mask in given) else (),
        )

    @classmethod
    def of_entries(cls, entries: Iterable[Entry[Item]]) -> Inputs[Item]:
        """The inverse of `entries`.

        Raises:
            ValueError: A role is unknown, an input occurs twice, a mask comes before its painting, or groups are not
                numbered in order.
        """
        single: dict[str, Item] = {}
        groups: list[list[Item]] = []
        masks: dict[int, Item] = {}
        for role, item, group in entries:
            if role == STYLE and group is not None and len(groups) - 1 <= group <= len(groups) and group >= 0:
                if group == len(groups):
                    groups.append([])
                groups[group].append(item)
            elif role == STYLE_MASK and group is not None and group not in masks and 0 <= group < len(groups):
                masks[group] = item
            elif role in SINGLE_ROLES and group is None and role not in single:
                single[role] = item
            else:
                message = f"an input of role {role!r}, group {group!r}, does not fit the others"
                raise ValueError(message)
        inputs = cls(
            content=single.get(CONTENT),
            styles=tuple(map(tuple, groups)),
            init=single.get(INIT),
            network=single.get(NETWORK),
            decoder=single.get(DECODER),
            keep=single.get(KEEP),
            strength_map=single.get(STRENGTH_MAP),
        )
        return inputs.with_masks(single.get(CONTENT_MASK), [masks.get(group) for group in range(len(groups))])

    @property
    def entries(self) -> list[Entry[Item]]:
        """Every input with its role: photo, paintings in their order, masks, start, network, decoder."""
        before = [Entry(CONTENT, self.content)]
        paintings = [Entry(STYLE, each, number) for number, group in enumerate(self.styles) for each in group]
        masks = [Entry(CONTENT_MASK, self.content_mask)]
        masks += [Entry(STYLE_MASK, mask, number) for number, mask in enumerate(self.style_masks)]
        masks += [Entry(KEEP, self.keep), Entry(STRENGTH_MAP, self.strength_map)]
        after = [Entry(INIT, self.init), Entry(NETWORK, self.network), Entry(DECODER, self.decoder)]
        every = (*before, *paintings, *masks, *after)
        return [Entry(role, item, group) for role, item, group in every if item is not None]

    @property
    def items(self) -> list[Item]:
        """Every input, in the order of `entries`."""
        return [entry.item for entry in self.entries]

    @property
    def photo(self) -> Item:
        """The content image, for renders that need one.

        Raises:
            ConfigError: There is no content image.
        """
        if self.content is None:
            message = "expected a content image, got none"
            raise ConfigError(message)
        return self.content

    @property
    def paintings(self) -> list[Item]:
        """The paintings of all groups."""
        return [painting for group in self.styles for painting in group]

    @property
    def painting_masks(self) -> list[Item | None]:
        """The mask of each painting; None for a painting that serves every region."""
        masks = self.style_masks or (None,) * len(self.styles)
        return self.for_paintings(masks)

    @property
    def images(self) -> Inputs[Item]:
        """The inputs that are images, which means all except the network and its decoder."""
        return replace(self, network=None, decoder=None)

    def region_count(self, colors: int) -> int:
        """Return the number of regions in which positions count, given that of the colors of the photo's mask."""
        is_partial = self.keep is not None or self.strength_map is not None
        return max(colors, int(is_partial))

    def map(self, work: Callable[[Item], Other]) -> Inputs[Other]:
        """Apply a function to each input and return the results in the same roles."""
        return Inputs.of_entries(Entry(role, work(item), group) for role, item, group in self.entries)

    def for_paintings(self, of_groups: Iterable[Other]) -> list[Other]:
        """Return the value of each painting, given that of each group."""
        return [value for group, value in zip(self.styles, of_groups, strict=True) for _ in group]

    def painting_shares(self, group_shares: Sequence[float]) -> list[float]:
        """Divide the share of each group equally among its paintings, and return the share of every painting."""
        shared = zip(self.styles, group_shares, strict=True)
        return [share / len(group) for group, share in shared for _ in group]
