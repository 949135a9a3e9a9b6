"""Renders of photo-painting pairs under many settings, judged by networks that take no part in the render.

    python tests/benchmarks/bench_looks.py --judge JUDGE.py --photos DIR --paintings DIR [--pairs 0,2,3] [--out DIR]
        "balanced" "best: preset=best" "small: size=256, loss=gram" "two: styles=2" "teacher: network=FILE.npz" …

A setting is a name and fields of `RenderConfig`; `preset`, `styles` (each pair's painting and the next pairs') and a
`.npz` archive of a compressed VGG-19 as `network` are understood too. JUDGE.py names the pairs and measures:
`SUITE`, `COLUMNS`, `network(path)`, `gram(features)`, `judge(...)`. For each setting a line of medians comes out, and
`rows.json` with every pair's row, seconds, evaluations and steps. Programs are shared between settings, so that
`seconds` has no compile time but for the first pair of each engine.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parents[1]))

import styler
from styler.api import StyleResult, Stylizer
from support.teachers import compressed_vgg19


class Judge:
    """The judging script with its two networks."""

    def __init__(self, script: Path, photos: Path, paintings: Path) -> None:
        spec = importlib.util.spec_from_file_location("judge", script)
        assert spec is not None
        assert spec.loader is not None
        self.tool: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.tool)
        teachers = self.tool.SHARED / "teachers"
        self.networks = [self.tool.network(teachers / name) for name in ("vgg19_16x.npz", "vgg19_to_conv31.npz")]
        self.pairs = [(found(photos, c), found(paintings, s)) for c, s in self.tool.SUITE]

    def row(self, content: Path, styles: list[Path], picture: Path, size: int) -> dict[str, Any]:
        row = self.tool.judge(content, styles[0], [picture], size, False, self.networks)[0]
        if len(styles) > 1:
            row["style"], row["real"] = (self.blend_share(run, content, styles, picture, size) for run in self.networks)
        return dict(row)

    def blend_share(self, run: Any, content: Path, styles: list[Path], picture: Path, size: int) -> float:
        """The style column against the mean of the paintings' Gram matrices."""
        paintings = [self.tool.load(path, size) for path in styles]
        away = [self.blend_distance(run, self.tool.load(path, size), paintings) for path in (picture, content)]
        return away[0] / away[1]

    def blend_distance(self, run: Any, image: tf.Tensor, paintings: list[tf.Tensor]) -> float:
        values = []
        for octave in (1, 2):
            got, *wanted = (run(tf.nn.avg_pool2d(i, octave, octave, "VALID")) for i in (image, *paintings))
            for name in got:
                target = tf.add_n([self.tool.gram(each[name]) for each in wanted]) / len(wanted)
                values.append(float(tf.norm(self.tool.gram(got[name]) - target) / tf.norm(target)))
        return float(np.mean(values))


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
                return studio.changed(**config.to_dict())
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
    row = judge.row(content, styles, picture, max(result.image.size))
    return {
        **row,
        "image": picture.name,
        "seconds": min(seconds),
        "steps": sum(int(str(o["steps"])) for o in octaves),
        "evaluations": sum(int(str(o["evaluations"])) for o in octaves),
    }


def judged_settings(description: str | None, *, pairs: str, out: str) -> argparse.ArgumentParser:
    """Options of scripts that render the judge's pairs under some settings."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("settings", nargs="+")
    for name in ("--judge", "--photos", "--paintings"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--pairs", default=pairs)
    parser.add_argument("--out", type=Path, default=Path(out))
    return parser


def main() -> None:
    args = judged_settings(__doc__, pairs="0,1,2,3,4,5", out="looks").parse_args()
    judge, studios = Judge(args.judge, args.photos, args.paintings), Studios()
    columns = (*judge.tool.COLUMNS, "seconds", "evaluations")
    for setting in args.settings:
        name, options = parsed(setting)
        count, folder, rows = options.pop("styles", 1), args.out / name, []
        folder.mkdir(parents=True, exist_ok=True)
        studio = studios.get(options)
        for index in (int(number) for number in args.pairs.split(",")):
            content, style = judge.pairs[index]
            styles = [judge.pairs[(index + k) % len(judge.pairs)][1] for k in range(count)]
            picture = folder / f"{content.stem}-{style.stem}.png"
            rows.append(measured(judge, studio, content, styles, picture))
            (folder / "rows.json").write_text(json.dumps(rows, indent=2))
        medians = "  ".join(f"{column} {statistics.median(row[column] for row in rows):.3f}" for column in columns)
        print(f"{name:16} {medians}", flush=True)


if __name__ == "__main__":
    main()
