from __future__ import annotations

import logging

import pytest
import tensorflow as tf

from styler.objective import compiled
from styler.objective.compiled import Compiled


def test_one_trace_serves_every_size():
    traces = []

    def doubled(image):
        traces.append(image.shape)
        return image + image

    program = Compiled(doubled)
    for side in (4, 5, 6):
        assert float(tf.reduce_sum(program(tf.ones((1, side, side, 3))))) == 6 * side**2
    assert len(traces) == 1


def test_with_xla_the_latest_sizes_are_kept(monkeypatch):
    monkeypatch.setattr(compiled, "KEPT", 2)
    traces = []

    def doubled(image):
        traces.append(image.shape[1])
        return image + image

    program = Compiled(doubled, xla=True)
    for side in (4, 5, 4, 6, 4, 5):
        program(tf.ones((1, side, side, 3)))
    assert traces == [4, 5, 6, 5]


@pytest.mark.parametrize("xla", [False, True])
def test_many_engines_and_sizes_are_no_reason_to_warn(caplog, xla):
    class Thing:
        def doubled(self, image):
            return image + image

    with caplog.at_level(logging.WARNING, "tensorflow"):
        for side in range(2, 9):
            Compiled(Thing().doubled, xla=xla)(tf.ones((1, side, side, 3)))
    assert not caplog.records
