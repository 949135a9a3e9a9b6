"""Renders of photo-painting pairs under many settings, judged by networks that take no part in the render.

    python tests/benchmarks/bench_looks.py --photos DIR --paintings DIR [--teachers DIR] [--pairs 0,2,3] [--out DIR]
        "balanced" "best: preset=best" "small: size=256, loss=gram" "two: styles=2" "teacher: network=FILE.npz" …

A setting is a name and fields of `RenderConfig`; `preset`, `styles` (each pair's painting and the next pairs') and a
`.npz` archive of a compressed VGG-19 as `network` are understood too. The pairs are those of `SUITE`, found by name in
the two folders. The columns are those of `support/judge.py`; style, real and content need `--teachers`, the folder with
its two networks. For each setting a line of medians comes out, and `rows.json` with every pair's row, seconds,
evaluations and steps. Programs are shared between settings, so that `seconds` has no compile time but for the first
pair of each engine.
"""

from __future__ import annotations

import argparse
import ast
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import styler
from styler.api import StyleResult, Stylizer
from support.judge import Judge
from support.teachers import compressed_vgg19

SUITE = (
    ("gb82_flowers", "van_gogh_starry_night"),
    ("clic_portrait_red_hair", "picabia_udnie"),
    ("kodak_19", "delaunay_portrait_1906"),
    ("gb82_city", "klimt_the_kiss"),
    ("clic_beach_hut", "gauguin_pastorales_tahitiennes"),
    ("clic_highland_valley", "monet_three_fishing_boats"),
)
"""Names of the photos and paintings of `docs/look.md`, without suffix."""


def suite_pairs(photos: Path, paintings: Path) -> list[tuple[Path, Path]]:
    return [(found(photos, photo), found(paintings, painting)) for photo, painting in SUITE]


def found(folder: Path, stem: str) -> Path:
    return next(path for path in sorted(folder.iterdir()) if path.stem == stem)


def parsed(setting: str) -> tuple[str, dict[str, Any]]:
    name, _, fields = setting.partition(":")
    options = {}
    for part in filter(None, (piece.strip() for piece in fields.split(", "))):
        key, _, value = part.partition("=")
        try:
            options[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            options[key] = value
    return name.strip(), options


class Studios:
    """Stylizers that share engines where they can."""

    def __init__(self) -> None:
        self.kept: list[Stylizer] = []

    def get(self, options: dict[str, Any]) -> Stylizer:
        preset, network = options.pop("preset", "balanced"), None
        if str(options.get("network", "")).endswith(".npz"):
            network = compressed_vgg19(Path(options["network"]))
        config = styler.RenderConfig.preset(preset, **options)
        for studio in self.kept:
            if studio._engine.serves(config):
                return studio.with_config(config)
        self.kept.append(Stylizer(config, network=network))
        return self.kept[-1]


def measured(
    judge: Judge, studio: Stylizer, content: Path, styles: list[Path], picture: Path, repeat: int = 1
) -> dict[str, Any]:
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        result: StyleResult = studio.render(content, styles)
        seconds.append(time.perf_counter() - started)
    result.save(picture, overwrite=True)
    octaves = result.report.octaves
    return {
        **judge.row(content, styles, picture),
        "image": picture.name,
        "seconds": min(seconds),
        "steps": sum(int(str(o["steps"])) for o in octaves),
        "evaluations": sum(int(str(o["evaluations"])) for o in octaves),
    }


def judged_settings(
    description: str | None, *, pairs: str, out: str, teachers_required: bool = False
) -> argparse.ArgumentParser:
    """Options of scripts that render the judge's pairs under some settings."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="+")
    for name in ("--photos", "--paintings"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--teachers", type=Path, required=teachers_required, help="folder with the judge's networks")
    parser.add_argument("--pairs", default=pairs)
    parser.add_argument("--out", type=Path, default=Path(out))
    return parser


def main() -> None:
    args = judged_settings(__doc__, pairs="0,1,2,3,4,5", out="looks").parse_args()
    judge, studios, pairs = Judge.of(args.teachers), Studios(), suite_pairs(args.photos, args.paintings)
    columns = (*judge.columns, "seconds", "evaluations")
    for setting in args.settings:
        name, options = parsed(setting)
        count, folder, rows = options.pop("styles", 1), args.out / name, []
        folder.mkdir(parents=True, exist_ok=True)
        studio = studios.get(options)
        for index in (int(number) for number in args.pairs.split(",")):
            content, style = pairs[index]
            styles = [pairs[(index + k) % len(pairs)][1] for k in range(count)]
            picture = folder / f"{content.stem}-{style.stem}.png"
            rows.append(measured(judge, studio, content, styles, picture))
            (folder / "rows.json").write_text(json.dumps(rows, indent=2))
        medians = "  ".join(f"{column} {statistics.median(row[column] for row in rows):.3f}" for column in columns)
        print(f"{name:16} {medians}", flush=True)


if __name__ == "__main__":
    main()
