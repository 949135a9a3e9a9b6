"""Kill a render at random moments, or fill its disk, and see that nothing is lost: for tests and by hand.

    PYTHONPATH=.:tests python tests/support/crashes.py kills 200
    PYTHONPATH=.:tests python tests/support/crashes.py disks 100

Every render is a process of its own, `styler render` with a network of random weights. A kill is SIGKILL; one in ten
falls anywhere, the others between the first step and the end of the process. A full disk is a limit on the size
of files (RLIMIT_FSIZE) that falls anywhere between nothing and more than the largest file of the render.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from styler.render.checkpoint import read_checkpoint

TESTS = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (TESTS.parent, TESTS)))}
PROGRAM = [sys.executable, str(TESTS / "support" / "tiny_styler.py")]
LOOKS = (
    ("--optimizer", "lbfgs", "--init", "noise"),
    ("--optimizer", "adam", "--loss", "gram"),
)
SMALL = ("--network", "tiny", "--size", "192", "--steps", "36", "--save-every", "2")  # two octaves, calls of two steps
SAVING = ("--checkpoint", "state", "--checkpoint-every", "0s")
LONGEST = 3600.0  # seconds for a render of five: whoever runs hundreds lets them wait while the machine is needed
EVERYWHERE = 0.1  # share of the kills that fall anywhere from the start of the process
IMAGES = 18  # of --save-every 2: the others fall within `LATER` seconds after one of them, or after the first step
LATER = 0.3


class Crashes:
    """Renders in folders of their own, against an uninterrupted one of the same look.

    Args:
        root: Empty folder to work in.
        seed: Of the moments.
    """

    def __init__(self, root: Path, seed: int = 0) -> None:
        self.root, self.random, self.counts = root, random.Random(seed), Counter[str]()
        self.photo, self.painting = self._pictures()
        self._references: dict[tuple[str, ...], tuple[bytes, float]] = {}

    def _pictures(self) -> tuple[Path, Path]:
        from support.pictures import blobs, saved, stripes

        return saved(self.root / "photo.png", blobs(60, 80, 1)), saved(self.root / "painting.png", stripes(90, 70))

    def reference(self, look: tuple[str, ...]) -> tuple[bytes, float]:
        """Bytes of the uninterrupted picture, and seconds that its process took."""
        if look not in self._references:
            folder, began = self._folder(), time.monotonic()
            self.finished(self.start(folder, *self.words(look)))
            self._references[look] = (folder / "out.png").read_bytes(), time.monotonic() - began
        return self._references[look]

    def words(self, look: tuple[str, ...]) -> tuple[str, ...]:
        return ("render", str(self.photo), str(self.painting), "-o", "out.png", *SMALL, *SAVING, *look)

    def start(self, folder: Path, *words: str, limit: int | None = None) -> subprocess.Popen[str]:
        def limited() -> None:
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        return subprocess.Popen(
            [*PROGRAM, *words],
            cwd=folder,
            env=ENVIRONMENT,
            preexec_fn=limited,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finished(self, process: subprocess.Popen[str], status: int = 0) -> str:
        """What it said on stderr, once it has ended with this status."""
        said = process.communicate(timeout=LONGEST)[1]
        check(process.returncode == status, f"status {process.returncode} and not {status}: {said}")
        return said

    def kill_once(self, look: tuple[str, ...] | None = None) -> None:
        """One render killed, and resumed (or begun again where nothing was saved yet) to the same bytes."""
        look = look or self.random.choice(LOOKS)
        wanted, seconds = self.reference(look)
        killed = False
        while not killed:
            folder = self._folder()
            process = self.start(folder, *self.words(look))
            if self.random.random() > EVERYWHERE:
                self._images(folder, process, self.random.randint(0, IMAGES))
                time.sleep(self.random.uniform(0.0, LATER))
            else:
                time.sleep(self.random.uniform(0.0, seconds))
            process.kill()
            process.communicate()
            killed = process.returncode == -signal.SIGKILL
            self.counts["killed" if killed else "ended before"] += 1
            check_whole(folder, wanted)
        self._go_on(folder, look, wanted)

    def _go_on(self, folder: Path, look: tuple[str, ...], wanted: bytes) -> None:
        if (folder / "state").exists():
            self.counts["resumed"] += 1
            self.finished(self.start(folder, "resume", "state"))
        elif not (folder / "out.png").exists():
            self.counts["begun again"] += 1
            self.finished(self.start(folder, *self.words(look), "--overwrite"))
        check((folder / "out.png").read_bytes() == wanted, "the resumed picture has other bytes")
        check(not (folder / "state").exists(), "the checkpoint is still there")
        check_whole(folder, wanted)

    def fill_once(self, look: tuple[str, ...] | None = None) -> None:
        """One render on a disk that is full for files above some size; then it is resumed on a larger one."""
        look = look or self.random.choice(LOOKS)
        wanted, _ = self.reference(look)
        folder = self._folder()
        (folder / "out.png").write_bytes(b"previous")
        limit = int(10 ** self.random.uniform(2.0, 7.3))
        process = self.start(folder, *self.words(look), "--overwrite", limit=limit)
        said = process.communicate(timeout=LONGEST)[1]
        check(said.count("the render continues") <= 1, "the error is said more than once")
        check((folder / "out.png").read_bytes() in (b"previous", wanted), "the previous file was harmed")
        if process.returncode == 2:
            self.counts["refused in one line"] += 1
            check("File too large" in said.splitlines()[-1], said)
            check_whole(folder, b"previous")
            if (folder / "state").exists():
                self._go_on(folder, look, wanted)
            return
        check(process.returncode == 0, f"status {process.returncode}: {said}")
        warned = "cannot write state: File too large" in said
        self.counts["without a checkpoint at times" if warned else "enough room"] += 1
        check_whole(folder, wanted)

    def _folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.root))

    def _images(self, folder: Path, process: subprocess.Popen[str], count: int) -> None:
        """Wait until so many intermediate images are there, or the process has ended."""
        while len(list(folder.glob("out-*.png"))) < count and process.poll() is None:
            time.sleep(0.002)


def check(true: bool, message: str) -> None:
    """`assert` that also works where the interpreter leaves those out."""
    if not true:
        raise AssertionError(message)


def check_whole(folder: Path, *outputs: bytes) -> None:
    """Nothing lies about, and whatever is there is complete."""
    names = {path.name for path in folder.iterdir()}
    others = {name for name in names if name not in ("state", "out.png") and not name.startswith("out-")}
    check(not others, f"left behind: {others}")
    if "state" in names:
        read_checkpoint(folder / "state")
    if "out.png" in names:
        check((folder / "out.png").read_bytes() in outputs, "a torn output")
    for name in names - {"state", "out.png"}:
        check((folder / name).read_bytes().endswith(b"IEND\xaeB`\x82"), f"a torn {name}")


def repeat(kind: str, times: int, root: Path, seed: int = 0) -> Counter[str]:
    """So many kills or full disks; what became of them."""
    crashes = Crashes(root, seed)
    once = {"kills": crashes.kill_once, "disks": crashes.fill_once}[kind]
    for number in range(1, times + 1):
        once()
        if number % 10 == 0:
            print(f"{number} {kind}: {dict(crashes.counts)}", flush=True)
    return crashes.counts


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        began = time.monotonic()
        counts = repeat(sys.argv[1], int(sys.argv[2]), Path(temporary))
        print(f"{sys.argv[2]} {sys.argv[1]}: {dict(counts)}, {time.monotonic() - began:.0f} s")
