from __future__ import annotations

import json

import keras
import pytest

from styler.render.cost import START, TENSORS, Cost, Line, bytes_a_pixel, guessed


def test_a_line_goes_through_its_ends_and_never_falls():
    line = Line.through([10, 20, 30], [100, 0, 300])
    assert [line.at(pixels) for pixels in (10, 30, 40)] == [100, 300, 400]
    assert Line.through([10, 30], [100, 50]).at(1000) == 100
    assert Line.through([10, 20], [10, 40]).at(5) == pytest.approx(10), "by noise it would be below 0"
    assert Line(-50, 1).at(10) == 0


def test_a_cost_survives_json():
    cost = Cost(memory=Line(1, 2), seconds=Line(3, 4), first=5, sweep=(6, 7))
    assert Cost.from_dict(json.loads(json.dumps(cost.to_dict()))) == cost


def test_a_guess_counts_activations_at_their_stride():
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(8, 3, padding="same")(inputs)
    x = keras.layers.MaxPooling2D(2)(x)
    model = keras.Model(inputs, keras.layers.Conv2D(16, 3, padding="same")(x))
    activations = 4 * (3 + 8 + 8 / 4 + 16 / 4)
    assert bytes_a_pixel(model) == activations
    assert guessed(activations, 100.0).memory.at(1000) == pytest.approx(START + 1000 * (100 + TENSORS * activations))
