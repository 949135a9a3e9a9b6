"""Names that stand for things: a mapping whose misses suggest the nearest name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from styler.errors import StylerError, suggestion

T = TypeVar("T")


class Registry(Generic[T]):
    """Name -> thing, in order of registration.

    Args:
        noun: What the things are, for messages: "network", "loss".
        error: Raised for an unknown or a doubled name.
    """

    def __init__(self, noun: str, error: type[StylerError]) -> None:
        self._noun, self._error = noun, error
        self._things: dict[str, T] = {}

    def add(self, name: str, thing: T) -> T:
        """Register `thing` under a new name and return it.

        Raises:
            StylerError: The registry's own error, if the name is taken.
        """
        if name in self._things:
            message = f"{self._noun} {name!r} is registered already"
            raise self._error(message)
        self._things[name] = thing
        return thing

    def __getitem__(self, name: str) -> T:
        """The thing called `name`.

        Raises:
            StylerError: The registry's own error, naming the nearest known name.
        """
        if name not in self._things:
            message = f"unknown {self._noun} {name!r}. {suggestion(name, self._things)}"
            raise self._error(message)
        return self._things[name]

    def __contains__(self, name: object) -> bool:
        """Whether `name` is registered."""
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        """Names in order of registration."""
        return iter(self._things)
