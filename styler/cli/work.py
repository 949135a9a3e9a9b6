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
from styler.images.reading import read_image
from styler.images.writing import output_notes, write_image, write_picture
from styler.progress import StepEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the command line adds to a config."""

    overwrite: bool
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
    for note in () if settings.quiet else (*result.picture.notes, *_losses(result, request)):
        _say(f"note: {note}")
    write_picture(result.picture, request.output, export=request.export, overwrite=settings.overwrite)
    if settings.report:
        _write_text(settings.report, result.report.to_json() + "\n")
    if not settings.quiet:
        _say(f"{request.output}  {result.image.width}x{result.image.height}, {result.report.seconds:.1f} s")


def _losses(result: StyleResult, request: Request) -> tuple[str, ...]:
    return output_notes(result.picture, request.output, request.export)


def _images(request: Request) -> list[Path]:
    return [request.content, *request.styles]


def _rendered(request: Request, settings: Settings) -> StyleResult:
    latest: StepEvent | None = None
    with ProgressBar(shown=settings.progress) as bar, Interrupt() as interrupt:
        try:
            stylizer = Stylizer(request.config)
            photo, *paintings = (read_image(path, max_pixels=request.max_pixels) for path in _images(request))
            events = stylizer.iterate(photo, paintings, event_every=settings.save_every)
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
