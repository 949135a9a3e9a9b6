"""What tiles cost, how memory grows with the picture, and whether plans come true.

    python tests/benchmarks/bench_tiling.py time [--size 2048] [--tile 1024] [--repeats 3]
    python tests/benchmarks/bench_tiling.py memory --out FILE.json [--sizes 1024 2048 4096 8192] [--tile 512]
    python tests/benchmarks/bench_tiling.py vgg19 [--size 1024] [--max-memory 2G]
    python tests/benchmarks/bench_tiling.py huge [--side 16384] [--max-memory 2G]
    python tests/benchmarks/bench_tiling.py plans --out FILE.json
    python tests/benchmarks/bench_tiling.py plot MEMORY.json OUT.svg          (needs matplotlib)

`time` compares one optimizer step in one piece with one by tiles, alternating, in one process. The others run
`styler render` in processes of their own and take `VmHWM`, the largest resident memory of the whole process, from the
kernel. Run `time` and `plans` on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from styler.cli.app import prepare_environment

prepare_environment(["render"])

from PIL import Image

from styler.options import Memory

EXAMPLES = Path(__file__).parents[2] / "examples" / "images"
MIB = 2**20
PLANS = (  # network, size, further options: none is what the probe measures
    ("compact", 640, ["--scales", "1"]),
    ("compact", 900, []),
    ("compact", 1280, ["--scales", "2"]),
    ("compact", 800, ["--optimizer", "adam"]),
    ("compact", 1100, ["--tile", "512"]),
    ("compact", 1500, ["--tile", "768", "--scales", "3"]),
    ("compact", 1300, ["--tile", "640", "--optimizer", "adam"]),
    ("compact", 2048, ["--max-memory", "2G"]),
    ("compact", 1600, ["--max-memory", "1400M"]),
    ("vgg19", 448, ["--scales", "1"]),
    ("vgg19", 640, ["--tile", "384", "--scales", "1"]),
    ("vgg19", 724, ["--max-memory", "2G", "--scales", "1"]),
)
PLAN_STEPS, PLAN_STEPS_VGG19 = "12", "8"
PLENTY = "12G"
MARKS = (512, 1024, 2048, 4096, 8192)  # MiB, on the plot


def example(name: str, size: tuple[int, int], path: Path) -> Path:
    with Image.open(EXAMPLES / f"{name}.jpg") as image:
        image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(path)
    return path


def random_vgg19(folder: Path) -> str:
    """A file of VGG19 with random weights: what it costs does not depend on them."""
    path = folder / "vgg19.keras"
    code = f"from styler.networks import find_network as f; f('vgg19').build_untrained(None).save({str(path)!r})"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return str(path)


def run(words: list[str], folder: Path) -> tuple[dict[str, Any], int]:
    """Report and VmHWM in bytes of one `styler render`."""
    command = [sys.executable, "-m", "styler", "render", *words, "--quiet", "--overwrite", "--report", "report.json"]
    process = subprocess.Popen(command, cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return json.loads((folder / "report.json").read_text()), usage.ru_maxrss * 1024


def pictures(folder: Path, side: int, ratio: float = 1.0) -> list[str]:
    """A photo no larger than 1024, since decoding is not what is measured, and a painting."""
    side = min(side, 1024)
    photo, painting = folder / "photo.png", folder / "painting.png"
    return [str(example("lake", (side, round(ratio * side)), photo)), str(example("swirls", (512, 512), painting))]


def steps(renderer: Any, picture: Any, plan: Any) -> list[float]:
    """Seconds of each step but the first two, which compile and begin."""
    times, last = [], time.perf_counter()
    from styler.inputs import Inputs

    for _ in renderer.render(Inputs.of(picture, [picture]), plan, event_every=1):
        now = time.perf_counter()
        times.append(now - last)
        last = now
    return times[2:]


def bench_time(args: argparse.Namespace) -> None:
    from styler.config import RenderConfig
    from styler.networks import find_network
    from styler.render.engine import Engine
    from styler.render.probe import picture
    from styler.render.renderer import Renderer
    from styler.render.schedule import unplanned
    from styler.types import Size

    made: dict[str, list[float]] = {"off": [], str(args.tile): []}
    photo, engine = picture(args.size), None
    for _ in range(args.repeats):
        for tile, times in made.items():
            config = RenderConfig(size=args.size, steps=4, scales=1, tile=tile if tile == "off" else int(tile))
            engine = engine or Engine(config, find_network(config.network))
            times += steps(Renderer(config, engine), photo, unplanned(config, Size(args.size, args.size)))
    whole, tiled = (statistics.median(times) for times in made.values())
    tiles = len(engine.tiling.view.tiles(Size(args.size + 16, args.size + 16), args.tile))
    print(f"{args.size} px: {whole:.2f} s a step in one piece, {tiled:.2f} s by {tiles} tiles of {args.tile}")
    print(f"ratio {tiled / whole:.2f}")


def bench_memory(args: argparse.Namespace) -> None:
    """Sizes that the file holds already, from a run that was stopped, are not rendered again."""
    conditions = {"steps": args.steps, "scales": args.scales, "max_memory": args.max_memory, "tile": args.tile}
    rows = json.loads(args.out.read_text()) if args.out.exists() else []
    for size in args.sizes:
        key = {"size": size, **conditions}
        row = next((row for row in rows if key.items() <= row.items()), None)
        if row is None:
            row = key | memory_of(size, args)
            rows = sorted([*rows, row], key=lambda row: row["size"])
            args.out.write_text(json.dumps(rows, indent=1))
        print(remembered(row), flush=True)


def memory_of(size: int, args: argparse.Namespace) -> dict[str, Any]:
    """What one render of 4:3 held."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = ["--size", str(size), "--steps", str(args.steps), "-o", "out.png", "--max-memory", args.max_memory]
        words += ["--tile", args.tile]
        words += ["--scales", str(args.scales)] if args.scales else []
        report, peak = run([*pictures(folder, size, 0.75), *words], folder)
    kept, plan = {name: report["memory"][name] for name in ("buffers", "events")}, report["plan"]
    return {"peak": peak, "start": plan["held"], "seconds": report["seconds"], "plan": plan} | kept


