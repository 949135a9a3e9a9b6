"""What a picture should match: style statistics, content activations, smoothness."""

from styler.choices import CONTENT_LOSSES, STYLE_LOSSES
from styler.losses.base import LocalLoss, StatisticLoss, Stats

__all__ = ["CONTENT_LOSSES", "STYLE_LOSSES", "LocalLoss", "StatisticLoss", "Stats"]
