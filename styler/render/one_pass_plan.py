"""Plans the tiles of a picture that is drawn in one pass, so that it stays within its memory and time."""

from __future__ import annotations

from collections.abc import Iterator

from styler.config import RECOLORING, RenderConfig
from styler.errors import ResourceError
from styler.images.mapped import bytes_in_memory
from styler.objective.strength import passes
from styler.recipe import Plan
from styler.render.limits import PLANNED_SHARE, Limits, memory_text
from styler.render.schedule import Schedule

SIDES = (2048, 1536, 1024, 768, 512, 384, 256, 192, 128)  # pixels of a tile
FIXED = 2**27  # bytes of compiled programs and other memory that the first calls take
COPIES = 3  # of the weights of pixels: as they are, times the opacity, and with the margin
PLANES = 8  # bytes per pixel of one region's weights while they are averaged, float32, and of the result
SHARE = 0.6  # memory as a share of all activations of network and decoder
RATE = 1.5e-6  # seconds per pixel
PIXEL = 12  # bytes: three float32


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
    area = size.height * size.width
    chosen = tile is not None and limits.config.tile == "auto"
    return Schedule(
        size=limits.final,
        stages=(),
        tile=tile,
        peak=limits.held + FIXED + SHARE * one_pass.activation_bytes * max(pixels) + _arrays(limits, area),
        seconds=RATE * passes(limits.config.strength) * (sum(pixels) + area),
        budget=limits.budget,
        basis="guessed",
        held=limits.held,
        notes=(f"tiles of {tile} pixels, because one piece would need too much memory",) if chosen else (),
    )


def _arrays(limits: Limits, pixels: int) -> float:
    """Return the bytes of the arrays with a value for every pixel that exist at the same time, without mapped ones."""
    images = _images(limits.config) * bytes_in_memory(PIXEL * pixels)
    if not limits.regions:
        return images
    shares = bytes_in_memory(4.0 * (limits.regions + 1) * pixels)  # of each region, and of the whole image
    at_positions = limits.engine.one_pass.position_bytes * (2 * limits.regions + 1) * pixels
    return images + COPIES * shares + bytes_in_memory(at_positions) + PLANES * pixels


def _images(config: RenderConfig) -> int:
    """Return the number of images of the picture's size that exist at the same time."""
    count = 3  # the photo, the picture, and a copy in other colors or for the file
    count += passes(config.strength) - 1  # the mixture that is drawn the second time
    if config.content_tone == "match":
        count += 1
    if config.color in RECOLORING and config.color_when == "before":
        count += 2  # a painting, and its copy in other colors
    if config.keep is not None or config.strength_map is not None:
        count += 1
    return count
