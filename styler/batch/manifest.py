"""Read manifests: CSV, JSON Lines and TOML files with one row per job."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from styler.batch.jobs import OUTSIDE, Row
from styler.config import RenderConfig
from styler.errors import BatchError, shown, suggestion
from styler.options import field_of
from styler.texts import decoded, toml_hint, unified

DEFAULT_LINE = re.compile(r"#\s*(?P<name>[\w-]+)\s*=\s*(?P<value>.*\S)\s*")
SEPARATOR_LINE = re.compile(r"""\ufeff?["']?sep=(?P<mark>[^"'\w])?(\\t|tab)?["']?[,;\t ]*""", re.IGNORECASE)
DELIMITERS = ",;\t"
KNOWN = {*OUTSIDE, "preset", *(field.name for field in fields(RenderConfig))}
Manifest = tuple[dict[str, Any], list[Row]]


def read_manifest(path: Path) -> Manifest:
    """Read the defaults and rows of a manifest; the suffix of the file determines its format.

    CSV (`.csv`, `.tsv`, `.txt`): The header names the options. Lines like `# size = 512` above the header set
    defaults. Empty rows and rows that begin with `#` are ignored.
    JSON Lines (`.jsonl`, `.ndjson`): Each line is an object. An object whose only key is `defaults` sets defaults.
    TOML (`.toml`): Jobs are `[[job]]` tables. Defaults are plain keys above them or a table `[defaults]`.

    Raises:
        BatchError: The file cannot be read or has no rows.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        message = f"{shown(path)}: unknown kind of manifest {path.suffix!r}. {suggestion(path.suffix, READERS)}"
        raise BatchError(message)
    try:
        text = decoded(path.read_bytes())
    except OSError as cause:
        message = f"cannot read {shown(path)}: {cause.strerror}"
        raise BatchError(message) from cause
    except ValueError as cause:
        message = f"cannot read {shown(path)}: expected a text file, got binary data; save it as UTF-8"
        raise BatchError(message) from cause
    defaults, rows = reader(text, path)
    if not rows:
        message = f"{shown(path)} has no jobs: expected at least one row with content and style"
        raise BatchError(message)
    return defaults, rows


def _read_csv(text: str, path: Path) -> Manifest:
    lines = io.StringIO(text, newline="").readlines()
    defaults, separator, head = _preamble(lines)
    header = lines[head] if head < len(lines) else ""
    table = csv.reader(
        lines[head:],
        delimiter=separator or _delimiter(header),
        strict=True,
        skipinitialspace=True,
    )
    rows = []
    try:
        names = [name.strip() for name in next(table, [])]
        _check_header(names, f"{shown(path)}, line {head + table.line_num}")
        for cells in table:
            place = f"{shown(path)}, line {head + table.line_num}"
            if any(cell.strip() for cell in cells) and not _is_comment(cells[0], path.parent):
                rows.append(Row(options=_cells(names, cells, path.parent, place), place=place))
    except csv.Error as cause:
        message = f"{shown(path)}, line {head + table.line_num}: {cause}"
        raise BatchError(message) from cause
    return defaults, rows


def _preamble(lines: Sequence[str]) -> tuple[dict[str, str], str | None, int]:
    """Parse the lines above the header.

    Spreadsheets may put quotes around these lines and add delimiters to their end.

    Returns:
        The defaults, the delimiter if a line such as `sep=;` names it, and the index of the header line.
    """
    defaults: dict[str, str] = {}
    separator = None
    for number, line in enumerate(lines):
        told = SEPARATOR_LINE.fullmatch(line.rstrip("\r\n"))
        plain = line.strip().strip(DELIMITERS).strip('"').strip()
        default = DEFAULT_LINE.fullmatch(plain)
        if told:
            separator = told["mark"] or "\t"
        elif default:
            defaults[default["name"]] = default["value"].strip("\"'")
        elif plain and not plain.startswith("#"):
            return defaults, separator, number
    return defaults, separator, len(lines)


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _check_header(names: Sequence[str], place: str) -> None:
    """Check that the header names at least one option and none twice.

    Raises:
        BatchError: The header is invalid; the message quotes it.
    """
    options = [field_of(name) for name in names if name]
    if names and not KNOWN.intersection(options):
        message = f"{place}: expected a header with names of options such as content and style, got {names}"
        raise BatchError(message)
    _check_once(options, place)


