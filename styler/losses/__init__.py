"""What a picture should match: style statistics, content activations, smoothness."""

from styler.losses.base import LocalLoss, StatisticLoss, Stats
from styler.losses.registry import STYLE_LOSSES

__all__ = ["STYLE_LOSSES", "LocalLoss", "StatisticLoss", "Stats"]
