"""Parses layer addresses: `name`, `model/layer`, `layer@1`, `layer:0`, `lstm:state_h`, `#-3`, `block*_conv1`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from styler.errors import LayerError
from styler.networks.names import quoted

FORMS = "name, model/layer, layer@1, layer:0, lstm:state_h, #-3, block*_conv1, or a name in quotes"
SEGMENT = re.compile(
    r"""(?:'(?P<single>[^']+)' | "(?P<double>[^"]+)" | \#(?P<index>-?\d+) | (?P<plain>[^/:@#'"]+))
    (?:@(?P<call>\d+))?""",
    re.VERBOSE,
)
PORT = re.compile(r"\d+|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One step of an address: a layer in the model that the previous steps lead to.

    Attributes:
        name: Layer name or glob pattern; empty if `index` is given.
        index: Index in `model.layers`; negative values count from the end.
        quoted: Whether the name is in quotes and therefore not a pattern.
        call: Number of the call, from 0, of a layer that is called several times; None for a layer that is called once.
    """

    name: str = ""
    index: int | None = None
    quoted: bool = False
    call: int | None = None

    @property
    def is_pattern(self) -> bool:
        """Whether the name is a glob pattern."""
        return not self.quoted and bool(set(self.name) & set("*?["))

    def matches(self, name: str) -> bool:
        """Return whether a layer name matches this step. Upper and lower case differ."""
        return fnmatchcase(name, self.name) if self.is_pattern else name == self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A parsed address.

    Attributes:
        text: The address as the user wrote it.
        segments: Steps from the model inward; the last one names the layer.
        port: Output (a number) or state (a word) of the layer; None for its only output.
    """

    text: str
    segments: tuple[Segment, ...]
    port: int | str | None = None

    @property
    def is_pattern(self) -> bool:
        """Whether the address may match several layers."""
        return any(segment.is_pattern for segment in self.segments)


def parse_address(text: str) -> Address:
    """Parse an address.

    Raises:
        LayerError: The text is not a valid address.
    """
    if not isinstance(text, str):
        message = f"expected a layer address as a string, got {type(text).__name__}; write the layer's name"
        raise LayerError(message)
    segments = []
    position = 0
    while True:
        found = SEGMENT.match(text, position)
        if found is None:
            raise _unreadable(text)
        segments.append(_segment(found))
        position = found.end()
        if text[position : position + 1] != "/":
            return Address(
                text=text,
                segments=tuple(segments),
                port=_port(text, position),
            )
        position += 1


def _segment(found: re.Match[str]) -> Segment:
    quoted = found["single"] or found["double"]
    return Segment(
        name=quoted or found["plain"] or "",
        index=None if found["index"] is None else int(found["index"]),
        quoted=quoted is not None,
        call=None if found["call"] is None else int(found["call"]),
    )


def _port(text: str, position: int) -> int | str | None:
    if position == len(text):
        return None
    port = text[position + 1 :]
    if text[position] != ":" or not PORT.fullmatch(port):
        raise _unreadable(text)
    return int(port) if port.isdigit() else port


def _unreadable(text: str) -> LayerError:
    return LayerError(f"cannot read layer address {text!r}: expected {FORMS}")


def split_addresses(text: str) -> list[str]:
    """Split a string into addresses at commas. A comma in quotes is part of a name."""
    parts = re.findall(r"""(?:'[^']*'|"[^"]*"|[^,])+""", text)
    return [part.strip() for part in parts if part.strip()]


def written(names: Iterable[str], call: int | None, port: int | str | None) -> str:
    """Return the address of a layer, given the names that lead to it, with its call and port if they are not None."""
    path = "/".join(map(quoted, names))
    return path + ("" if call is None else f"@{call}") + ("" if port is None else f":{port}")
