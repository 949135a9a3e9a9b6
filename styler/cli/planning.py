"""The plan of a request in words, one thing a line."""

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

BASES = {"measured": "measured on this machine", "guessed": "a guess: it could not be measured"}
FLOATS = 12  # bytes a pixel of a picture that was read


def described(request: Request, phase: Phase | None = None) -> str:
    """Schedule a request and say what it comes to.

    Args:
        request: The render.
        phase: Called before measurements.

    Raises:
        StylerError: It cannot be carried out within its budgets.
    """
    stylizer = Stylizer(request.config)
    return "\n".join(lines(stylizer.plan(request.size, measure=True, reserve=_pictures(request), phase=phase)))


def rehearsed(request: Request) -> str:
    """Read the images, meet the network, the device and the planner as a render would, and say what it would come to.

    Nothing is downloaded: where weights are not here yet, random ones show as much.

    Raises:
        StylerError: What a render would end with before its first step.
    """
    read_images(request.inputs, request.max_pixels)
    network = find_network(request.config.network)
    absent = network.name in APPLICATIONS and located(network.weights_file) is None
    if absent and network.build_untrained is not None:
        network = replace(network, build=network.build_untrained)
    stylizer = Stylizer(request.config, network=network, plan=request.plan)
    plan = stylizer.plan(request.size, measure=None if absent else False, reserve=_pictures(request))
    note = [f"note      the weights of {network.name} would be downloaded"] if absent else []
    return "\n".join([*lines(plan), *note])


def _pictures(request: Request) -> int:
    """Bytes that the pictures will take in memory; large ones are mapped."""
    taken = (FLOATS * size.height * size.width for size in request.sizes.items)
    return sum(each for each in taken if each < LARGE)


def lines(plan: Schedule) -> list[str]:
    """One thing a line."""
    allowed = "" if plan.budget is None else f" of {_memory(plan.budget)} allowed"
    return [
        *(f"scale     {_stage(stage)}" for stage in plan.stages),
        *([f"memory    {_memory(plan.peak)} predicted{allowed}, {BASES[plan.basis]}"] if plan.basis else []),
        *([f"time      {duration(plan.seconds)} predicted"] if plan.basis else []),
        *([f"disk      {_memory(plan.disk)} of temporary files"] if plan.disk else []),
        *(f"why       {note}" for note in plan.notes),
    ]


def _stage(stage: Stage) -> str:
    size, steps = stage.size, stage.steps
    way = "in one piece" if stage.tile is None else f"by tiles of {stage.tile} pixels"
    return f"{size.width}x{size.height}, {steps} step{'s' if steps > 1 else ''}, {way}"


def _memory(amount: float) -> str:
    return f"{amount / 2**20:.0f}M" if amount < 2**30 else f"{amount / 2**30:.2f}G"


def duration(seconds: float) -> str:
    """In the largest unit that leaves two digits."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
