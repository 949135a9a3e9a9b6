from __future__ import annotations

import pytest
import tensorflow as tf

from styler.render.recent import Recent
from styler.types import Size

STATISTICS = {"style layer": {"count": tf.ones((1, 1)), "first": tf.ones((1, 1, 4)), "second": tf.ones((1, 1, 4, 4))}}
BYTES = 4 * (1 + 4 + 16)


def key(number):
    return f"painting {number}", Size(64, 64)


def test_what_was_used_longest_ago_is_forgotten_first():
    recent = Recent(2 * BYTES)
    for number in range(2):
        recent[key(number)] = STATISTICS
    assert recent[key(0)] is STATISTICS
    recent[key(2)] = STATISTICS
    assert set(recent) == {key(0), key(2)}
    assert recent.held == 2 * BYTES


def test_the_latest_stays_however_large():
    recent = Recent(1)
    recent[key(1)] = STATISTICS
    recent[key(2)] = STATISTICS
    assert list(recent) == [key(2)]


def test_a_value_kept_again_counts_once():
    recent = Recent()
    for _ in range(3):
        recent[key(1)] = STATISTICS
    assert (len(recent), recent.held) == (1, BYTES)
    del recent[key(1)]
    assert recent.held == 0
    with pytest.raises(KeyError):
        recent[key(1)]
