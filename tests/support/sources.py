"""The repository's own Python files, parsed: what the architecture tests look at."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "styler"


@dataclass(frozen=True, kw_only=True)
class Import:
    """One imported module, as a dotted name."""

    module: str
    line: int


def package_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def all_files() -> list[Path]:
    folders = (PACKAGE, ROOT / "tests", ROOT / "weights", ROOT / "examples")
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def imports(tree: ast.AST) -> Iterator[Import]:
    """Every import, wherever it stands: at the top, in a function, for the type checker alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(module=alias.name, line=node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            yield from (Import(module=_target(module, alias.name), line=node.lineno) for alias in node.names)


def _target(module: str, name: str) -> str:
    """`from styler import config` means styler.config; `from styler.config import X` means styler.config."""
    folder = ROOT.joinpath(*module.split("."))
    if (folder / name).is_dir() or (folder / f"{name}.py").is_file():
        return f"{module}.{name}"
    return module


def type_imports(tree: ast.Module) -> Iterator[Import]:
    """What is imported for the type checker alone, under `if TYPE_CHECKING` at the top."""
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from imports(node)


def runtime_imports(tree: ast.Module) -> Iterator[Import]:
    """What is imported when the module is: its top level, without `if TYPE_CHECKING`."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imports(ast.Module(body=[node], type_ignores=[]))
