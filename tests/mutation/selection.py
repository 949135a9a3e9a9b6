"""Selects the tests of a module: its own test file, or the nearest ones if it has none."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path


def tests_of(tree: Path, module: Path, numerics: Sequence[str]) -> list[Path]:
    """Test files to run for a module, the nearest first.

    Args:
        tree: Root of a checkout.
        module: A file of the package, relative to the root.
        numerics: Packages whose modules run every file of tests/numerics that imports from the package. A module of
            another package runs only those that import the module itself.

    Returns:
        Paths relative to the root. First the module's own file in tests/unit. If it has none, the unit tests of its
        package that import it. If there are none either, the own test files of the modules that import it. Then the
        files of tests/numerics.
    """
    package = module.parent.name
    near = (
        _mirrors(tree, [module])
        or _importers(tree, f"tests/unit/{package}/test_*.py", module)
        or _mirrors(tree, _importers(tree, f"styler/{package}/*.py", module))
    )
    measured = module.parent if package in numerics else module
    return [*near, *_importers(tree, "tests/numerics/test_*.py", measured)]


def _mirrors(tree: Path, modules: Iterable[Path]) -> list[Path]:
    mirrors = [Path("tests", "unit", module.parent.name, f"test_{module.name}") for module in modules]
    return [path for path in mirrors if (tree / path).is_file()]


def _importers(tree: Path, pattern: str, module: Path) -> list[Path]:
    """Files that import a module, or anything from a package if the path is a folder."""
    name = ".".join(module.with_suffix("").parts)
    importers = [path for path in sorted(tree.glob(pattern)) if any(_is(each, name) for each in _imports(path))]
    return [path.relative_to(tree) for path in importers]


def _is(imported: str, name: str) -> bool:
    return imported == name or imported.startswith(f"{name}.")


@cache
def _imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)
