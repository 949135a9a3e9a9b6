from __future__ import annotations

from types import SimpleNamespace

import pytest

from styler.batch.forecast import RATES, STARTUP, STEP_PIXELS, measured_rates, predicted_seconds, work
from styler.batch.ledger import Entry
from styler.config import RenderConfig
from styler.render.margin import MARGIN
from styler.types import Size


def test_work_is_pixels_with_margin_times_steps():
    config = RenderConfig(size=128, steps=10)
    pixels = (96 + 2 * MARGIN) * (128 + 2 * MARGIN)
    assert work(config, Size(96, 128)) == 10 * (pixels + STEP_PIXELS)
    assert work(config.changed(steps=20), Size(96, 128)) == 2 * work(config, Size(96, 128))
    assert work(config.changed(strength=0), Size(96, 128)) == 0


def entry(name, seconds, amount, state="done"):
    facts = {"seconds": seconds, "work": amount, "network": "compact"}
    return {name: Entry(job=name, state=state, recipe="r", facts=facts)}


def test_what_the_ledger_has_measured_wins_and_failures_do_not_count():
    entries = entry("a", 2.0, 1e6) | entry("b", 4.0, 1e6) | entry("c", 3.0, 1e6) | entry("d", 99.0, 1.0, "failed")
    assert measured_rates(entries) == {"compact": pytest.approx(3e-6)}


def test_time_is_shared_out_among_workers():
    config = RenderConfig(size=128)
    tasks = [SimpleNamespace(job=SimpleNamespace(config=config), size=Size(96, 128))] * 8
    amount = 8 * work(config, Size(96, 128))
    assert predicted_seconds(tasks, {}, 1, 1) == pytest.approx(STARTUP + RATES["compact"] * amount)
    assert predicted_seconds(tasks, {}, 4, 1) == pytest.approx(STARTUP + RATES["compact"] * amount / 4)
    assert predicted_seconds(tasks, {}, 1, 4) == predicted_seconds(tasks, {}, 4, 1)
    measured = entry("a", 1.0, 1e6)
    assert predicted_seconds(tasks, measured, 2, 1) == pytest.approx(STARTUP + 1e-6 * amount / 2)
    assert predicted_seconds([], measured, 2, 1) == 0


def test_one_pass_above_half_the_strength_is_twice_the_work():
    instant = RenderConfig.preset("instant", strength=0.5)
    assert work(instant.changed(strength=0.8), Size(96, 128)) == 2 * work(instant, Size(96, 128)) > 0
