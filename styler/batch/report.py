"""Write an HTML page that shows all pictures of a batch with their options and render times."""

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

THUMBNAIL = 240  # longer side in pixels; four fit in a row on a narrow screen, and each takes about 8 KB
THUMBNAIL_QUALITY = 80  # JPEG quality; the full picture is one click away
SUFFIXES = (".html", ".htm")
MARK = '<meta name="generator" content="styler batch">'  # marks pages that styler wrote
FACTS = ("seconds", "attempt", "error", "size", "threads", "time")  # keys of a ledger line that the page shows


def check_page(path: Path | None, *, overwrite: bool) -> None:
    """Check that the report page can be written; an earlier report page may be replaced.

    Raises:
        OutputError: The suffix is wrong, the path is a folder, or the file exists and is not a report page.
    """
    if path is None:
        return
    if path.suffix.lower() not in SUFFIXES:
        message = f"cannot write {shown(path)}: expected a name that ends in .html"
        raise OutputError(message)
    if path.is_dir() or (path.exists() and not overwrite and not _is_ours(path)):
        message = f"{shown(path)} already exists and is not a batch report; choose another --report or pass --overwrite"
        raise OutputError(message)


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return MARK.encode() in file.read(1024)  # the mark is near the top
    except OSError:
        return False


def write_page(
    path: Path,
    jobs: Sequence[Job],
    folder: Path,
    entries: Mapping[str, Entry],
) -> Path:
    """Write the page atomically: to a temporary file that is then renamed.

    Args:
        path: Path of the page.
        jobs: Jobs of the batch.
        folder: Output folder; the page links to the pictures in it.
        entries: Ledger entries by job name.

    Raises:
        OutputError: The page cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        message = f"cannot write {shown(path)}: {cause.strerror}"
        raise OutputError(message) from cause
    text = page(path, jobs, folder, entries)
    write_atomically(path, lambda file: file.write(text.encode()), overwrite=True)
    return path


def page(
    path: Path,
    jobs: Sequence[Job],
    folder: Path,
    entries: Mapping[str, Entry],
) -> str:
    """Return the page as text; it needs no other files, and its links to the outputs are relative."""
    rows = [_row(job, entries.get(job.name), path, folder) for job in jobs]
    wanted = [folder / row["name"] for row in rows if row["state"] == DONE]
    wanted += [image for job in jobs for image in job.inputs.items]
    data = {"version": styler.__version__, "jobs": rows, "thumbnails": _thumbnails(wanted)}
    template = files("styler.batch").joinpath("report.html").read_text("utf-8")
    return template.replace("<!-- mark -->", MARK, 1).replace('"data"', _script_safe(data), 1)


def _script_safe(data: Any) -> str:
    """Encode data as JSON that cannot close the script element around it."""
    text = json.dumps(data, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _row(
    job: Job,
    entry: Entry | None,
    path: Path,
    folder: Path,
) -> dict[str, Any]:
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
    """Map each readable image to a data URL of its JPEG thumbnail."""
    unique = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(count_processors()) as pool:  # decoding releases the GIL
        made = zip(unique, pool.map(_thumbnail, unique), strict=True)
        return {str(path): text for path, text in made if text}


def _thumbnail(path: Path) -> str:
    try:
        with Image.open(path) as image:
            image.draft("RGB", (2 * THUMBNAIL, 2 * THUMBNAIL))  # decodes a JPEG at reduced size
            small = ImageOps.exif_transpose(image)
            small.thumbnail((THUMBNAIL, THUMBNAIL))
            buffer = io.BytesIO()
            small.convert("RGB").save(buffer, "JPEG", quality=THUMBNAIL_QUALITY)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return ""
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