def remembered(row: dict[str, Any]) -> str:
    above = row["peak"] - row["start"]
    resident = sum(each["bytes"] for each in row["buffers"].values() if not each["mapped"])
    return (
        f"{row['size']} px: peak {row['peak'] / MIB:.0f} MiB, {above / MIB:.0f} above the start, "
        f"{(above - resident) / MIB:.0f} without {resident / MIB:.0f} of resident buffers; "
        f"predicted {row['plan']['peak_memory'] / MIB:.0f}; tiles {row['plan']['tiles'][-1]}; {row['seconds']:.0f} s"
    )


def bench_vgg19(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network = random_vgg19(folder)
        words = ["--size", str(args.size), "--steps", "4", "--scales", "2", "--network", network, "-o", "out.png"]
        report, peak = run([*pictures(folder, args.size), *words, "--max-memory", args.max_memory], folder)
    print(f"vgg19, {args.size} px: peak {peak / MIB:.0f} MiB of {args.max_memory}, plan {report['plan']}")


def bench_huge(args: argparse.Namespace) -> None:
    """A picture in Display P3, read, converted, resized or not, converted back and written, without any style."""
    made = (
        f"import pyvips; v = pyvips.Image.thumbnail({str(EXAMPLES / 'lake.jpg')!r}, {args.side}, height={args.side}, "
        "size='force'); v.icc_transform('p3', input_profile='srgb').write_to_file('photo.tif', compression='deflate')"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        painting = str(example("swirls", (512, 512), folder / "painting.png"))
        subprocess.run([sys.executable, "-c", made], cwd=folder, check=True)
        for size in ("original", str(round(0.7 * args.side))):
            words = ["photo.tif", painting, "--strength", "0", "--size", size, "--max-memory", args.max_memory]
            _, peak = run([*words, "-o", "out.png"], folder)
            floats = 12 * args.side**2
            print(
                f"{args.side} px to {size}: peak {peak / MIB:.0f} MiB of {args.max_memory}, the photo as floats is "
                f"{floats / MIB:.0f} MiB; {'pass' if peak <= Memory().read(args.max_memory) else 'FAIL'}",
                flush=True,
            )


def bench_plans(args: argparse.Namespace) -> None:
    """Configurations that the file holds already, from a run that was stopped, are not rendered again."""
    rows = json.loads(args.out.read_text()) if args.out.exists() else []
    print(f"{'configuration':52} {'tile':>5} {'peak':>6} {'predicted':>9} {'':>5} {'time':>7} {'predicted':>9} {'':>5}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vgg19 = random_vgg19(folder)
        for network, size, options in PLANS:
            key = {"network": network, "size": size, "options": options}
            row = next((row for row in rows if key.items() <= row.items()), None)
            if row is None:
                row = key | planned_and_rendered(folder, vgg19 if network == "vgg19" else network, size, options)
                rows.append(row)
                args.out.write_text(json.dumps(rows, indent=1))
            print(told(row), flush=True)
    raise SystemExit(not verdict(rows))


def planned_and_rendered(folder: Path, network: str, size: int, options: list[str]) -> dict[str, Any]:
    """`styler plan` measures and keeps what it measured; the render then predicts by it."""
    steps = PLAN_STEPS if network == "compact" else PLAN_STEPS_VGG19
    words = [*pictures(folder, size), "--size", str(size), "--steps", steps, *options, "-o", "out.png"]
    words += ["--network", network, *(() if "--max-memory" in options else ("--max-memory", PLENTY))]
    plan = [sys.executable, "-m", "styler", "plan", *words]
    subprocess.run(plan, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    report, peak = run(words, folder)
    return {"peak": peak, "seconds": report["seconds"], "plan": report["plan"], "memory": report["memory"]}


def error_of(row: dict[str, Any], what: str, predicted: str) -> float:
    """Predicted / measured, less 1."""
    return row["plan"][predicted] / row[what] - 1


def told(row: dict[str, Any]) -> str:
    plan, tile = row["plan"], row["plan"]["tiles"][-1]
    memory, seconds = error_of(row, "peak", "peak_memory"), error_of(row, "seconds", "seconds")
    over = "" if row["peak"] <= plan["max_memory"] else "  ABOVE THE BUDGET"
    return (
        f"{' '.join([row['network'], str(row['size']), *row['options']]):52} {tile or 'whole':>5} "
        f"{row['peak'] / MIB:5.0f}M {plan['peak_memory'] / MIB:8.0f}M {memory:+5.0%} "
        f"{row['seconds']:6.1f}s {plan['seconds']:8.1f}s {seconds:+5.0%}{over}"
    )


def verdict(rows: list[dict[str, Any]]) -> bool:
    """Whether all that is asked of predictions holds, told line by line."""
    memory = [abs(error_of(row, "peak", "peak_memory")) for row in rows]
    seconds = [abs(error_of(row, "seconds", "seconds")) for row in rows]
    checks = {
        f"worst error of the peak {max(memory):.0%}, at most 15%": max(memory) <= 0.15,
        f"median error of the time {statistics.median(seconds):.0%}, at most 25%": statistics.median(seconds) <= 0.25,
        "no peak above its budget": all(row["peak"] <= row["plan"]["max_memory"] for row in rows),
    }
    for what, holds in checks.items():
        print(f"{'pass' if holds else 'FAIL'}: {what}")
    return all(checks.values())


def plot(args: argparse.Namespace) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "styler"  # the same file from the same rows
    rows = json.loads(args.memory.read_text())
    sides = [row["size"] for row in rows]
    figure = Figure(figsize=(6.5, 4), layout="constrained")
    axes = figure.subplots()
    image = [sum(each["bytes"] for each in row["buffers"].values()) / MIB for row in rows]
    axes.plot(sides, [row["peak"] / MIB for row in rows], "o-", label="largest resident memory of the process")
    axes.plot(sides, [row["plan"]["peak_memory"] / MIB for row in rows], "x--", label="predicted")
    axes.plot(sides, image, "s:", label="arrays of the size of the image, mapped or not")
    axes.set(xscale="log", yscale="log", xlabel="longer side, pixels", ylabel="MiB")
    axes.set_xticks(sides, [str(side) for side in sides])
    axes.set_yticks(MARKS, [str(mark) for mark in MARKS])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(args.out, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    of_time = commands.add_parser("time")
    of_time.set_defaults(run=bench_time)
    of_time.add_argument("--size", type=int, default=2048)
    of_time.add_argument("--tile", type=int, default=1024)
    of_time.add_argument("--repeats", type=int, default=3)
    of_memory = commands.add_parser("memory")
    of_memory.set_defaults(run=bench_memory)
    of_memory.add_argument("--out", type=Path, required=True)
    of_memory.add_argument("--sizes", type=int, nargs="+", default=[1024, 2048, 4096, 8192])
    of_memory.add_argument("--steps", type=int, default=2)
    of_memory.add_argument("--scales", type=int, default=1, help="0 for as many as a render has by default")
    of_memory.add_argument("--max-memory", default="3G")
    of_memory.add_argument("--tile", default="auto")
    of_vgg19 = commands.add_parser("vgg19")
    of_vgg19.set_defaults(run=bench_vgg19)
    of_vgg19.add_argument("--size", type=int, default=1024)
    of_vgg19.add_argument("--max-memory", default="2G")
    of_huge = commands.add_parser("huge")
    of_huge.set_defaults(run=bench_huge)
    of_huge.add_argument("--side", type=int, default=16_384)
    of_huge.add_argument("--max-memory", default="2G")
    of_plans = commands.add_parser("plans")
    of_plans.set_defaults(run=bench_plans)
    of_plans.add_argument("--out", type=Path, required=True)
    of_plot = commands.add_parser("plot")
    of_plot.set_defaults(run=plot)
    of_plot.add_argument("memory", type=Path)
    of_plot.add_argument("out", type=Path)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
