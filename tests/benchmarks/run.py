"""All measurements of looks and speed with one command: tables on the screen, JSON in a folder.

    python tests/benchmarks/run.py OUT [--teachers DIR --photos DIR --paintings DIR] [--only step render …]

Parts, in this order, each a script of this folder that can be run alone:

* `render`: wall time of the presets, compiling, overhead, growth with pixels, memory;
* `step`: a step against PyTorch, and as a share of the matrix-product rate (needs `pip install torch`);
* `variants`: ways to compute a step that were tried;
* `public`: the presets beside other tools on the project's own images (needs the extra `peers`);
* with the judge's networks: `looks`, the presets on all pairs of the suite; `reach`, evaluations until given rows are
  reached; `peer`, the strongest other algorithm on the same pairs, an hour.

OUT/<part>.json holds what each part measured, OUT/<part>.txt its table, OUT/all.json everything; parts whose JSON is
there already are left out, so that a long run can be stopped and continued. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PRESETS = ("draft: preset=draft", "balanced", "best: preset=best")


def parts(args: argparse.Namespace) -> dict[str, list[str]]:
    """Part -> script and arguments; JSON is asked for where the script writes one."""
    found = {
        name: [f"bench_{name}.py", "--json", str(args.out / f"{name}.json")] for name in ("render", "step", "variants")
    }
    found["public"] = ["bench_public.py", "--out", str(args.out / "public")]
    if args.teachers is None:
        return found
    judging = ["--teachers", str(args.teachers), "--photos", str(args.photos), "--paintings", str(args.paintings)]
    reach = ["bench_reach.py", "L-BFGS", "Adam: optimizer=adam", *judging, "--json", str(args.out / "reach.json")]
    found["looks"] = ["bench_looks.py", *PRESETS, *judging, "--out", str(args.out / "looks")]
    found["reach"] = [*reach, "--out", str(args.out / "reach")]
    found["peer"] = ["bench_peer.py", str(args.out / "peer"), *pairs(args)]
    return found


def pairs(args: argparse.Namespace) -> list[str]:
    """The suite's photos and paintings as arguments of `bench_peer.py`."""
    from bench_looks import suite_pairs

    listed = suite_pairs(args.photos, args.paintings)
    return ["--content", *(str(photo) for photo, _ in listed), "--style", *(str(style) for _, style in listed)]


def run(name: str, command: list[str], out: Path) -> None:
    """One part: its lines on the screen and in a file."""
    started = time.perf_counter()
    print(f"== {name}: {' '.join(command)}", flush=True)
    with (out / f"{name}.txt").open("w") as table:
        words = [sys.executable, str(HERE / command[0]), *command[1:]]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
                table.write(line)
    print(f"-- {name}: status {process.returncode}, {time.perf_counter() - started:.0f} s", flush=True)


def gathered(out: Path) -> dict[str, object]:
    """What the parts measured, by part, and by setting for looks."""
    found: dict[str, object] = {
        path.stem: json.loads(path.read_text()) for path in sorted(out.glob("*.json")) if path.stem != "all"
    }
    found["looks"] = {path.parent.name: json.loads(path.read_text()) for path in sorted(out.glob("looks/*/rows.json"))}
    elsewhere = {"peer": out / "peer" / "seconds.json", "public": out / "public" / "public.json"}
    return found | {name: json.loads(path.read_text()) for name, path in elsewhere.items() if path.exists()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--teachers", type=Path)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--paintings", type=Path)
    parser.add_argument("--only", nargs="+", help="parts")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, command in parts(args).items():
        if (args.only is None or name in args.only) and not (args.out / f"{name}.json").exists():
            run(name, command, args.out)
    (args.out / "all.json").write_text(json.dumps(gathered(args.out), indent=2))


if __name__ == "__main__":
    main()
