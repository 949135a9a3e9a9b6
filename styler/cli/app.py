"""The `styler` program: its commands, exit statuses and one-line error messages."""

from __future__ import annotations

import errno
import gc
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import typer

import styler
from styler.cli.commands.batch import batch
from styler.cli.commands.doctor import doctor
from styler.cli.commands.features import features
from styler.cli.commands.layers import layers
from styler.cli.commands.networks import networks
from styler.cli.commands.plan import plan
from styler.cli.commands.preview import preview
from styler.cli.commands.render import render
from styler.cli.commands.replay import replay
from styler.cli.commands.resume import resume
from styler.cli.options import Command
from styler.cli.shell import command as shell_command
from styler.cli.streams import is_unread, open_missing, output_problem
from styler.errors import OptionError, StylerError, one_line, shown
from styler.options import flag_of
from styler.processors import THREADS_VARIABLE, bound_processors, count_processors
from styler.recipe import SWITCHES

REFUSED = 2
DEFECT = 1
INTERRUPTED = 130
RENDERING = ("render", "preview", "batch", "plan", "resume", "replay")
"""Commands that run networks in compiled programs only."""
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}  # errors of a disk that cannot take more data
NO_FOLDER = "No usable temporary directory"  # message of Python's `tempfile`
OBJECTS_A_COLLECTION = 100_000  # garbage collection at Python's default costs a sixth of TensorFlow's import time

app = typer.Typer(
    name="styler",
    help="Neural style transfer: a photo and a painting in, a picture out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
EXAMPLES: dict[Callable[..., None], str] = {
    render: "styler render photo.jpg painting.jpg -o out.png --size 1024 --strength 0.6",
    preview: "styler preview photo.jpg painting.jpg -o small.png && styler replay small.png -o large.png --size 2048",
    batch: "styler batch --content 'photos/*.jpg' --style 'paintings/*.jpg' -o out/",
    plan: "styler plan photo.jpg painting.jpg --size 4096",
    resume: "styler resume out.png.styler-checkpoint",
    replay: "styler replay out.png -o large.png --size 2048",
    layers: "styler layers vgg19",
    features: "styler features photo.jpg --layers block1_conv1,block4_conv2 -o features.npz",
    doctor: "styler doctor",
}
"""The example at the end of each command's help."""

for command, example in EXAMPLES.items():
    app.command(
        cls=Command,
        epilog=example,
        no_args_is_help=command not in (layers, doctor),
    )(command)
app.add_typer(networks, name="networks")
KNOWN = {*(command.__name__ for command in EXAMPLES), "networks"}


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"styler {styler.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False,
        "--version",
        help="Show the version and exit.",
        callback=_show_version,
        is_eager=True,
    ),
) -> None:
    """Neural style transfer: a photo and a painting in, a picture out."""


def prepare_environment(arguments: list[str]) -> None:
    """Set the environment variables that TensorFlow and Keras read on import. Only the program does this.

    oneDNN makes a step faster, but TensorFlow leaves it off on AVX2 processors. If oneDNN knows that the weights never
    change, it rearranges them once for its fast convolutions and avoids its slowest ones for large images (see
    `docs/speed.md`). It then identifies weights by the operation that uses them, which is only correct in compiled
    programs. Log messages less severe than errors are turned off. Keras always uses TensorFlow here, even if the
    user's settings name another backend.

    Args:
        arguments: Words after the program's name.
    """
    os.environ.setdefault(SWITCHES["onednn"], "1")
    if arguments and arguments[0] in RENDERING:
        os.environ.setdefault(SWITCHES["constant_weights"], "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if os.path.expanduser("~") == "~":  # without a home folder, Keras would create a folder named "~"
        from styler.networks.weights import KERAS_VARIABLE

        os.environ.setdefault(KERAS_VARIABLE, os.devnull)
    if count_processors() < bound_processors():  # TensorFlow ignores a container's share of the processors
        os.environ.setdefault(THREADS_VARIABLE, str(count_processors()))
    os.environ["KERAS_BACKEND"] = "tensorflow"  # also for the processes that a command starts


def main() -> None:
    """Run the program and exit with its status."""
    open_missing()
    prepare_environment(sys.argv[1:])
    gc.set_threshold(OBJECTS_A_COLLECTION)
    status = flushed(run(sys.argv[1:]))
    gc.freeze()  # a last garbage collection of TensorFlow's objects would take a second
    sys.exit(status)


def flushed(status: int) -> int:
    """Flush standard output and return the exit status; a reader that stopped early is not an error."""
    problem = output_problem()
    if problem is None or isinstance(problem, BrokenPipeError):
        return status
    return _fail(f"cannot write standard output: {problem.strerror}", max(status, REFUSED))


def run(arguments: list[str]) -> int:
    """Run one command line.

    Args:
        arguments: Words after the program's name.

    Returns:
        Exit status: 0 for success, 1 for a defect in styler, 2 for a request that cannot be carried out, 3 for a batch
        with failures, 130 for an interrupt.
    """
    try:
        status = typer.main.get_command(app).main(
            args=arguments,
            prog_name="styler",
            standalone_mode=False,
        )
    except typer.TyperException as problem:
        message = problem.format_message()
        if message.startswith("Usage:"):  # the help of a command without arguments
            typer.echo(message)
            return REFUSED
        context = getattr(problem, "ctx", None)
        if "Did you mean" not in message:
            message = f"{message.rstrip('.')}; see {context.command_path if context else 'styler'} --help"
        return _fail(_meant(arguments) or message, REFUSED)
    except OptionError as problem:
        return _fail(problem.said(flag_of(problem.name)), REFUSED, arguments)
    except StylerError as problem:
        return _fail(str(problem), REFUSED, arguments)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", INTERRUPTED, arguments)
    except SystemExit as end:  # raised by typer after it installed completion, or when a pipe broke
        if end.code in (None, 0):
            return 0
        return 0 if is_unread() else _fail("a pipe to another process broke. This is a bug", DEFECT, arguments)
    except Exception as problem:
        if isinstance(problem, OSError) and problem.errno in FULL:
            place = shown(problem.filename) if problem.filename else "standard output or a temporary file"
            return _fail(f"cannot write {place}: {problem.strerror}", REFUSED, arguments)
        if NO_FOLDER in str(problem):
            return _fail(f"{problem}; set TMPDIR to a writable folder", REFUSED, arguments)
        message = f"{type(problem).__name__}: {problem}. This is a bug; run again with --debug and report it"
        return _fail(message, DEFECT, arguments)
    if status == INTERRUPTED:  # typer turns a KeyboardInterrupt into this status without a message
        return _fail("interrupted", INTERRUPTED)
    return status if isinstance(status, int) else 0


def _meant(arguments: list[str]) -> str:
    """Suggest the command line for images that were given without a command; "" in all other cases."""
    images = [word for word in arguments if not word.startswith("-")]
    if not arguments or arguments[0] in KNOWN or not images or not Path(images[0]).suffix:
        return ""
    words = shell_command(["styler", "render", *arguments])
    missing = "" if len(images) > 1 else " PAINTING"
    return f"expected a command, got {shown(arguments[0])}. To render a picture: {words}{missing}"


def _fail(message: str, status: int, arguments: list[str] | None = None) -> int:
    if arguments and "--debug" in arguments:
        traceback.print_exc()
    print(f"error: {one_line(message)}", file=sys.stderr)
    return status
