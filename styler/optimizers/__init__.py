"""Optimizers of an image. Each step maps a state to a new state, on whole tensors or on pieces of arrays."""

from styler.optimizers.adam import Adam, AdamState
from styler.optimizers.base import Optimizer
from styler.optimizers.lbfgs import Lbfgs, LbfgsState

__all__ = ["Adam", "AdamState", "Lbfgs", "LbfgsState", "Optimizer"]