def _check_once(options: Iterable[str], place: str) -> None:
    twice = next((name for name, count in Counter(options).items() if count > 1), None)
    if twice is not None:
        message = f"{place}: {twice!r} is given twice; remove one of the two"
        raise BatchError(message)


def _is_comment(cell: str, folder: Path) -> bool:
    """Whether a row is a comment: it begins with `#`, and no file has the name in its first cell."""
    return cell.lstrip().startswith("#") and not os.path.lexists(folder / cell.strip())


def _cells(
    names: Sequence[str],
    cells: Sequence[str],
    folder: Path,
    place: str,
) -> dict[str, str]:
    """Map options to cells, without surrounding spaces unless they are part of the name of an existing file."""
    if any(cell.strip() for cell in cells[len(names) :]):
        message = f"{place}: more cells than the header has names; quote cells that contain the delimiter"
        raise BatchError(message)
    found = {}
    for name, cell in zip(names, cells, strict=False):
        text = cell.strip()
        if text and not name:
            message = f"{place}: {text[:40]!r} is in a column without a name; name the column in the header"
            raise BatchError(message)
        if text:
            found[name] = cell if text != cell and os.path.lexists(folder / cell) else text
    return found


def _read_json_lines(text: str, path: Path) -> Manifest:
    defaults: dict[str, Any] = {}
    rows = []
    for number, line in enumerate(unified(text).split("\n"), 1):
        if not line.strip() or line.lstrip().startswith(("#", "//")):
            continue
        place = f"{shown(path)}, line {number}"
        options = _object(line, place)
        if set(options) == {"defaults"} and isinstance(options["defaults"], dict):
            defaults |= options["defaults"]
        else:
            rows.append(Row(options=options, place=place))
    return defaults, rows


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        options = json.loads(line, object_pairs_hook=lambda pairs: _once(pairs, place))
    except ValueError as cause:
        message = f"{place}: not JSON: {cause}"
        raise BatchError(message) from cause
    if not isinstance(options, dict):
        message = f"{place}: expected an object with content and style, got {line.strip()[:40]!r}"
        raise BatchError(message)
    return options


def _once(pairs: Sequence[tuple[str, Any]], place: str) -> dict[str, Any]:
    _check_once([field_of(name) for name, _ in pairs], place)
    return dict(pairs)


def _read_toml(text: str, path: Path) -> Manifest:
    try:
        options = tomllib.loads(unified(text))
    except tomllib.TOMLDecodeError as cause:
        message = f"{shown(path)} is not TOML: {cause}{toml_hint(cause)}"
        raise BatchError(message) from cause
    tables = options.pop("job", [])
    if not tables and isinstance(options.get("jobs"), list):
        message = f"{shown(path)}: expected [[job]] tables, got [[jobs]]"
        raise BatchError(message)
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        message = f"{shown(path)}: expected [[job]] tables, in double brackets"
        raise BatchError(message)
    for number, table in enumerate(tables, 1):
        _check_once(map(field_of, table), f"{shown(path)}, job {number}")
    rows = [Row(options=table, place=f"{shown(path)}, job {number}") for number, table in enumerate(tables, 1)]
    if isinstance(options.get("defaults"), dict):  # as in JSON Lines
        options |= options.pop("defaults")
    return options, rows


READERS = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".txt": _read_csv,  # the "Unicode text" export of spreadsheets
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".toml": _read_toml,
}
