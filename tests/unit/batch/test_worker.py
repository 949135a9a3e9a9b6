"""What a worker renders with."""

from __future__ import annotations

import pytest

from styler.batch.worker import Placement, Stylizers
from styler.config import RenderConfig

DRAFT, INSTANT = (RenderConfig.preset(name, network="tiny", size=64) for name in ("draft", "instant"))


@pytest.mark.usefixtures("shared_programs", "tiny")
def test_a_worker_goes_from_config_to_config_as_they_are():
    studio = Stylizers(Placement())
    for config in (INSTANT, INSTANT.changed(strength=0.3, keep="mask.png"), DRAFT, INSTANT):
        assert studio._stylizer(config).config == config
