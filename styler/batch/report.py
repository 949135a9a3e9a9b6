"""A self-contained page with all pictures of a batch, their recipes and times."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image, ImageOps

import styler
from styler.batch.jobs import Job
from styler.batch.ledger import DONE, Entry
from styler.batch.recipe import recipe_words
from styler.errors import OutputError, shown
from styler.images.atomic import write_atomically
from styler.processors import count_processors

THUMBNAIL = 240  # pixels of the longer side: four in a row on a narrow screen, some 8 KB each
THUMBNAIL_QUALITY = 80  # of JPEG; a preview, the picture itself is one click away
SUFFIXES = (".html", ".htm")
MARK = '<meta name="generator" content="styler batch">'  # tells a page of ours from anybody's file
FACTS = ("seconds", "attempt", "error", "size", "threads", "time")  # of a ledger's line


def check_page(path: Path | None, *, overwrite: bool) -> None:
    """Refuse a page that could not or must not be written; an earlier page of ours may be replaced.

    Raises:
        OutputError: A wrong suffix, no such folder, or somebody's file.
    """
    if path is None:
        return
    if path.suffix.lower() not in SUFFIXES:
        message = f"cannot write {shown(path)}: expected a name that ends in .html"
        raise OutputError(message)
    if path.is_dir() or (path.exists() and not overwrite and not _is_ours(path)):
        message = f"{shown(path)} exists already and is no page of a batch; choose another --report or give --overwrite"
        raise OutputError(message)


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return MARK.encode() in file.read(1024)  # it stands near the top
    except OSError:
        return False


def write_page(path: Path, jobs: Sequence[Job], folder: Path, entries: Mapping[str, Entry]) -> Path:
    """Write the page, beside and then renamed.

    Args:
        path: Where.
        jobs: Of the batch.
        folder: Of the outputs; the page links to them.
        entries: Of the ledger.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        message = f"cannot write {shown(path)}: {cause.strerror}"
        raise OutputError(message) from cause
    text = page(path, jobs, folder, entries)
    write_atomically(path, lambda file: file.write(text.encode()), overwrite=True)
    return path


def page(path: Path, jobs: Sequence[Job], folder: Path, entries: Mapping[str, Entry]) -> str:
    """The page as text; it needs no other file, but links to the outputs relative to its own place."""
    rows = [_row(job, entries.get(job.name), path, folder) for job in jobs]
    wanted = [folder / row["name"] for row in rows if row["state"] == DONE]
    wanted += [image for job in jobs for image in job.inputs.items]
    data = {"version": styler.__version__, "jobs": rows, "thumbnails": _thumbnails(wanted)}
    template = files("styler.batch").joinpath("report.html").read_text("utf-8")
    return template.replace("<!-- mark -->", MARK, 1).replace('"data"', _script_safe(data), 1)


def _script_safe(data: Any) -> str:
    """JSON that cannot end the script element that it stands in."""
    text = json.dumps(data, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _row(job: Job, entry: Entry | None, path: Path, folder: Path) -> dict[str, Any]:
    facts = {name: entry.facts[name] for name in FACTS if name in entry.facts} if entry else {}
    target = os.path.relpath(folder.absolute() / job.name, path.absolute().parent)
    return {
        "name": job.name,
        "state": entry.state if entry else "not yet",
        "link": quote(os.fsencode(target)),
        "picture": str(folder / job.name),
        **recipe_words(job),
        **facts,
    }


def _thumbnails(paths: Sequence[Path]) -> dict[str, str]:
    """Path -> data address of a small JPEG, for each image that can be read."""
    unique = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(count_processors()) as pool:  # decoding lets other threads run
        made = zip(unique, pool.map(_thumbnail, unique), strict=True)
        return {str(path): text for path, text in made if text}


def _thumbnail(path: Path) -> str:
    try:
        with Image.open(path) as image:
            image.draft("RGB", (2 * THUMBNAIL, 2 * THUMBNAIL))  # JPEG: decode at a fraction of the size
            small = ImageOps.exif_transpose(image)
            small.thumbnail((THUMBNAIL, THUMBNAIL))
            buffer = io.BytesIO()
            small.convert("RGB").save(buffer, "JPEG", quality=THUMBNAIL_QUALITY)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return ""
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
