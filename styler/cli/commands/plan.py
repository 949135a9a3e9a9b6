"""`styler plan`: predict the memory and time of a render."""

from __future__ import annotations

from pathlib import Path

import typer

from styler.cli import options as o


@o.with_options(o.PLANNING)
def plan(
    content: o.Content,
    styles: o.Styles,
    output: o.Output = None,
    config: o.ConfigFile = None,
    debug: o.Debug = False,
    options: o.Given = None,
) -> None:
    """Predict the memory and time of a render.

    Also show its tiles, scales and steps, and the reasons for them.
    """
    from styler.cli.quiet import import_tensorflow
    from styler.cli.request import build_options, checked_request, default_output
    from styler.cli.status import note, status
    from styler.cli.streams import check_content, content_file
    from styler.render.files import image_files

    asked, files = build_options(config, options)
    check_content(content, styles, output or Path())
    with content_file(content) as photo:
        request = checked_request(
            image_files(photo, styles, asked, note),
            output or default_output(content, styles),
            asked,
            overwrite=True,
            export=files["export"],
            max_pixels=files["max_pixels"],
            piped=photo != content,
        )
        with status("loading TensorFlow"):
            import_tensorflow()
        from styler.cli.planning import described

        with status("planning") as tell:
            lines = described(request, tell)
        typer.echo(lines)
