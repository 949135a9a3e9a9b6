"""An import may only point down, and what must be light stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from support.sources import PACKAGE, Import, imports, label, package_files, parse, runtime_imports, type_imports

LAYERS = (
    (
        "errors",
        "choices",
        "config",
        "presets",
        "recipe",
        "inputs",
        "options",
        "sources",
        "types",
        "gaussians",
        "registry",
        "progress",
        "memory",
        "groups",
        "processors",
        "texts",
        "quiet",
        "forks",
    ),
    ("networks", "losses", "optimizers", "images"),
    ("features",),
    ("objective",),
    ("tiles",),
    ("render",),
    ("api", "batch"),
    ("cli", "studio", "__main__"),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
GROUND = LAYERS[0]
DOORS = {("batch", "api"), ("cli", "studio"), ("__main__", "cli")}  # between rooms of one layer
NAMING = {"progress"}  # passes values of upper rooms on, and names their types for the type checker alone
FACE = "__init__"  # styler/__init__.py re-exports from every layer, the heavy ones on demand
HEAVY = {"tensorflow", "keras", "jax", "torch", "PIL", "pyvips", "imagecodecs", "pillow_heif", "gradio", "ray", "scipy"}
FILES = package_files()


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def may_import(room: str, other: str) -> bool:
    if room == other or (room in GROUND and other in GROUND):
        return True
    return LEVEL[other] < LEVEL[room] or (room, other) in DOORS


def counted_imports(path: Path) -> list[Import]:
    """Every import of a file, without those that it may make for the type checker alone."""
    tree = parse(path)
    exempt = list(type_imports(tree)) if room_of(path) in NAMING else []
    return [found for found in imports(tree) if found not in exempt]


def inner_imports(path: Path) -> list[tuple[str, Import]]:
    """The rooms that a file imports from; a bare `import styler` belongs to none."""
    found = [(found.module.split("."), found) for found in counted_imports(path)]
    return [(parts[1], found) for parts, found in found if parts[0] == "styler" and len(parts) > 1]


def place(path: Path, node: ast.AST) -> str:
    return f"{label(path)}:{node.lineno}"


def test_every_module_belongs_to_a_layer():
    assert FILES
    homeless = [label(path) for path in FILES if room_of(path) not in {*LEVEL, FACE}]
    assert not homeless, f"these stand in no layer; the layers are {LAYERS}"


def test_imports_point_down():
    upward = [
        f"{label(path)}:{at.line}, layer {LEVEL[room_of(path)]}, imports {at.module}"
        for path in FILES
        if room_of(path) != FACE
        for other, at in inner_imports(path)
        if not may_import(room_of(path), other)
    ]
    assert not upward


@pytest.mark.parametrize(
    ("room", "other", "allowed"),
    [
        ("api", "render", True),
        ("losses", "types", True),
        ("config", "presets", True),
        ("cli", "errors", True),
        ("batch", "api", True),
        ("losses", "networks", False),
        ("images", "losses", False),
        ("render", "api", False),
        ("types", "images", False),
        ("api", "batch", False),
        ("studio", "cli", False),
    ],
)
def test_the_rule_itself(room, other, allowed):
    assert may_import(room, other) is allowed


def test_of_the_package_itself_only_the_version_is_used():
    names = [
        f"{place(path, node)}: styler.{node.attr}"
        for path in FILES
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "styler"
    ]
    from_above = [name for name in names if not name.endswith(".__version__")]
    assert not from_above, "a module reaches its own package from above"


def test_imports_are_absolute():
    relative = [
        place(path, node)
        for path in FILES
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


def test_ground_floor_imports_nothing_heavy_anywhere():
    heavy = [
        f"{label(path)}:{at.line} imports {at.module}"
        for path in FILES
        if room_of(path) in GROUND
        for at in counted_imports(path)
        if at.module.split(".")[0] in HEAVY
    ]
    assert not heavy


def test_package_face_imports_only_the_ground_floor():
    modules = [at.module.split(".") for at in runtime_imports(parse(PACKAGE / "__init__.py"))]
    assert {parts[1] for parts in modules if parts[0] == "styler"} <= set(GROUND)
    assert not {parts[0] for parts in modules} & HEAVY


LEAVES = ("sys.exit(", "os._exit(", "raise SystemExit", "exit(", "quit(")
CHANGES = ("os.environ[", "os.environ.setdefault(", "os.environ.update(", "os.putenv(")


def test_library_neither_leaves_nor_changes_the_environment():
    library = [path for path in FILES if LEVEL.get(room_of(path), LEVEL["cli"]) < LEVEL["cli"]]
    assert library
    found = [
        f"{place(path, node)}: {ast.unparse(node)}"
        for path in library
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call | ast.Raise | ast.Assign) and ast.unparse(node).startswith((*LEAVES, *CHANGES))
    ]
    assert not found


def test_import_is_free():
    code = f"import sys, styler; print(*sorted(set(sys.modules) & {HEAVY | {'numpy'}!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "\n"), done
