"""A studio that renders nothing: it blends its pictures at once, and fails where a photo's name asks it to."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import numpy as np

from styler.batch.worker import Order, Placement
from styler.errors import ResourceError
from styler.images.picture import Picture
from styler.images.resampling import resampled
from styler.images.sizes import with_longer_side
from styler.progress import StepEvent


@dataclass(frozen=True)
class Painted:
    picture: Picture
    report: object

    def exported(self, export, *, recipe):
        return export


class Studio:
    """Fails on photos named `defect…`, `memory…`, `killer…`, in company on `solitary…`; takes its time over `slow…`."""

    def __init__(self, placement: Placement) -> None:
        self.placement = placement

    def render(self, order: Order, observer):
        started = time.monotonic()
        config, content = order.config, order.inputs.photo
        misbehave(content.name, config)
        size = order.shape or with_longer_side(content.size, config.size)
        pixels = [resampled(picture.pixels, size) for picture in order.inputs.items]
        observer(event(1, config.steps))
        report = SimpleNamespace(seconds=time.monotonic() - started + 0.001, peak_memory=1)
        return Painted(Picture(pixels=np.clip(np.mean(pixels, axis=0), 0, 1), name=content.name), report)

    def masks(self, order: Order):
        """One region everywhere, and an overlay of one pixel."""
        red = np.full((1, 1, 3), (255, 0, 0), np.uint8)
        return [*(np.tile(red, (*picture.size, 1)) for picture in order.inputs.items), red]

    def render_together(self, orders, heard):
        if len(orders) > 1 and any(order.inputs.photo.name.startswith("solitary") for order in orders):
            message = "not in company"
            raise RuntimeError(message)
        return [self.render(order, partial(heard, place)) for place, order in enumerate(orders)]


def event(step, total):
    return StepEvent(
        scale=1,
        scales=1,
        step=step,
        total=total,
        height=1,
        width=1,
        loss=1.0,
        seconds_left=1.0,
        _image=lambda: None,
        _picture=lambda: None,
    )


def misbehave(name, config):
    if name.startswith("defect"):
        message = "no such thing"
        raise KeyError(message)
    if name.startswith("memory"):
        message = "out of memory"
        raise ResourceError(message)
    if name.startswith("killer"):
        print("last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith("slow"):
        time.sleep(config.strength * 3)


class BrokenStudio:
    def __init__(self, placement: Placement) -> None:
        message = "no license"
        raise RuntimeError(message)


class Crowded(Studio):
    """Says that every picture took it 50 ms of one thread's time."""

    def render(self, order: Order, observer):
        made = super().render(order, observer)
        return Painted(made.picture, SimpleNamespace(seconds=0.05 / self.placement.threads, peak_memory=1))


class Sociable(Studio):
    """Says that a picture takes it 50 ms alone and 30 ms in company, up to four at a time."""

    def render(self, order: Order, observer):
        made = super().render(order, observer)
        return Painted(made.picture, SimpleNamespace(seconds=0.05, peak_memory=1))

    def render_together(self, orders, heard):
        made = super().render_together(orders, heard)
        seconds = len(orders) * (0.03 if len(orders) <= 4 else 0.06)
        return [Painted(each.picture, SimpleNamespace(seconds=seconds, peak_memory=1)) for each in made]


class Instant(Studio):
    """Says that its pictures took no time, as those of strength 0 do."""

    def render(self, order: Order, observer):
        made = super().render(order, observer)
        return Painted(made.picture, SimpleNamespace(seconds=0.0, peak_memory=1))
