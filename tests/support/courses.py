"""Renders of read pictures by the engine alone."""

from __future__ import annotations

from styler.images.sizes import result_size
from styler.inputs import Inputs
from styler.render.renderer import Renderer
from styler.render.schedule import unplanned


def course_of(renderer: Renderer, photo, paintings, schedule=None, **options):
    """The events of a render; octaves as the config asks for them unless a schedule is given."""
    config, least = renderer.config, renderer.engine.network.minimum_size
    chosen = schedule or unplanned(config, result_size(config.size, photo.size, least))
    return renderer.render(Inputs.of(photo, paintings), chosen, **options)
