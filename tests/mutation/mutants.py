"""Chooses a fixed sample of mutants: random positions in the code, and one random change at each.

Cosmic Ray lists every change at every position. It replaces a `+` in eleven ways; all of them count as one position
here, so that arithmetic does not dominate the sample. A change without effect is skipped: one that does not compile, or
only with a warning, and one that affects only annotations or code for type checkers.

The order is that of a hash of the seed, the module, the line and the column. If the code changes, a mutant of an
unchanged line keeps its place in the order.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from cosmic_ray.work_item import MutationSpec, WorkItem

PUNCTUATION = tuple("()[]{},:.=")
Position = tuple[tuple[int, int], tuple[int, int]]


class _Executed(ast.NodeTransformer):
    """Removes what does not run: annotations and code for type checkers."""

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant("")
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if "TYPE_CHECKING" in ast.unparse(node.test) else self.generic_visit(node)


def sample(tree: Path, settings: Mapping[str, Any]) -> list[WorkItem]:
    """The sample, with the job names `000`, `001`, … Its first N mutants are also a fair sample.

    Args:
        tree: Root of a checkout; must be the current folder.
        settings: The content of mutation.toml.
    """
    groups = settings["groups"]
    streams = {name: _mutants(tree, group["packages"], settings["seed"]) for name, group in groups.items()}
    taken = dict.fromkeys(streams, 0)
    chosen = []
    for number in range(settings["mutants"]):
        name = max(streams, key=lambda name: groups[name]["share"] * (number + 1) - taken[name])
        taken[name] += 1
        chosen.append(WorkItem.single(f"{number:03d}", next(streams[name])))
    return chosen


def _mutants(tree: Path, packages: list[str], seed: int) -> Iterator[MutationSpec]:
    """Mutants of some packages in random order, at most one per position. Missing packages are skipped."""
    ranked: list[tuple[str, list[MutationSpec]]] = []
    for path in sorted(path for package in packages for path in tree.glob(f"styler/{package}/**/*.py")):
        module = path.relative_to(tree)
        positions: dict[Position, list[MutationSpec]] = {}
        for mutation in _all_of(module):
            positions.setdefault((mutation.start_pos, mutation.end_pos), []).append(mutation)
        lines = module.read_text("utf-8").splitlines()
        for position, choices in positions.items():
            rank = _rank(seed, module, *_place(lines, position))
            ranks = {_rank(rank, number): choice for number, choice in enumerate(choices)}
            ranked.append((rank, [ranks[each] for each in sorted(ranks)]))
    for _, choices in sorted(ranked, key=lambda entry: entry[0]):
        yield from [mutation for mutation in choices if _means_something(mutation)][:1]


def _place(lines: list[str], position: Position) -> tuple[str, int, int]:
    """A position without its line number: the line, the number of equal lines above, the column after the indent."""
    (row, column), _ = position
    line = lines[row - 1]
    return line.strip(), lines[: row - 1].count(line), column - (len(line) - len(line.lstrip()))


def _rank(*words: object) -> str:
    return hashlib.sha256(repr(tuple(map(str, words))).encode()).hexdigest()


def _all_of(module: Path) -> Iterator[MutationSpec]:
    """Every change that Cosmic Ray's operators without arguments make in a module, in Cosmic Ray's numbering."""
    nodes = [node for node in ast_nodes(get_ast_from_path(module)) if not _is_passive(node)]
    for name in sorted(operator_names()):
        if get_operator(name).arguments():
            continue
        operator = get_operator(name)()
        spans = (span for node in nodes for span in operator.mutation_positions(node))
        for occurrence, (start, end) in enumerate(spans):
            yield MutationSpec(module, name, occurrence, start, end)


def _is_passive(node: Any) -> bool:
    """Whether no operator changes such a node. Skipping these halves the search time."""
    return node.type in ("name", "string", "newline", "endmarker") or getattr(node, "value", None) in PUNCTUATION


def _means_something(mutation: MutationSpec) -> bool:
    """Whether a mutant compiles without a warning and changes what runs."""
    source = mutation.module_path.read_text("utf-8")
    mutated = mutate_code(source, get_operator(mutation.operator_name)(), mutation.occurrence)
    try:
        with warnings.catch_warnings(action="error"):
            compile(mutated, str(mutation.module_path), "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return _executed(mutated) != _executed(source)


def _executed(source: str) -> str:
    return ast.dump(_Executed().visit(ast.parse(source)))
