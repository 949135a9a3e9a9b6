"""Names that stand for things: a mapping whose misses suggest the nearest name."""

from __future__ import annotations

import importlib
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
        self._things: dict[str, T | str] = {}

    def add(self, name: str, thing: T | str) -> None:
        """Register something under a new name.

        Args:
            name: Not yet taken.
            thing: What it stands for, or its address as "module:attribute", which is imported when it is first used.

        Raises:
            StylerError: The registry's own error, if the name is taken.
        """
        if name in self._things:
            message = f"{self._noun} {name!r} is registered already"
            raise self._error(message)
        self._things[name] = thing

    def __getitem__(self, name: str) -> T:
        """The thing called `name`.

        Raises:
            StylerError: The registry's own error, naming the nearest known name.
        """
        if name not in self._things:
            message = f"unknown {self._noun} {name!r}. {suggestion(name, self._things)}"
            raise self._error(message)
        thing = self._things[name]
        if isinstance(thing, str):
            module, _, attribute = thing.partition(":")
            thing = self._things[name] = getattr(importlib.import_module(module), attribute)
        return thing

    def __contains__(self, name: object) -> bool:
        """Whether `name` is registered."""
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        """Names in order of registration."""
        return iter(self._things)
