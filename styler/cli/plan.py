"""Describe a request, for `--dry-run` and `--verbose`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from styler.cli.request import Request
from styler.config import RenderConfig
from styler.errors import shown
from styler.networks import NetworkSpec, find_network
from styler.options import NO_FILE
from styler.render.pyramid import asked_octaves


def describe(request: Request) -> str:
    """Describe what will be read, done and written, one fact per line."""
    config = request.config
    network = find_network(request.config.network)
    photo = request.sizes.photo
    enlarged = " (enlarged)" if max(request.size) > max(photo) else ""
    lines = [
        f"content   {request.content_name}  {photo.width}x{photo.height}",
        *(f"style     {_group(paintings)}" for paintings in request.inputs.styles),
        *_masks(request),
        f"output    {request.output_name}  {request.size.width}x{request.size.height}{enlarged}",
        f"network   {network.name}: {network.summary}",
        *([f"marks     as large as at {config.style_match} pixels"] if config.style_match else []),
        f"strength  {config.strength:g}, color {config.color}, content tone {config.content_tone}",
        *(_optimization(request, network) if config.steps else ["steps     none: drawn in one pass"]),
    ]
    return "\n".join(lines)


def _optimization(request: Request, network: NetworkSpec) -> list[str]:
    """Describe what the optimizer will do."""
    config = request.config
    octaves = asked_octaves(config, request.size, request.plan)
    plan = ", ".join(f"{o.size.width}x{o.size.height} ({o.steps})" for o in octaves)
    return [
        f"style at  {_listed(config.style_layers or network.style_layers)}, loss {config.loss}{_seen(config)}",
        f"content at {_listed(config.content_layers or network.content_layers)}",
        f"start     {config.init}, noise {config.start_noise:g}, seed {config.seed}",
        f"octaves   {plan}; {config.steps} steps of {config.optimizer}",
    ]


def _group(paintings: Sequence[Path]) -> str:
    """Name the paintings of a group."""
    more = f" and {len(paintings) - 1} more of one weight" if len(paintings) > 1 else ""
    return f"{shown(paintings[0])}{more}"


def _masks(request: Request) -> list[str]:
    """List the masks of the photo and the paintings, if there are any."""
    inputs = request.inputs
    masks = [] if inputs.content_mask is None else [inputs.content_mask, *inputs.style_masks]
    lines = [f"mask      {NO_FILE if mask is None else shown(mask)}" for mask in masks]
    lines += [f"keep      {shown(inputs.keep)}"] if inputs.keep else []
    lines += [f"strength  by {shown(inputs.strength_map)}"] if inputs.strength_map else []
    return lines


def _seen(config: RenderConfig) -> str:
    """List views, palette and grain if they are used."""
    views = f", {config.views} views" if config.views > 1 else ""
    beside = (("palette", config.palette_weight), ("grain", config.grain_weight))
    return views + "".join(f", {name} {weight:g}" for name, weight in beside if weight)


def _listed(layers: tuple[tuple[str, float], ...]) -> str:
    return ", ".join(f"{name}:{weight:g}" for name, weight in layers)
