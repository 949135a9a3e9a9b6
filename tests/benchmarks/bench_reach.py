"""Evaluations and seconds until renders reach given rows of the judge.

    python tests/benchmarks/bench_reach.py --teachers DIR --photos DIR --paintings DIR [--pairs 0,3,5]
        [--steps 10,20,30,50,70,100,140,200] [--json FILE] "L-BFGS" "Adam: optimizer=adam" …

For every setting (as those of `bench_looks.py`) whole renders are made with more and more steps, each from the start,
until the medians over the pairs are at most those of every row of `ROWS`, or the steps are used up. A table comes
out: for each setting and row the fewest steps that reach it, with their evaluations and seconds.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from bench_looks import Judge, Studios, judged_settings, measured, parsed, suite_pairs

Pair = tuple[Path, Path]
"""Photo and painting."""

ROWS: dict[str, dict[str, float]] = {
    "draft": {"style": 0.42, "content": 0.66},
    "balanced": {"style": 0.27, "real": 0.20, "content": 0.58, "palette": 0.015, "clipped": 0.02},
    "close": {"style": 0.18, "real": 0.13, "content": 0.50, "palette": 0.012, "clipped": 0.02},
}
"""Name -> most of each column. The first two are what the presets of these names must reach; the third is near where
more steps no longer help (docs/look.md, "Steps")."""


def render_all(judge: Judge, studio: Any, pairs: list[Pair], folder: Path) -> dict[str, float]:
    """Medians over the pairs of one setting."""
    rows = []
    for content, style in pairs:
        rows.append(measured(judge, studio, content, [style], folder / f"{content.stem}-{style.stem}.png"))
    columns = (*judge.columns, "seconds", "evaluations", "steps")
    return {column: statistics.median(float(row[column]) for row in rows) for column in columns}


def reached(row: dict[str, float], limits: dict[str, float]) -> bool:
    return all(row[column] <= most for column, most in limits.items())


def search(judge: Judge, studios: Studios, setting: str, steps: list[int], pairs: list[Pair], out: Path) -> list[Any]:
    """Medians at each count of steps, until all rows are reached."""
    name, options = parsed(setting)
    made: list[Any] = []
    for count in steps:
        folder = out / name / str(count)
        folder.mkdir(parents=True, exist_ok=True)
        row = render_all(judge, studios.get({**options, "steps": count}), pairs, folder)
        made.append(row)
        shown = "  ".join(f"{column} {row[column]:.3f}" for column in (*judge.columns, "seconds", "evaluations"))
        print(f"{name:12} {count:5} steps  {shown}", flush=True)
        if all(any(reached(each, limits) for each in made) for limits in ROWS.values()):
            break
    return made


def main() -> None:
    parser = judged_settings(__doc__, pairs="0,3,5", out="reach", teachers_required=True)
    parser.add_argument("--steps", default="10,20,30,50,70,100,140,200")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    judge, studios, suite = Judge.of(args.teachers), Studios(), suite_pairs(args.photos, args.paintings)
    steps, numbers = ([int(part) for part in text.split(",")] for text in (args.steps, args.pairs))
    pairs = [suite[number] for number in numbers]
    found = {each: search(judge, studios, each, steps, pairs, args.out) for each in args.settings}
    for setting, rows in found.items():
        for name, limits in ROWS.items():
            first = next((row for row in rows if reached(row, limits)), None)
            said = "not reached" if first is None else "{evaluations:.0f} evaluations, {seconds:.1f} s".format(**first)
            print(f"{parsed(setting)[0]:12} {name:10} {said}")
    if args.json:
        args.json.write_text(json.dumps({"rows": ROWS, "settings": found}, indent=2))


if __name__ == "__main__":
    main()
