"""The inputs of a render, each in its role: a photo, groups of paintings, an image to start from, a network.

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
ROLES = (CONTENT, STYLE, INIT, NETWORK)
SINGLE_ROLES = (CONTENT, INIT, NETWORK)

Item = TypeVar("Item")
Other = TypeVar("Other")


class Entry(NamedTuple, Generic[Item]):
    """One input.

    Attributes:
        role: One of `ROLES`.
        item: The input in its current form.
        group: Index of a painting's group; None in every other role.
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
    """

    content: Item | None
    styles: tuple[tuple[Item, ...], ...]
    init: Item | None = None
    network: Item | None = None

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

    @classmethod
    def of_entries(cls, entries: Iterable[Entry[Item]]) -> Inputs[Item]:
        """The inverse of `entries`.

        Raises:
            ValueError: A role is unknown, a role other than "style" occurs twice, or groups are not numbered in order.
        """
        single: dict[str, Item] = {}
        groups: list[list[Item]] = []
        for role, item, group in entries:
            if role == STYLE and group is not None and len(groups) - 1 <= group <= len(groups) and group >= 0:
                if group == len(groups):
                    groups.append([])
                groups[group].append(item)
            elif role in SINGLE_ROLES and group is None and role not in single:
                single[role] = item
            else:
                message = f"an input of role {role!r}, group {group!r}, does not fit the others"
                raise ValueError(message)
        return cls(
            content=single.get(CONTENT),
            styles=tuple(map(tuple, groups)),
            init=single.get(INIT),
            network=single.get(NETWORK),
        )

    @property
    def entries(self) -> list[Entry[Item]]:
        """Every input with its role: the photo, the paintings in their order, the start, the network."""
        before = [Entry(CONTENT, self.content)]
        paintings = [Entry(STYLE, each, number) for number, group in enumerate(self.styles) for each in group]
        after = [Entry(INIT, self.init), Entry(NETWORK, self.network)]
        return [Entry(role, item, group) for role, item, group in (*before, *paintings, *after) if item is not None]

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
    def images(self) -> Inputs[Item]:
        """The inputs that are images, which means all except the network."""
        return replace(self, network=None)

    def map(self, work: Callable[[Item], Other]) -> Inputs[Other]:
        """Apply a function to each input and return the results in the same roles."""
        return Inputs.of_entries(Entry(role, work(item), group) for role, item, group in self.entries)

    def painting_shares(self, group_shares: Sequence[float]) -> list[float]:
        """Divide the share of each group equally among its paintings, and return the share of every painting."""
        shared = zip(self.styles, group_shares, strict=True)
        return [share / len(group) for group, share in shared for _ in group]
