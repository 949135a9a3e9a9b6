"""Octaves of a small convex function, without a network."""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from styler.optimizers.descent import Descent, begun
from styler.render.device import DeviceOctave
from styler.render.program import Program
from styler.render.pyramid import Stage
from styler.types import Size
from support.functions import bowl


class Bowl:
    """Stands where the objective does: a convex function of an image.

    Attributes:
        evaluate: Image -> value and gradient; may be replaced.
        center: Where it is lowest.
    """

    def __init__(self, rng):
        self.evaluate, self.center = bowl(rng, dtype=tf.float32)

    def at(self, targets):
        return self.evaluate


def a_program(rng, optimizer, *, xla=False) -> tuple[Bowl, Program]:
    problem = Bowl(rng)
    return problem, Program(problem, optimizer, xla=xla)


@functools.cache
def shared_program(optimizer) -> tuple[Bowl, Program]:
    """Traced once for all tests, which leave its function as it is."""
    return a_program(np.random.default_rng(0), optimizer)


def at_start(program, problem) -> Descent:
    return begun(program.optimizer.init(tf.constant(np.full(problem.center.shape, 0.5, np.float32))))


def an_octave(stepper, descent, steps, targets=0.0, made=0) -> DeviceOctave:
    size = Size(*descent.state[0].shape[1:3])
    stage = Stage(size=size, steps=steps)
    return DeviceOctave(stepper, stage, descent, lambda stage: tf.constant(targets), lambda image, targets: {}, made)


def to_its_end(octave, most=99) -> list[int]:
    """Steps made after each call."""
    seen = []
    while not octave.reason:
        octave.advance(most)
        seen.append(octave.made)
    return seen
