"""Carry out a checked request: render, show progress, save checkpoints, and write the files."""

from __future__ import annotations

import filecmp
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import IO

from styler.api import StyleResult, Stylizer, exported
from styler.cli.contradictions import contradictions
from styler.cli.interrupt import Interrupt
from styler.cli.progress_bar import ProgressBar
from styler.cli.progress_lines import ProgressLines
from styler.cli.request import Request, Settings, beside_at
from styler.cli.resuming import INTERIM, Resumed, choices
from styler.cli.shell import command
from styler.cli.streams import send
from styler.errors import CheckpointError, OutputError, shown
from styler.images.atomic import write_atomically
from styler.images.export import Export
from styler.images.picture import Picture
from styler.images.resampling import resized
from styler.images.scratch import scratch_file
from styler.images.writing import beside, encode_picture, output_notes, write_picture
from styler.progress import StepEvent
from styler.render.files import read_images
from styler.render.job import digest
from styler.render.saver import Saver

PIPED = "standard-input"  # name of a photo from standard input, in recipes and reports


class Work:
    """A request that is being carried out.

    Args:
        request: The render.
        settings: Options of the render that are not part of its config.
        resumed: State to continue from; None starts from the beginning.
        stream: Stream for the picture; None writes it to a file.
    """

    def __init__(
        self,
        request: Request,
        settings: Settings,
        resumed: Resumed | None = None,
        stream: IO[bytes] | None = None,
    ) -> None:
        self._request = request
        self._settings = settings
        self._resumed = resumed
        self._stream = stream
        self._latest: StepEvent | None = None
        self._saver: Saver | None = None
        self._told = False
        self._interim: dict[str, str] = resumed.interim if resumed else {}

    def carry_out(self) -> None:
        """Render and write the picture; save a checkpoint if anything stops the render.

        Raises:
            StylerError: The render fails.
            KeyboardInterrupt: The user stopped the render; the best image so far has been written.
        """
        bar = _display(self._settings.progress)
        with Interrupt(None if self._settings.quiet else bar.say) as interrupt:
            try:
                self._deliver(self._rendered(bar, interrupt))
            except KeyboardInterrupt:
                try:
                    self._keep_picture()
                finally:
                    self._keep_state()
                raise
            except Exception:
                self._keep_state()
                raise

    def _rendered(self, bar: ProgressBar | ProgressLines, interrupt: Interrupt) -> StyleResult:
        request = self._request
        settings = self._settings

        def watch(done: int, count: int) -> None:
            bar.tile(done, count)
            interrupt.check()

        def phase(words: str) -> None:
            interrupt.check()
            bar.phase(words)

        with bar:
            phase("loading the network")
            stylizer = Stylizer(request.config, plan=request.plan)
            self._saver = self._made_saver(stylizer)
            phase("reading images")
            pictures = read_images(request.inputs, request.max_pixels)
            if request.piped:
                pictures = replace(pictures, content=_named(pictures.photo, PIPED))
            start = self._resumed.checkpoint.snapshot if self._resumed else None
            events = stylizer.events(
                pictures,
                event_every=settings.save_every,
                snapshot=start,
                watch=watch,
                phase=phase,
            )
            while True:
                try:
                    self._latest = next(events)
                except StopIteration as finished:
                    result: StyleResult = finished.value
                    if request.known is None:
                        return result
                    return replace(result, recipe=result.recipe.named_like(request.known))
                bar(self._latest)
                self._note(self._latest)
                interrupt.check()

    def _made_saver(self, stylizer: Stylizer) -> Saver:
        request = self._request
        saving = self._settings.saving
        kept = {**choices(request, self._settings), INTERIM: self._interim}
        job = stylizer.job(request.inputs, max_pixels=request.max_pixels, choices=kept)
        return Saver(
            saving.path,
            job.to_dict() if saving.path else {},
            tell=lambda problem: _say(f"warning: {problem}"),
            every=saving.every,
            always=saving.always,
            active=self._resumed is not None,
            replace=saving.replace,
        )

    def _note(self, event: StepEvent) -> None:
        every = self._settings.save_every
        if every and event.step % every == 0:
            self._keep_intermediate(event)
        if self._saver:
            self._saver(event)

    def _keep_intermediate(self, event: StepEvent) -> None:
        try:
            self._write_event(event, beside_at(self._request, event.step), overwrite=True)
        except OutputError as problem:
            if not self._told:
                _say(f"warning: {problem}; intermediate images may be missing")
            self._told = True

    def _deliver(self, result: StyleResult) -> None:
        """Write the picture and the report; delete the checkpoint only after that."""
        if self._saver:
            self._saver.finish()
        request = self._request
        settings = self._settings
        self._tell(*(f"note: {note}" for note in (*result.picture.notes, *_losses(result, request))))
        self._tell(*(f"note: {note}" for note in result.report.notes))
        if settings.recipe and self._export(result).recipe is None:
            self._tell("note: the recipe is too long to be stored in the picture and was left out")
        self._tell(*(f"warning: {warning}" for warning in result.report.warnings))
        self._write(result)
        if settings.report:
            _write_text(settings.report, result.report.to_json() + "\n")
        self._remove_interim()
        if self._saver:
            self._saver.remove()
        height, width = result.picture.size
        self._tell(f"{request.output_name}  {width}x{height}, {result.report.seconds:.1f} s")

    def _write(self, result: StyleResult) -> None:
        """Write the picture, unless it was written before the render was stopped."""
        request = self._request
        overwrite = self._settings.overwrite
        if self._stream is not None:
            with scratch_file() as file:
                encode_picture(result.picture, "PNG", file, self._export(result))
                send(file, self._stream)
            return
        again = self._resumed is not None and self._resumed.over and not overwrite
        if request.output.is_symlink():
            target = shown(os.readlink(request.output))
            self._tell(f"note: {shown(request.output)} was a link to {target}; replaced the link, kept the file")
        if not (
            again and os.path.lexists(request.output) and _is_written(result, request.output, self._export(result))
        ):
            write_picture(
                result.picture,
                request.output,
                export=self._export(result),
                overwrite=overwrite,
            )

    def _export(self, result: StyleResult) -> Export:
        return result.exported(self._request.export, recipe=self._settings.recipe)

    def _write_event(
        self,
        event: StepEvent,
        path: Path,
        *,
        overwrite: bool,
    ) -> Path:
        """Write an intermediate picture in the same way as the final one.

        An enlarged picture gets no recipe, because no recipe could reproduce it.
        """
        picture = event.picture()
        request = self._request
        recipe = None
        if self._settings.save_final and picture.size != request.size:
            picture = resized(picture, request.size)
        elif self._settings.recipe:
            recipe = event.recipe()
        if recipe is not None and request.known is not None:
            recipe = recipe.named_like(request.known)
        return write_picture(
            picture,
            path,
            export=exported(recipe, request.export),
            overwrite=overwrite,
        )

    def _keep_picture(self) -> None:
        if self._latest is None:
            self._tell("nothing new to save: interrupted before the first step")
            return
        if self._stream is not None:  # a reader would take an unfinished picture for the result
            return
        overwrite = self._settings.overwrite
        path = partial_path(self._request.output, overwrite=overwrite)
        try:
            _say(f"best so far: {shown(self._write_event(self._latest, path, overwrite=overwrite))}")
            if self._saver and self._saver.path:
                self._saver.store(INTERIM, {**self._interim, str(path.absolute()): digest(path)})
        except (OutputError, CheckpointError) as problem:
            _say(f"warning: {problem}")

    def _remove_interim(self) -> None:
        """Remove the images that interrupts of this render left, unless they have changed since."""
        for path, written in self._interim.items():
            with suppress(CheckpointError, OSError):  # it was removed before, or it cannot be removed
                if digest(Path(path)) == written:
                    os.unlink(path)

    def _keep_state(self) -> None:
        if self._saver and self._saver.save():
            path = str(self._saver.path)
            path = f"./{path}" if path.startswith("-") else path
            _say(f"checkpoint: {shown(path)}; continue with: {command(['styler', 'resume', path])}")

    def _tell(self, *lines: str) -> None:
        for line in () if self._settings.quiet else lines:
            _say(line)


