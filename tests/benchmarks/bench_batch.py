"""What a batch costs over its renders, against a plain loop, and what a finished folder costs.

    python tests/benchmarks/bench_batch.py [--renders 32] [--size 256] [--preset draft] [--outputs 1000] [--json FILE]

Run it on an idle machine. Lines that come out:

* `start-up`, `compilation`: a process until its `Stylizer` is ready; its first render beyond the same one made again;
* `loop`: one `Stylizer` in a plain loop in a process of its own, with start-up, reading and writing;
* `batch`: `styler batch` on the same pictures, as a user starts it, and the fastest picture that its ledger holds;
* `ideal`: one start-up, one compilation and the fastest picture times `renders` over the workers;
* `batch / ideal` (wanted: at most 1.15) and `loop / batch` (wanted: 1.3);
* `2 x 1, a second` and so on: short renders a second of so many workers with so many threads; `probe`: all of them;
* `second run`: of `styler batch` over a folder with so many finished outputs of 512 pixels, and the same without
  `styler --version`'s time, which every command takes (wanted: less than 3 s).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

from styler.batch.jobs import Job
from styler.batch.worker import Placement
from styler.config import RenderConfig
from styler.recipe import SWITCHES

EXAMPLES = Path(__file__).parents[2] / "examples" / "images"
PHOTOS, PAINTINGS = ("lake", "city", "still_life"), ("swirls", "dots", "facets", "woodcut")
PHOTO = (768, 1024)  # height, width of the photos: decoding costs something, as it does in life
FINISHED = ("--size", "512", "--strength", "0")  # the photo itself: outputs of full size that take no rendering
LOOP = """
import json, sys, time
started = time.time()
from styler.api import Stylizer
from styler.config import RenderConfig
asked = json.loads(sys.argv[1])
studio = Stylizer(RenderConfig.preset(asked["preset"], size=asked["size"]))
ready, seconds = time.time(), []
if asked["again"]:
    for _ in range(2):
        begun = time.perf_counter()
        studio.render(*asked["pairs"][0])
        seconds.append(time.perf_counter() - begun)
else:
    for number, (photo, painting) in enumerate(asked["pairs"]):
        studio.render(photo, painting).save(f"loop-{number}.png")
print(json.dumps({"ready": ready, "seconds": seconds}))
"""


def make_inputs(folder: Path, photos: int, paintings: int) -> None:
    """Photos of one shape, examples that are shifted by some pixels each; the example paintings."""
    for name in ("in", "art"):
        (folder / name).mkdir()
    height, width = PHOTO
    for number in range(photos):
        with Image.open(EXAMPLES / f"{PHOTOS[number % len(PHOTOS)]}.jpg") as image:
            photo = image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
            ImageChops.offset(photo, number).save(folder / "in" / f"{number:04}.jpg", quality=95)
    for name in PAINTINGS[:paintings]:
        (folder / "art" / f"{name}.jpg").write_bytes((EXAMPLES / f"{name}.jpg").read_bytes())


def pairs(folder: Path) -> list[list[str]]:
    return [
        [str(photo), str(painting)]
        for photo in sorted((folder / "in").glob("*.jpg"))
        for painting in sorted((folder / "art").glob("*.jpg"))
    ]


def loop(folder: Path, asked: dict[str, Any], *, again: bool) -> tuple[float, dict[str, Any]]:
    """Wall time of the process and what it says."""
    environment = {**os.environ, **dict.fromkeys(SWITCHES.values(), "1")}  # as the command line sets it
    words = json.dumps({**asked, "again": again, "pairs": pairs(folder)})
    started = time.time()
    done = subprocess.run(
        [sys.executable, "-c", LOOP, words],
        cwd=folder,
        check=True,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    said = json.loads(done.stdout.splitlines()[-1])
    return time.time() - started, {**said, "startup": said["ready"] - started}


def styler(folder: Path, *words: str) -> float:
    """Wall time of a command."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "styler", *words], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


