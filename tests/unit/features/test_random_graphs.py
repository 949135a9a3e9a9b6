"""Random Keras graphs, every address compared with an evaluation step by step."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from styler.features.extractor import FeatureExtractor
from support.small_models import Halves

KINDS = ("conv", "again", "join", "halves", "nested")


class Drawn:
    """A graph under construction: symbols with the steps that made them.

    A step is (layer, places of its arguments, number of outputs); everything made reaches the output.
    """

    def __init__(self, data, channels, depth, prefix=""):
        self.data, self.prefix, self.depth = data, prefix, depth
        self.symbols = [keras.Input((None, None, channels), name=f"{prefix}in")]
        self.steps, self.reusable, self.inner = [], [], {}
        for kind in data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)):
            getattr(self, kind)(f"{prefix}{kind}{len(self.steps)}")
        self.call(keras.layers.Concatenate(name=f"{prefix}all"), [*range(len(self.symbols)), 0])

    def call(self, layer, places):
        given_ = [self.symbols[place] for place in places]
        made = listed(layer(given_[0] if len(given_) == 1 else given_))
        self.steps.append((layer, places, len(made)))
        self.symbols += made

    def place(self, fits=lambda channels: True):
        places = [place for place, symbol in enumerate(self.symbols) if fits(symbol.shape[-1])]
        return self.data.draw(st.sampled_from(places)) if places else None

    def conv(self, name):
        place = self.place()
        layer = keras.layers.Conv2D(4, 3, padding="same", activation="tanh", name=name)
        self.reusable.append((layer, self.symbols[place].shape[-1]))
        self.call(layer, [place])

    def again(self, name):
        if self.reusable:
            layer, channels = self.data.draw(st.sampled_from(self.reusable))
            self.call(layer, [self.place(lambda each: each == channels)])

    def join(self, name):
        self.call(keras.layers.Concatenate(name=name), [self.place(), self.place()])

    def halves(self, name):
        place = self.place(lambda channels: channels % 2 == 0)
        if place is not None:
            self.call(Halves(name=name), [place])

    def nested(self, name):
        if self.depth:
            place = self.place()
            channels = self.symbols[place].shape[-1]
            inner = Drawn(self.data, channels, self.depth - 1, f"{name}_")
            model = inner.model(name)
            self.inner[name] = inner
            self.reusable.append((model, channels))
            self.call(model, [place])

    def model(self, name):
        return keras.Model(self.symbols[0], self.symbols[-1], name=name)

    def evaluate(self, value, path=""):
        """Address -> array, one layer at a time."""
        values, found, calls = [value], {}, [layer.name for layer, _, _ in self.steps]
        done = dict.fromkeys(calls, 0)
        for layer, places, count in self.steps:
            arguments = [values[place] for place in places]
            address = path + layer.name + (f"@{done[layer.name]}" if calls.count(layer.name) > 1 else "")
            done[layer.name] += 1
            made = listed(layer(arguments[0] if len(arguments) == 1 else arguments))
            found |= {f"{address}:{port}" if count > 1 else address: each for port, each in enumerate(made)}
            if layer.name in self.inner:
                found |= self.inner[layer.name].evaluate(arguments[0], f"{address}/")
            values += made
        return found


def listed(made):
    return list(made) if isinstance(made, list | tuple) else [made]


def check(data, size):
    graph = Drawn(data, 3, 2)
    pixels = np.random.default_rng(0).random((2, size, size, 3), np.float32)
    expected = graph.evaluate(pixels)
    some = data.draw(st.lists(st.sampled_from(sorted(expected)), min_size=1, unique=True))
    features = FeatureExtractor(graph.model("drawn"), some)(pixels)
    assert list(features) == some
    for address in some:
        np.testing.assert_allclose(features[address], expected[address], rtol=1e-4, atol=1e-5, err_msg=address)


SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=SLOW_IS_FINE)
@given(st.data())
def test_every_address_of_a_random_graph(data):
    check(data, 5)


@pytest.mark.fuzz
@settings(max_examples=300, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(st.data())
def test_every_address_of_many_random_graphs(data):
    check(data, 6)
