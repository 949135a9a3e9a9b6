"""Carry out a checked request: render, show progress, write files."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from styler.api import StyleResult, Stylizer
from styler.cli.interrupt import Interrupt
from styler.cli.progress_bar import ProgressBar
from styler.cli.request import Request, beside
from styler.errors import OutputError
from styler.images.writing import write_image
from styler.progress import StepEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the command line adds to a config."""

    overwrite: bool
    quality: int
    save_every: int | None
    report: Path | None
    progress: bool | None
    quiet: bool


def carry_out(request: Request, settings: Settings) -> None:
    """Render and write; an interrupt writes the best image so far beside the output.

    Raises:
        StylerError: Whatever stands in the way.
        KeyboardInterrupt: Passed on after the partial image is written.
    """
    if max(request.size) > max(request.content_size) and not settings.quiet:
        _say(f"note: the photo is enlarged to {request.size.width}x{request.size.height}")
    result = _rendered(request, settings)
    result.save(request.output, quality=settings.quality, overwrite=settings.overwrite)
    if settings.report:
        _write_text(settings.report, result.report.to_json() + "\n")
    if not settings.quiet:
        _say(f"{request.output}  {result.image.width}x{result.image.height}, {result.report.seconds:.1f} s")


def _rendered(request: Request, settings: Settings) -> StyleResult:
    latest: StepEvent | None = None
    with ProgressBar(shown=settings.progress) as bar, Interrupt() as interrupt:
        try:
            stylizer = Stylizer(request.config)
            events = stylizer.iterate(request.content, request.styles, event_every=settings.save_every)
            while True:
                latest = next(events)
                bar(latest)
                if settings.save_every and latest.step % settings.save_every == 0:
                    _save_beside(request.output, str(latest.step), latest.image())
                interrupt.check()
        except StopIteration as finished:
            result: StyleResult = finished.value
            return result
        except KeyboardInterrupt:
            if latest is not None:
                _say(f"best so far: {_save_beside(request.output, 'partial', latest.image())}")
            raise


def _save_beside(output: Path, word: str, image: Image.Image) -> Path:
    return write_image(image, beside(output, word), overwrite=True)


def _write_text(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, "utf-8")
        partial.replace(path)
    except OSError as cause:
        message = f"cannot write {path}: {cause.strerror}"
        raise OutputError(message) from cause


def _say(text: str) -> None:
    print(text, file=sys.stderr)
