"""A recipe for tests."""

from __future__ import annotations

from styler.config import RenderConfig
from styler.inputs import Inputs
from styler.recipe import Change, Input, Level, Plan, Recipe
from styler.types import Size

PLAN = Plan(
    device="cpu",
    compile="graph",
    threads=2,
    onednn=True,
    constant_weights=True,
    steps_per_call=50,
    size=Size(96, 128),
    octaves=(Level(68, 90, 12, 12), Level(96, 128, 8, 5, 64, 3)),
    changes=(Change(4, {"strength": 0.25}), Change(14, {"strength": 0.75, "style_weights": (1, 2)})),
)


def an_input(name: str, digit: str = "a", length: int | None = 1000) -> Input:
    return Input(name=name, sha256=digit * 64, bytes=length)


INPUTS = Inputs(
    content=an_input("photo größe.png"),
    styles=((an_input("one.jpg", "b"),), (an_input("two.jpg", "c"),)),
    network=an_input("compact", "d"),
)


def example(**changes) -> Recipe:
    """Of one photo and two paintings."""
    values = {
        "config": RenderConfig(size=128, steps=20, style_weights=(2, 1), style_layers=(("block1_conv1", 0.5),)),
        "plan": PLAN,
        "export": {"quality": 95, "depth": None, "profile": "keep", "keep_gps": False, "dpi": None},
        "inputs": INPUTS,
        "versions": {"python": "3.11.7", "styler": "0.1.0"},
    }
    return Recipe(**{**values, **changes})