GLOBS = ("batch", "--content", "in/*.jpg", "--style", "art/*.jpg", "-o", "out")


def measure_renders(renders: int, size: int, preset: str) -> dict[str, Any]:
    asked = {"size": size, "preset": preset}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_inputs(folder, renders // len(PAINTINGS), len(PAINTINGS))
        batch = styler(folder, *GLOBS, "--size", str(size), "--preset", preset)
        lines = (folder / "out" / "styler-ledger.jsonl").read_text("utf-8").splitlines()[1:]
        done = [line for line in map(json.loads, lines) if line["state"] == "done"]
        workers, threads = len({line["worker"] for line in done}), done[0]["threads"]
        _, first = loop(folder, asked, again=True)
        plain, _ = loop(folder, asked, again=False)
    fastest, compilation = min(line["seconds"] for line in done), first["seconds"][0] - first["seconds"][1]
    ideal = first["startup"] + compilation + renders * fastest / workers
    found = {"start-up": first["startup"], "compilation": compilation, "loop": plain, "batch": batch}
    found |= {"fastest picture": fastest, "ideal": ideal, "batch / ideal": batch / ideal, "loop / batch": plain / batch}
    return {"renders": len(done), **asked, "workers": workers, "threads": threads, **found}


def measure_finished(folder: Path, outputs: int) -> dict[str, Any]:
    """Times a second run; the first one, which makes the outputs, may have been made before in this folder."""
    if not (folder / "in").exists():
        make_inputs(folder, outputs // len(PAINTINGS), len(PAINTINGS))
    styler(folder, *GLOBS, *FINISHED)
    usual = min(styler(folder, "--version") for _ in range(3))
    second = min(styler(folder, *GLOBS, *FINISHED) for _ in range(3))
    size = sum(path.stat().st_size for path in (folder / "out").glob("*.png"))
    found = {"outputs": outputs, "outputs MB": size / 1e6, "styler --version": usual, "second run": second}
    return {**found, "second run after start-up": second - usual}


def measure_layouts(size: int) -> dict[str, Any]:
    """Rates of the probe's short renders in every layout, and what the probe takes."""
    from styler.batch.layout import Resources, choose_layout, count_cores
    from styler.batch.plan import make_plan
    from styler.batch.probe import candidates, pictures_a_second

    found: dict[str, Any] = {"probe at": size}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_inputs(folder, 4, 4)
        config = RenderConfig(size=size)
        jobs = [Job(content=Path(a), styles=(Path(b),), config=config) for a, b in pairs(folder)]
        tasks = make_plan(jobs, folder / "out", {}).tasks
        usual = choose_layout(tasks, Resources(), folder)
        started = time.perf_counter()
        for workers, threads in candidates(len(usual), count_cores()):
            placements = [Placement(threads=threads)] * workers
            found[f"{workers} x {threads}, a second"] = pictures_a_second(tasks[0], placements, lambda: False)
    return found | {"probe": time.perf_counter() - started}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renders", type=int, default=32, help="a multiple of four; 0 leaves them out")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--preset", default="draft")
    parser.add_argument("--outputs", type=int, default=1000, help="a multiple of four; 0 leaves them out")
    parser.add_argument("--probe", type=int, default=512, help="size of the renders; 0 leaves it out")
    parser.add_argument("--folder", type=Path, help="keeps the finished outputs, so that they are made once only")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found: dict[str, Any] = {}
    if asked.renders:
        found |= measure_renders(asked.renders, asked.size, asked.preset)
    if asked.probe:
        found |= measure_layouts(asked.probe)
    if asked.outputs:
        with tempfile.TemporaryDirectory() as name:
            folder = asked.folder or Path(name)
            folder.mkdir(exist_ok=True)
            found |= measure_finished(folder, asked.outputs)
    for name, value in found.items():
        print(f"{name:<26} {f'{value:.2f}' if isinstance(value, float) else value:>10}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
