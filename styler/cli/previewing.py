"""Choose the options of a preview, and render it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from styler.cli.rendering import carry_out_render
from styler.cli.request import build_options, default_output, mask_option
from styler.cli.shell import command
from styler.cli.status import note
from styler.cli.streams import OUTPUTS, check_content
from styler.config import PREVIEW_SIZE, RenderConfig
from styler.errors import OptionError
from styler.images.writing import beside

LARGER = 2048  # pixels; the size in the command that is suggested


def preview_options(file: Path | None, given: Mapping[str, Any]) -> tuple[RenderConfig, dict[str, Any]]:
    """Combine the options of a preview, like `build_options`.

    The size is that of the command line, not of the file, so that a file of options for the final picture serves its
    previews too. Marks match that size, unless the command line or the file says otherwise.

    Raises:
        ConfigError: The file cannot be read, or an option is unknown or out of range.
    """
    flags = {name: value for name, value in given.items() if value is not None}
    asked, files = build_options(file, {"size": PREVIEW_SIZE, **flags})
    if not isinstance(asked.size, int):
        raise OptionError(name="size", expected="a number of pixels for a preview", came=asked.size)
    if asked.style_match is None and "style_match" not in flags:
        asked = asked.changed(style_match=asked.size)
    return asked, files


def carry_out_preview(
    content: Path,
    styles: Sequence[Path],
    output: Path | None,
    file: Path | None,
    given: Mapping[str, Any],
    *,
    mask: str | None,
    dry_run: bool,
    quiet: bool,
    **rest: Any,
) -> None:
    """Render a preview, and name the command that makes it larger.

    Args:
        content: The photo.
        styles: Paintings and folders of paintings.
        output: The preview; None makes a name from those of photo and styles.
        file: TOML file of options, or None.
        given: Options of the command line by field; None for an option that was not given.
        mask: Value of `--mask`, or None.
        dry_run: Whether to describe the render and do nothing.
        quiet: Whether to print errors only.
        **rest: Other arguments of `carry_out_render`.

    Raises:
        StylerError: The render cannot be carried out; the subclass tells what is wrong.
    """
    asked, files = preview_options(file, given)
    check_content(content, styles, output)
    target = output or beside(default_output(content, styles), "preview")
    carry_out_render(
        content,
        styles,
        target,
        asked,
        files,
        mask=mask_option(file, mask, given),
        save_every=None,
        save_size="own",
        checkpoint=None,
        checkpoint_every="30s",
        dry_run=dry_run,
        quiet=quiet,
        **rest,
    )
    if not (dry_run or quiet) and files["with_recipe"] and target not in OUTPUTS:
        note(f"larger, with this look: {command(['styler', 'replay', str(target), '--size', str(LARGER)])}")
