"""A plot of quality against time from the rows of `bench_looks.py`.

    python tests/benchmarks/plot_looks.py FOLDER OUT.svg curve=s40,s80,s200 presets=draft,balanced,best

FOLDER is `bench_looks.py`'s `--out`; each series names some of its settings, joined by a line in the order given. Every
point is the median over the pairs, with the quartiles as bars. Matplotlib is needed for this script only:
`pip install matplotlib`.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

COLUMNS = {"style": "style: distance left, share of the photo's", "content": "content: distance from the photo"}


def quartiles(rows: list[dict[str, Any]], column: str) -> tuple[float, float, float]:
    lower, middle, upper = statistics.quantiles([row[column] for row in rows], n=4, method="inclusive")
    return lower, middle, upper


def draw(axes: Any, folder: Path, series: str, column: str) -> None:
    label, _, names = series.partition("=")
    rows = {name: json.loads((folder / name / "rows.json").read_text()) for name in names.split(",")}
    seconds = [statistics.median(row["seconds"] for row in each) for each in rows.values()]
    values = [quartiles(each, column) for each in rows.values()]
    middles = [middle for _, middle, _ in values]
    bars = [[m - low for low, m, _ in values], [high - m for _, m, high in values]]
    axes.errorbar(seconds, middles, yerr=bars, marker="o", capsize=3, label=label)
    for name, second, middle in zip(rows, seconds, middles, strict=True):
        axes.annotate(name, (second, middle), textcoords="offset points", xytext=(6, 6), fontsize=8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("series", nargs="+", help="LABEL=SETTING,SETTING…")
    args = parser.parse_args()
    mpl.rcParams["svg.hashsalt"] = "styler"  # the same file from the same rows
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, (column, title) in zip(figure.subplots(1, 2), COLUMNS.items(), strict=True):
        for series in args.series:
            draw(axes, args.folder, series, column)
        axes.set(xscale="log", xlabel="seconds a render, without start-up", ylabel=title)
        axes.legend()
    figure.savefig(args.out, metadata={"Date": None})


if __name__ == "__main__":
    main()
