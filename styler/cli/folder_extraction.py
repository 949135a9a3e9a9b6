"""Carry out `styler features` for folders: write one archive per image and skip archives that are up to date."""

from __future__ import annotations

import errno
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never

from tqdm import tqdm

import styler
from styler.cli.extracting import cast_to, options_of, source_facts
from styler.cli.extraction import Extraction
from styler.cli.interrupt import Interrupt
from styler.cli.reader import Reader
from styler.errors import ImageError, OutputError, shown
from styler.features.archive import SUFFIX, read_origin, write_archive
from styler.images.photos import Photo
from styler.images.reading import read_image
from styler.sources import source_of
from styler.types import Size

ALL_DONE = 0
SOME_FAILED = 3
EXTRACTED = "extracted"
DONE_BEFORE = "done before"
FAILED = "failed"
STOPPING = "stopping after this image; press Ctrl-C again to quit at once"
FATAL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)  # errors that would also fail the next image
BAR = "{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} images, {remaining} left{postfix}"


@dataclass(frozen=True, slots=True)
class _Target:
    """An image and its archive.

    Attributes:
        photo: The image.
        archive: Path of the archive for its activations.
        origin: Origin recorded in the existing archive; None if there is no archive to keep.
    """

    photo: Photo
    archive: Path
    origin: dict[str, Any] | None


def carry_out_folder(request: Extraction, *, progress: bool | None, quiet: bool) -> int:
    """Write missing or outdated archives and list the failures.

    Args:
        request: Request with a folder for the archives.
        progress: Whether to show a bar; None shows it if stderr is a terminal.
        quiet: Whether to print failures only.

    Returns:
        Exit status: 0 if every image has its archive, 3 if some failed.

    Raises:
        StylerError: An error affects all images, for example existing archives made with other options.
        KeyboardInterrupt: A signal was received; the image in progress has been finished.
    """
    started = time.monotonic()
    folder = request.folder or Path()
    _make_folder(folder)
    reader = Reader(request.wanted)
    options = options_of(request.wanted, reader.digest)
    targets = _targets(request, folder, options)
    outcomes: Counter[str] = Counter()
    problems = list(request.problems)
    visible = sys.stderr.isatty() if progress is None else progress
    bar: tqdm[Never] = tqdm(
        total=len(targets),
        bar_format=BAR,
        disable=not visible or quiet,
    )
    tell = None if quiet else lambda _: tqdm.write(STOPPING, file=sys.stderr)
    with bar, Interrupt(tell) as interrupt:
        for target in targets:
            interrupt.check()
            try:
                outcome = _extracted(target, reader, request, options)
            except (ImageError, OutputError) as problem:
                if getattr(problem.__cause__, "errno", None) in FATAL:
                    raise
                problems.append((target.photo.name, str(problem)))
                bar.set_postfix_str(f", {len(problems)} failed", refresh=False)
                outcome = FAILED
            outcomes[outcome] += 1
            bar.update(1)
    if not quiet:
        counts = ", ".join(f"{outcomes[each]} {each}" for each in (EXTRACTED, DONE_BEFORE))
        print(f"{shown(folder)}: {counts}, {len(problems)} failed, {time.monotonic() - started:.1f} s", file=sys.stderr)
    for name, reason in problems:
        print(f"failed: {shown(name)}: {reason}", file=sys.stderr)
    return SOME_FAILED if problems else ALL_DONE


def _targets(request: Extraction, folder: Path, options: dict[str, Any]) -> list[_Target]:
    """Pair every image with its archive.

    Raises:
        OutputError: An existing archive was made with other options and must not be replaced.
    """
    targets = []
    for photo in request.photos:
        archive = folder / (photo.name + SUFFIX)
        origin = _origin(archive)
        reason = None if origin is None else _difference(origin, options)
        if reason and not request.overwrite:
            message = (
                f"{shown(archive)} {reason}; use the same options again, another -o, or --overwrite to replace all "
                "such archives"
            )
            raise OutputError(message)
        targets.append(_Target(photo, archive, None if reason else origin))
    return targets


def _origin(archive: Path) -> dict[str, Any] | None:
    """Read the origin recorded in an archive; empty if it records none, None if there is no archive."""
    try:
        return read_origin(archive) or {}
    except FileNotFoundError:
        return None
    except OSError as cause:
        message = f"cannot read {shown(archive)}: {cause.strerror or cause}"
        raise OutputError(message) from cause


def _difference(origin: dict[str, Any], options: dict[str, Any]) -> str:
    """Say how an archive's origin differs from these options; "" if it does not."""
    if not origin:
        return "already exists and was not written by this command"
    for name, value in options.items():
        if origin.get(name) != value:
            if name == "weights":
                return "was made with other weights of the network"
            return f"was made with {name} {_said(origin.get(name))}, but {_said(value)} was requested"
    return ""


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{key}={address}" for key, address in value.items())
    if isinstance(value, list):
        return ",".join(value)
    return "none" if value is None else str(value)


def _extracted(
    target: _Target,
    reader: Reader,
    request: Extraction,
    options: dict[str, Any],
) -> str:
    """Write the archive of an image unless the existing one was made from the same contents.

    Raises:
        ImageError: The image cannot be read or is too small.
        OutputError: The archive cannot be written.
    """
    photo = target.photo
    wanted = request.wanted
    if target.origin is not None and target.origin.get("image", {}).get("sha256") == _sha256(photo.path):
        return DONE_BEFORE
    picture = read_image(photo.path)
    shape = reader.intake.shape_for(Size(*picture.pixels.shape[:2]), wanted.size)
    arrays = cast_to(reader(reader.intake.prepared(picture.pixels, shape)[None]), wanted.dtype)
    origin = {**options, "image": source_facts(picture.source), "styler": styler.__version__}
    _make_folder(target.archive.parent)
    write_archive(
        target.archive,
        arrays,
        origin=origin,
        overwrite=request.overwrite or target.origin is not None,
    )
    return EXTRACTED


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        message = f"cannot create the folder {shown(folder)}: {cause.strerror or cause}"
        raise OutputError(message) from cause


def _sha256(path: Path) -> str:
    try:
        return source_of(path).sha256
    except OSError as cause:
        message = f"cannot read {shown(path)}: {cause.strerror or cause}"
        raise ImageError(message) from cause
