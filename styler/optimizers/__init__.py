"""Optimizers of an image inside a compiled graph: `init`, `step`, `terminate`, state in and state out."""

from styler.optimizers.adam import Adam, AdamState
from styler.optimizers.base import Optimizer
from styler.optimizers.lbfgs import Lbfgs, LbfgsState

__all__ = ["Adam", "AdamState", "Lbfgs", "LbfgsState", "Optimizer"]
