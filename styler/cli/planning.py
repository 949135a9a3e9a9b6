"""Describe the predicted memory, time and tiles of a request."""

from __future__ import annotations

from dataclasses import replace

from styler.api import Stylizer
from styler.cli.request import Request
from styler.images.mapped import LARGE
from styler.networks import find_network
from styler.networks.published import APPLICATIONS
from styler.networks.weights import located
from styler.progress import Phase
from styler.render.files import read_images
from styler.render.pyramid import Stage
from styler.render.schedule import Schedule

BASES = {"measured": "measured on this machine", "guessed": "a rough estimate; it could not be measured"}
FLOATS = 12  # bytes per pixel of a picture in memory


def described(request: Request, phase: Phase | None = None) -> str:
    """Schedule a render and describe its cost.

    Args:
        request: The render.
        phase: Called with a description before each measurement.

    Raises:
        StylerError: The render cannot be carried out within its budgets.
    """
    stylizer = Stylizer(request.config)
    return "\n".join(
        lines(
            stylizer.plan(
                request.size,
                measure=True,
                reserve=_pictures(request),
                regions=request.regions,
                phase=phase,
            )
        )
    )


def rehearsed(request: Request) -> str:
    """Do everything that a render does before its first step, and describe its cost.

    This reads the images and uses the network, the device and the planner. Nothing is downloaded: if weights are
    missing, random ones take their place, which is enough for a plan.

    Raises:
        StylerError: A render would fail with this error before its first step.
    """
    read_images(request.inputs, request.max_pixels)
    network = find_network(request.config.network)
    absent = network.name in APPLICATIONS and located(network.weights_file) is None
    if absent and network.build_untrained is not None:
        network = replace(network, build=network.build_untrained)
    stylizer = Stylizer(request.config, network=network, plan=request.plan)
    plan = stylizer.plan(
        request.size,
        measure=None if absent else False,
        reserve=_pictures(request),
        regions=request.regions,
    )
    note = [f"note      the weights of {network.name} would be downloaded"] if absent else []
    return "\n".join([*lines(plan), *note])


def _pictures(request: Request) -> int:
    """Return the bytes that the pictures take in memory; large pictures are mapped from files and not counted."""
    taken = (FLOATS * size.height * size.width for size in request.sizes.items)
    return sum(each for each in taken if each < LARGE)


def lines(plan: Schedule) -> list[str]:
    """Describe a schedule, one fact per line."""
    allowed = "" if plan.budget is None else f" of {_memory(plan.budget)} allowed"
    return [
        *(f"scale     {_stage(stage)}" for stage in plan.stages),
        *([_one_pass(plan)] if not plan.stages and plan.basis else []),
        *([f"memory    {_memory(plan.peak)} predicted{allowed}, {BASES[plan.basis]}"] if plan.basis else []),
        *([f"time      about {duration(plan.seconds)} predicted, more on a busy machine"] if plan.basis else []),
        *([f"disk      {_memory(plan.disk)} of temporary files"] if plan.disk else []),
        *(f"why       {note}" for note in plan.notes),
    ]


def _one_pass(plan: Schedule) -> str:
    way = "one piece" if plan.tile is None else f"tiles of {plan.tile} pixels"
    return f"one pass  {plan.size.width}x{plan.size.height}, in {way}"


def _stage(stage: Stage) -> str:
    size = stage.size
    steps = stage.steps
    way = "in one piece" if stage.tile is None else f"in tiles of {stage.tile} pixels"
    return f"{size.width}x{size.height}, {steps} step{'s' if steps > 1 else ''}, {way}"


def _memory(amount: float) -> str:
    return f"{amount / 2**20:.0f}M" if amount < 2**30 else f"{amount / 2**30:.2f}G"


def duration(seconds: float) -> str:
    """Format a time in seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
