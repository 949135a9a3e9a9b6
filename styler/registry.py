"""A mapping from names to objects, whose errors suggest the most similar name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Generic, TypeVar

from styler.errors import StylerError, suggestion

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps names to objects, in order of registration.

    Args:
        noun: What the objects are called in messages, such as "network" or "loss".
        error: Error class to raise for an unknown name, or for one that is registered twice.
    """

    def __init__(self, noun: str, error: type[StylerError]) -> None:
        self._noun = noun
        self._error = error
        self._things: dict[str, T | str] = {}

    def add(self, name: str, entry: T | str) -> None:
        """Register an object under a new name.

        Args:
            name: A name that is not registered yet.
            entry: The object, or its address "module:attribute", which is imported when it is first used.

        Raises:
            StylerError: The name is already registered. The class is the registry's error class.
        """
        if name in self._things:
            message = f"{self._noun} {name!r} is already registered; choose another name"
            raise self._error(message)
        self._things[name] = entry

    def __getitem__(self, name: str) -> T:
        """Return the object registered as `name`.

        Raises:
            StylerError: The name is unknown; the message suggests the most similar name. The class is the registry's
                error class.
        """
        if name not in self._things:
            message = f"unknown {self._noun} {name!r}. {suggestion(name, self._things)}"
            raise self._error(message)
        entry = self._things[name]
        if isinstance(entry, str):
            module, _, attribute = entry.partition(":")
            entry = self._things[name] = getattr(importlib.import_module(module), attribute)
        return entry

    def __contains__(self, name: object) -> bool:
        """Whether `name` is registered."""
        return name in self._things

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in order of registration."""
        return iter(self._things)