def carry_out(
    request: Request,
    settings: Settings,
    resumed: Resumed | None = None,
    *,
    stream: IO[bytes] | None = None,
) -> None:
    """Render and write the picture; after an interrupt, write the best image so far and a checkpoint.

    Raises:
        StylerError: The render fails.
        KeyboardInterrupt: The user stopped the render; the partial image has been written.
    """
    notes = [*contradictions(request)]
    if max(request.size) > max(request.sizes.photo):
        notes.append(f"the photo is enlarged to {request.size.width}x{request.size.height}")
    for note in () if settings.quiet else notes:
        _say(f"note: {note}")
    Work(request, settings, resumed, stream).carry_out()


def _display(progress: bool | None) -> ProgressBar | ProgressLines:
    """Return what shows the progress: a bar on a terminal, lines elsewhere; `progress` shows or hides the bar."""
    if progress is None and not sys.stderr.isatty():
        return ProgressLines()
    return ProgressBar(shown=progress)


def partial_path(output: Path, *, overwrite: bool) -> Path:
    """Return `<output stem>-partial.png`, or `-partial-2.png` and so on if that exists and must not be replaced."""
    names = (beside(output, "partial" if number == 1 else f"partial-{number}") for number in count(1))
    return next(path for path in names if overwrite or not os.path.lexists(path))


def _named(photo: Picture, name: str) -> Picture:
    """Give a name to a photo that has none."""
    return replace(photo, name=name, source=photo.source and photo.source._replace(name=name))


def _losses(result: StyleResult, request: Request) -> tuple[str, ...]:
    return () if request.streams else output_notes(result.picture, request.output, request.export)


def _is_written(result: StyleResult, output: Path, export: Export) -> bool:
    """Whether the output file already has the bytes that would be written."""
    with tempfile.TemporaryDirectory() as folder:
        again = write_picture(result.picture, Path(folder) / output.name, export=export)
        return filecmp.cmp(again, output, shallow=False)


def _write_text(path: Path, text: str) -> None:
    write_atomically(path, lambda file: file.write(text.encode()), overwrite=True)


def _say(text: str) -> None:
    with suppress(OSError):  # if nobody reads stderr any more, the picture still matters
        print(text, file=sys.stderr)
