"""Measures the tests by mutation: what share of 200 small faults in losses, render and images do they detect?

    pip install -c constraints.txt -e '.[test,mutation]'
    nice python tests/mutation/run.py build/mutation

Cosmic Ray makes the mutants; `mutants.py` chooses a fixed sample. For each mutant, the tests of the changed module
(`selection.py`) run in a process of their own (`server.py`) until one fails. `mutation.toml` holds the seed, the number
of mutants and the limits.

OUT/original is a copy of the tree. OUT/tree is the copy in which the mutants are made; the checkout itself is never
changed. OUT/session.sqlite is Cosmic Ray's session, with every result. You can stop a run at any time; the same command
continues it. `--first 100` stops after the first 100 mutants, which are also a fair sample. `--tree` measures another
checkout, for example an older commit. A full run takes about an hour on one free core.

At the end, tests that killed all their mutants also run on the unchanged tree, where they must pass.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cosmic_ray.mutating import use_mutation
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkItem, WorkResult
from mutants import sample
from selection import tests_of

HERE = Path(__file__).resolve().parent
LEFT_OUT = (".git", ".venv*", "__pycache__", "build", "dist", ".*_cache", ".hypothesis")
NO_TESTS = 5  # pytest's exit status if no test was selected


class Tests:
    """The tests of a tree. A server runs them."""

    def __init__(self, tree: Path, settings: Mapping[str, Any]) -> None:
        self._tree = tree
        self._numerics = settings["numerics"]
        self._options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
        self._options += ["-k", f"not ({settings['without']})"]
        self._output = tree.parent / "output.txt"
        limits = [str(settings[name]) for name in ("cpu-seconds", "wall-seconds", "gigabytes")]
        words = [sys.executable, "-P", str(HERE / "server.py"), *limits, str(self._output)]
        quiet = {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._server = subprocess.Popen(
            words, cwd=tree, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **quiet}
        )

    def of(self, module: Path) -> tuple[str, ...]:
        """Test files of a module."""
        return tuple(map(str, tests_of(self._tree, module, self._numerics)))

    def run(self, files: tuple[str, ...]) -> tuple[int, str]:
        """Exit status and output. The status is 0 if no test failed or no test was selected."""
        if not files:
            return 0, "no tests"
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps([*self._options, *files]) + "\n")
        self._server.stdin.flush()
        status = int(self._server.stdout.readline())
        return (0 if status == NO_TESTS else status), self._output.read_text("utf-8", "replace")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the session and the two copies")
    parser.add_argument("--tree", type=Path, default=HERE.parents[1], help="checkout to measure; default: this one")
    parser.add_argument("--first", type=int, help="number of mutants to try; default: all")
    args = parser.parse_args()
    settings = tomllib.loads((HERE / "mutation.toml").read_text("utf-8"))
    out = args.out.resolve()
    if not (out / "original").is_dir():
        shutil.copytree(args.tree, out / "original", ignore=shutil.ignore_patterns(*LEFT_OUT))
    shutil.copytree(out / "original", out / "tree", dirs_exist_ok=True)  # restores what an interrupted run left changed
    os.chdir(out / "tree")

    with use_db(out / "session.sqlite", WorkDB.Mode.create) as database:
        if not database.num_work_items:
            database.add_work_items(sample(out / "tree", settings))
        items = sorted(database.work_items, key=lambda item: item.job_id)[: args.first]
        done = dict(database.results)
        tests = Tests(out / "tree", settings)
        for item in items:
            if item.job_id not in done:
                done[item.job_id] = result = tried(item.mutations[0], tests)
                database.set_result(item.job_id, result)
                print(item.job_id, result.test_outcome.value, named(item.mutations[0]), flush=True)
    report(items, done, settings)
    return 0 if unchanged_passes(items, done, tests, out / "unchanged.json") else 1


def tried(mutation: MutationSpec, tests: Tests) -> WorkResult:
    """Result of one mutant, with the end of the test output and the changed lines."""
    operator = get_operator(mutation.operator_name)()
    with use_mutation(mutation.module_path, operator, mutation.occurrence) as (before, after):
        status, output = tests.run(tests.of(mutation.module_path))
    return WorkResult(
        WorkerOutcome.NORMAL,
        output=f"status {status}\n{output[-4000:]}",
        test_outcome=TestOutcome.KILLED if status else TestOutcome.SURVIVED,
        diff=difference(before, after),
    )


def difference(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return "\n".join(line for line in lines if line[:3] not in ("---", "+++", "@@ "))


def unchanged_passes(items: list[WorkItem], done: Mapping[str, WorkResult], tests: Tests, record: Path) -> bool:
    """Whether the tests pass on the unchanged tree. Tests that let a mutant survive have passed already.

    Args:
        items: The mutants.
        done: Their results.
        tests: Of the tree.
        record: File for the sets of tests that passed, so that a continued run skips them.
    """
    passed = {tuple(files) for files in json.loads(record.read_text("utf-8"))} if record.is_file() else set()
    passed |= {tests.of(item.mutations[0].module_path) for item in items if not done[item.job_id].is_killed}
    every = {tests.of(item.mutations[0].module_path) for item in items}
    print(f"\nrunning {len(every - passed)} of {len(every)} sets of tests on the unchanged tree", flush=True)
    for files in sorted(every - passed):
        status, output = tests.run(files)
        if status:
            print(f"{' '.join(files)} fail on the unchanged tree, so their results are void:\n{output[-2000:]}")
        else:
            passed.add(files)
            record.write_text(json.dumps(sorted(passed)), "utf-8")
    return every <= passed


def named(mutation: MutationSpec) -> str:
    return f"{mutation.module_path}:{mutation.start_pos[0]} {mutation.operator_name.removeprefix('core/')}"


def report(items: list[WorkItem], done: Mapping[str, WorkResult], settings: Mapping[str, Any]) -> None:
    """Print the survivors with the changed lines, then the killed share of each package and group."""
    groups = {package: name for name, group in settings["groups"].items() for package in group["packages"]}
    killed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for item in items:
        (mutation,) = item.mutations
        package, result = mutation.module_path.parent.name, done[item.job_id]
        for name in ("all", f"group {groups[package]}", f"package {package}"):
            total[name] += 1
            killed[name] += result.is_killed
        if not result.is_killed:
            print(f"\n{item.job_id} {named(mutation)}\n{result.diff}")
    print("\nkilled:")
    for name in sorted(total):
        print(f"{name:18} {killed[name]:3} of {total[name]:3}  {100 * killed[name] / total[name]:5.1f} %")
    ended = Counter((done[item.job_id].output or "").partition("\n")[0] for item in items)
    print("pytest's exit statuses; a negative one is a signal:", dict(ended))


if __name__ == "__main__":
    sys.exit(main())
