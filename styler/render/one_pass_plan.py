"""Plans the tiles of a picture that is drawn in one pass, so that it stays within its memory and time."""

from __future__ import annotations

from collections.abc import Iterator

from styler.errors import ResourceError
from styler.images.mapped import LARGE
from styler.recipe import Plan
from styler.render.limits import PLANNED_SHARE, Limits, memory_text
from styler.render.schedule import Schedule

SIDES = (2048, 1536, 1024, 768, 512, 384, 256, 192, 128)  # pixels of a tile
FIXED = 2**27  # bytes of compiled programs and other memory that the first calls take
SHARE = 0.6  # memory as a share of all activations of network and decoder
RATE = 1.5e-6  # seconds per pixel
IMAGES = 36  # bytes per pixel of photo, picture and a copy for the file, float32; mapped if they are large


def plan_one_pass(limits: Limits, plan: Plan | None = None) -> Schedule:
    """Plan a picture that is drawn in one pass.

    Args:
        limits: The render, and the memory that it may use.
        plan: Plan of a recipe, whose tiles are used; None to choose them.

    Raises:
        ResourceError: No plan fits; the message states the budget that would be enough.
        ConfigError: `tile` is too small for the halo that the network needs.
    """
    config = limits.config
    if plan is not None and plan.size is not None:
        return _schedule(limits, plan.tile)
    candidates = [_schedule(limits, tile) for tile in _sides(limits)]
    fitting = next((each for each in candidates if each.peak <= limits.room), None)
    if fitting is None:
        final = limits.final
        least = memory_text(min(each.peak for each in candidates) / PLANNED_SHARE)
        message = (
            f"{final.width}x{final.height} pixels need at least {least} of memory, but only "
            f"{memory_text(limits.budget or 0)} is allowed; pass --max-memory {least} or a smaller --size"
        )
        raise ResourceError(message)
    if config.time_budget is not None and fitting.seconds > config.time_budget:
        message = (
            f"one pass takes about {fitting.seconds:.0f}s, but only {config.time_budget:.3g}s is allowed; pass a "
            "larger --time-budget or a smaller --size"
        )
        raise ResourceError(message)
    return fitting


def _sides(limits: Limits) -> Iterator[int | None]:
    """Yield the sides of tiles to try; None draws the picture in one piece."""
    tile = limits.config.tile
    one_pass = limits.engine.one_pass
    longest = max(one_pass.padded_size(limits.final))
    if isinstance(tile, int):
        one_pass.view.check_tile(tile)
        yield tile if longest > tile else None
        return
    yield None
    if tile == "auto":
        smallest = one_pass.view.smallest_tile
        yield from (side for side in SIDES if smallest <= side < longest)
        yield smallest


def _schedule(limits: Limits, tile: int | None) -> Schedule:
    one_pass = limits.engine.one_pass
    size = one_pass.padded_size(limits.final)
    tiles = one_pass.tiles(size, tile)
    pixels = [each.pixels for each in tiles]
    images = IMAGES * size.height * size.width
    images = images if images <= LARGE else 0
    chosen = tile is not None and limits.config.tile == "auto"
    return Schedule(
        size=limits.final,
        stages=(),
        tile=tile,
        peak=limits.held + FIXED + SHARE * one_pass.activation_bytes * max(pixels) + images,
        seconds=RATE * (sum(pixels) + size.height * size.width),
        budget=limits.budget,
        basis="guessed",
        held=limits.held,
        notes=(f"tiles of {tile} pixels, because one piece would need too much memory",) if chosen else (),
    )
