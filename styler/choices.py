"""The losses and optimizers that options select by name.

An entry is registered as "module:attribute", which is imported when it is first used.
"""

from __future__ import annotations

from typing import Any

from styler.errors import ConfigError
from styler.registry import Registry

STYLE_LOSSES: Registry[Any] = Registry("loss", ConfigError)
"""Value of `--loss` -> class or function that creates a `styler.losses.base.StatisticLoss`."""
STYLE_LOSSES.add("gram", "styler.losses.gram:GramLoss")
STYLE_LOSSES.add("wasserstein", "styler.losses.wasserstein:WassersteinLoss")
STYLE_LOSSES.add("moments", "styler.losses.moments:MomentsLoss")
STYLE_LOSSES.add("histogram", "styler.losses.histogram:HistogramLoss")

CONTENT_LOSSES: Registry[Any] = Registry("content loss", ConfigError)
"""Value of `--content-loss` -> function that turns content layers and their shares into terms."""
CONTENT_LOSSES.add("features", "styler.losses.content:feature_terms")
CONTENT_LOSSES.add("laplacian", "styler.losses.laplacian:laplacian_terms")

OPTIMIZERS: Registry[Any] = Registry("optimizer", ConfigError)
"""Value of `--optimizer` -> class or function that creates a `styler.optimizers.base.Optimizer`."""
OPTIMIZERS.add("lbfgs", "styler.optimizers.lbfgs:Lbfgs")
OPTIMIZERS.add("adam", "styler.optimizers.adam:Adam")
