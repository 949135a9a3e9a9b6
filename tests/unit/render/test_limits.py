from __future__ import annotations

import math
from pathlib import Path

from styler.config import RenderConfig
from styler.render import limits as module
from styler.render.limits import PLANNED_SHARE, Limits, budget_of
from styler.types import Size

CONFIG = RenderConfig()


def test_the_budget_is_a_share_of_what_is_available_and_held(monkeypatch):
    monkeypatch.setattr(module, "available_memory", lambda: 1000)
    assert budget_of(CONFIG, 500) == 1200
    assert budget_of(CONFIG.changed(max_memory=700), 500) == 700
    monkeypatch.setattr(module, "available_memory", lambda: None)
    assert budget_of(CONFIG, 500) is None


def test_limits_are_of_this_machine(monkeypatch):
    monkeypatch.setattr(module, "resident_memory", lambda: 100)
    monkeypatch.setattr(module, "available_memory", lambda: 1000)
    found = Limits.here(CONFIG, None, Size(3, 4), reserve=50)
    assert (found.held, found.budget) == (150, 920)
    assert found.room == PLANNED_SHARE * 920
    assert isinstance(found.folder, Path)
    assert found.disk > 0
    monkeypatch.setattr(module, "available_memory", lambda: None)
    assert Limits.here(CONFIG, None, Size(3, 4)).room == math.inf
