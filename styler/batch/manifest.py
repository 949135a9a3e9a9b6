"""Manifests: CSV, JSON Lines and TOML files with one row a job."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from styler.batch.jobs import Row
from styler.errors import BatchError, suggestion

DEFAULT_LINE = re.compile(r"#\s*(?P<name>[\w-]+)\s*=\s*(?P<value>.*\S)\s*")
DELIMITERS = ",;\t"
Manifest = tuple[dict[str, Any], list[Row]]


def read_manifest(path: Path) -> Manifest:
    """Defaults and rows of a manifest, by its suffix.

    CSV: a header with the names of the options, above it lines like `# size = 512` as defaults; `.tsv` as well.
    JSON Lines: an object a line; one with the single key `defaults` gives those.
    TOML: `[[job]]` tables, and defaults as plain keys above them or in a table `[defaults]`.

    Raises:
        BatchError: The file cannot be read or has no rows.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        message = f"{path}: unknown kind of manifest {path.suffix!r}. {suggestion(path.suffix, READERS)}"
        raise BatchError(message)
    try:
        text = path.read_text("utf-8-sig")
    except OSError as cause:
        message = f"cannot read {path}: {cause.strerror}"
        raise BatchError(message) from cause
    except UnicodeDecodeError as cause:
        message = f"cannot read {path}: expected UTF-8 text, got other bytes; save it as UTF-8"
        raise BatchError(message) from cause
    defaults, rows = reader(text, path)
    if not rows:
        message = f"{path} has no jobs: expected at least one row with content and style"
        raise BatchError(message)
    return defaults, rows


def _read_csv(text: str, path: Path) -> Manifest:
    lines = text.splitlines(keepends=True)
    head = next((number for number, line in enumerate(lines) if line.strip() and line[0] != "#"), len(lines))
    found = filter(None, (DEFAULT_LINE.fullmatch(line.strip()) for line in lines[:head]))
    defaults = {match["name"]: match["value"].strip("\"'") for match in found}
    header = lines[head] if head < len(lines) else ""
    delimiter = max(DELIMITERS, key=header.count)
    table = csv.DictReader(io.StringIO("".join(lines[head:])), delimiter=delimiter, strict=True)
    rows = []
    try:
        for cells in table:
            place = f"{path}, line {head + table.line_num}"
            rows.append(Row(options=_cells(cells, place), place=place))
    except csv.Error as cause:
        message = f"{path}, line {head + table.line_num}: {cause}"
        raise BatchError(message) from cause
    return defaults, rows


def _cells(cells: Mapping[str | None, Any], place: str) -> dict[str, Any]:
    if None in cells:
        message = f"{place}: more cells than the header has names; quote cells that hold the delimiter"
        raise BatchError(message)
    return {name: value.strip() for name, value in cells.items() if name and value and value.strip()}


def _read_json_lines(text: str, path: Path) -> Manifest:
    defaults: dict[str, Any] = {}
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        options = _object(line, place)
        if set(options) == {"defaults"} and isinstance(options["defaults"], dict):
            defaults |= options["defaults"]
        else:
            rows.append(Row(options=options, place=place))
    return defaults, rows


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        options = json.loads(line)
    except ValueError as cause:
        message = f"{place}: not JSON: {cause}"
        raise BatchError(message) from cause
    if not isinstance(options, dict):
        message = f"{place}: expected an object with content and style, got {line.strip()[:40]!r}"
        raise BatchError(message)
    return options


def _read_toml(text: str, path: Path) -> Manifest:
    try:
        options = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        message = f"{path} is not TOML: {cause}"
        raise BatchError(message) from cause
    tables = options.pop("job", [])
    if not tables and isinstance(options.get("jobs"), list):
        message = f"{path}: expected [[job]] tables, got [[jobs]]"
        raise BatchError(message)
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        message = f"{path}: expected [[job]] tables, in double brackets"
        raise BatchError(message)
    rows = [Row(options=table, place=f"{path}, job {number}") for number, table in enumerate(tables, 1)]
    if isinstance(options.get("defaults"), dict):  # as in JSON Lines
        options |= options.pop("defaults")
    return options, rows


READERS = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".toml": _read_toml,
}
