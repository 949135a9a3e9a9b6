"""What a whole render costs: wall time, compiling, overhead, growth with pixels, memory.

    python tests/benchmarks/bench_render.py [--sizes 256 362 512 724 1024 1448 2048] [--json FILE]

Run it on an idle machine. Lines that come out:

* wall time of `styler render` with start-up for every preset, 512 x 512 pixels;
* `compile`: share of a `balanced` render that goes into the first call of each compiled program, beyond a later call;
* `outside`: share of the time between first and last step that is not spent in calls of the compiled program;
* `exponent`: slope of log time a step against log pixels, least squares over the sizes;
* `memory`: peak resident memory of a 512 x 512 render above that of the process before it, with TensorFlow imported.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from styler.cli.app import prepare_environment

prepare_environment(["render"])

import numpy as np
from PIL import Image

PRESETS = ("draft", "balanced", "best")
EXAMPLES = Path(__file__).parents[2] / "examples" / "images"
PHOTO, PAINTING = "lake", "swirls"
SIZES = (256, 362, 512, 724, 1024, 1448, 2048)


def picture(side: int, name: str) -> np.ndarray:
    """One of the example images as a square."""
    with Image.open(EXAMPLES / f"{name}.jpg") as image:
        return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS))


def wall_times(folder: Path) -> dict[str, float]:
    for name, source in (("photo", PHOTO), ("painting", PAINTING)):
        Image.fromarray(picture(512, source)).save(folder / f"{name}.png")
    found = {}
    for preset in PRESETS:
        words = ["render", "photo.png", "painting.png", "--preset", preset, "--output", f"{preset}.png", "--quiet"]
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "styler", *words], cwd=folder, check=True)
        found[preset] = time.perf_counter() - started
    return found


class Calls:
    """Times every call of the compiled programs of a `Stylizer`."""

    def __init__(self, studio: Any) -> None:
        self.advance: list[tuple[float, int]] = []
        self.observe: list[float] = []
        engine = studio._engine
        engine.program.advance = self._timed_advance(engine.program.advance)
        engine.observe = self._timed_observe(engine.observe)

    def _timed_advance(self, function: Any) -> Any:
        def timed(*args: Any) -> Any:
            started = time.perf_counter()
            result = function(*args)
            made = int(result.steps)
            self.advance.append((time.perf_counter() - started, made))
            return result

        return timed

    def _timed_observe(self, function: Any) -> Any:
        def timed(*args: Any) -> Any:
            started = time.perf_counter()
            result = function(*args)
            np.asarray(next(iter(result.style.values())).count)
            self.observe.append(time.perf_counter() - started)
            return result

        return timed


def shares() -> dict[str, float]:
    """Compile time and overhead of one `balanced` render."""
    from styler.api import Stylizer

    studio = Stylizer()
    calls = Calls(studio)
    photo, painting = picture(512, PHOTO), picture(512, PAINTING)
    started = time.perf_counter()
    stamps = [time.perf_counter() for _ in studio.iterate(photo, painting)]
    total = time.perf_counter() - started
    inside = sum(seconds for seconds, _ in calls.advance[1:]) + sum(calls.observe[2:])
    again = calls.advance[1][0] / calls.advance[1][1], calls.observe[1]
    compiling = calls.advance[0][0] - again[0] + calls.observe[0] - again[1]
    between = stamps[-1] - stamps[0]
    return {"compile": compiling / total, "outside": 1 - inside / between, "seconds": total}


def growth(sizes: list[int]) -> dict[str, Any]:
    """Seconds a step at each size, all with one program, and the fitted exponent."""
    from styler.api import Stylizer

    studio, pace = Stylizer(), {}
    for side in sizes:
        one = studio.changed(size=side, scales=1, steps=6)
        calls = Calls(one)
        one.render(picture(side, PHOTO), picture(side, PAINTING))
        pace[side] = statistics.median(seconds / made for seconds, made in calls.advance[1:])
    slope = np.polyfit(np.log([side**2 for side in sizes]), np.log(list(pace.values())), 1)[0]
    return {"seconds_a_step": pace, "exponent": float(slope)}


def memory() -> dict[str, int]:
    """Bytes above the process with TensorFlow imported, in a process of its own."""
    code = "import bench_render; bench_render.one_render()"
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def one_render() -> None:
    import tensorflow as tf

    from styler.api import Stylizer

    float(tf.reduce_sum(tf.ones((4, 4))))
    idle = resident()
    Stylizer().render(picture(512, PHOTO), picture(512, PAINTING))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"idle": idle, "peak": peak, "above_idle": peak - idle}))


def resident() -> int:
    """Resident memory of this process now, bytes (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="sides of the square, pixels")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = {"wall": wall_times(Path(folder))}
    print("wall     ", "  ".join(f"{name} {seconds:.1f} s" for name, seconds in found["wall"].items()), flush=True)
    found["memory"] = memory()
    print(
        "memory   ", "  ".join(f"{name} {count / 2**30:.2f} GiB" for name, count in found["memory"].items()), flush=True
    )
    found["shares"] = shares()
    print("shares   ", "  ".join(f"{name} {value:.3f}" for name, value in found["shares"].items()), flush=True)
    found["growth"] = growth(args.sizes)
    print("s a step ", "  ".join(f"{side}: {pace:.3f}" for side, pace in found["growth"]["seconds_a_step"].items()))
    print(f"exponent  {found['growth']['exponent']:.3f}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
