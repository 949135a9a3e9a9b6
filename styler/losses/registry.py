"""Style losses by the names of `--loss`."""

from __future__ import annotations

from collections.abc import Callable

from styler.errors import ConfigError
from styler.losses.base import StatisticLoss
from styler.losses.gram import GramLoss
from styler.losses.wasserstein import WassersteinLoss
from styler.registry import Registry

STYLE_LOSSES: Registry[Callable[[], StatisticLoss]] = Registry("loss", ConfigError)
STYLE_LOSSES.add("gram", GramLoss)
STYLE_LOSSES.add("wasserstein", WassersteinLoss)
