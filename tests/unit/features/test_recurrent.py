"""States of trained models that did not ask for them, equal to models built by hand to give them."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest

from styler.errors import LayerError
from styler.features.extractor import FeatureExtractor

BATCH, STEPS, WIDTH, UNITS = 3, 6, 4, 5
KINDS = {"LSTM": ["state_h", "state_c"], "GRU": ["state_h"], "SimpleRNN": ["state_h"]}
CELLS = {"LSTM": keras.layers.LSTMCell, "GRU": keras.layers.GRUCell, "SimpleRNN": keras.layers.SimpleRNNCell}
CLOSE = {"rtol": 0, "atol": 1e-6}


@pytest.fixture
def sequences(rng):
    return rng.normal(size=(BATCH, STEPS, WIDTH)).astype(np.float32)


@pytest.fixture
def padded(sequences):
    """Lengths 6, 4 and 1; the rest is masked."""
    sequences[1, 4:], sequences[2, 1:] = 0, 0
    return sequences


def model_of(layer, *, masked=False, batch=None, after=None):
    inputs = keras.Input((STEPS if batch else None, WIDTH), batch_size=batch)
    x = keras.layers.Masking()(inputs) if masked else inputs
    x = layer(x)
    return keras.Model(inputs, after(x) if after else x)


def by_hand(layer, inputs, kind=None, **changes):
    """(sequence, states) of a fresh layer that returns both and has the same weights."""
    config = {**layer.get_config(), "return_sequences": True, "return_state": True, **changes}
    fresh = type(layer).from_config(config)
    fresh.build((None, None, WIDTH))
    fresh.set_weights(layer.get_weights())
    mask = np.any(inputs != 0, axis=-1)
    sequence, *states = fresh(inputs, mask=None if mask.all() else mask)
    return sequence, states


def check(layer, inputs, model, states, sequence=True):
    ports = [*states, *(["sequence"] if sequence else [])]
    addresses = [f"{layer.name}:{port}" for port in ports]
    expected_sequence, expected_states = by_hand(layer, inputs)
    features = FeatureExtractor(model, [*addresses, layer.name])(inputs)
    for address, expected in zip(addresses, [*expected_states, expected_sequence], strict=False):
        np.testing.assert_allclose(features[address], expected, **CLOSE, err_msg=address)
    own = keras.Model(model.input, layer.output)(inputs)
    np.testing.assert_allclose(features[layer.name], own, **CLOSE)


# Kind, masked, returns sequences, backwards: a pair of each by default, all of them with the slow tests.
CASES = list(itertools.product(KINDS, *[[False, True]] * 3))
QUICK = [case for index, case in enumerate(CASES) if index % 5 == 0]


@pytest.mark.parametrize(
    ("kind", "masked", "returns", "backwards"),
    [pytest.param(*case, marks=[] if case in QUICK else pytest.mark.slow) for case in CASES],
)
def test_states_and_sequence(kind, masked, returns, backwards, padded, sequences):
    inputs = padded if masked else np.random.default_rng(1).normal(size=sequences.shape).astype(np.float32)
    layer = getattr(keras.layers, kind)(UNITS, name="rnn", return_sequences=returns, go_backwards=backwards)
    check(layer, inputs, model_of(layer, masked=masked), KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_zero_output_for_mask(kind, padded):
    layer = getattr(keras.layers, kind)(UNITS, name="rnn", zero_output_for_mask=True)
    check(layer, padded, model_of(layer, masked=True), KINDS[kind])


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_in_a_plain_rnn(kind, sequences):
    layer = keras.layers.RNN(CELLS[kind](UNITS), name="rnn")
    check(layer, sequences, model_of(layer), KINDS[kind])


def test_a_layer_that_returns_its_state_anyway(sequences):
    layer = keras.layers.LSTM(UNITS, name="rnn", return_state=True)
    features = FeatureExtractor(model_of(layer, after=lambda out: out[0]), ["rnn:state_c", "rnn:1", "rnn:2"])(sequences)
    np.testing.assert_allclose(features["rnn:state_c"], features["rnn:2"], **CLOSE)
    np.testing.assert_allclose(features["rnn:1"], layer(sequences)[1], **CLOSE)


def test_what_follows_sees_the_same_and_runs_once(sequences):
    layer, head = keras.layers.LSTM(UNITS, name="rnn"), keras.layers.Dense(2, name="head")
    model = model_of(layer, after=head)
    extractor = FeatureExtractor(model, ["rnn:state_c", "head"])
    np.testing.assert_allclose(extractor(sequences)["head"], model(sequences), **CLOSE)
    names = [each.type for each in extractor._source._compiled.get_concrete_function().graph.get_operations()]
    assert sum(name in ("While", "StatelessWhile") for name in names) == 1
    assert head.output is not None, "the layer still has one output: its record of calls was not touched"


MODES = list(itertools.product(["concat", "sum", "ave", "mul", None], *[[False, True]] * 2))
BY_DEFAULT = {0, 5, 10, 15, 18}  # every mode; whole and masked, with and without sequences


@pytest.mark.parametrize(
    ("mode", "masked", "returns"),
    [pytest.param(*case, marks=[] if index in BY_DEFAULT else pytest.mark.slow) for index, case in enumerate(MODES)],
)
def test_bidirectional(mode, masked, returns, padded, sequences):
    inputs = padded if masked else np.random.default_rng(1).normal(size=sequences.shape).astype(np.float32)
    inner = keras.layers.LSTM(UNITS, return_sequences=returns)
    layer = keras.layers.Bidirectional(inner, merge_mode=mode, name="bi")
    model = model_of(layer, masked=masked)
    fresh = keras.layers.Bidirectional(
        keras.layers.LSTM(UNITS, return_sequences=True, return_state=True), merge_mode=None
    )
    fresh.build((None, None, WIDTH))
    fresh.set_weights(layer.get_weights())
    mask = np.any(inputs != 0, axis=-1) if masked else None
    ahead, back, *states = fresh(inputs, mask=mask)
    expected = {
        "bi:forward.sequence": ahead,
        "bi:backward.sequence": back,
        "bi:forward.state_h": states[0],
        "bi:forward.state_c": states[1],
        "bi:backward.state_h": states[2],
        "bi:backward.state_c": states[3],
    }
    own = ["bi:0", "bi:1"] if mode is None else ["bi"]
    features = FeatureExtractor(model, [*expected, *own])(inputs)
    for address, tensor in expected.items():
        np.testing.assert_allclose(features[address], tensor, **CLOSE, err_msg=address)
    outputs = model(inputs)
    for address, tensor in zip(own, outputs if mode is None else [outputs], strict=True):
        np.testing.assert_allclose(features[address], tensor, **CLOSE)


def test_backward_sequence_is_in_input_time_order(sequences):
    layer = keras.layers.Bidirectional(keras.layers.GRU(UNITS), name="bi")
    model = model_of(layer)
    features = FeatureExtractor(model, ["bi:backward.sequence", "bi:backward.state_h"])(sequences)
    np.testing.assert_allclose(features["bi:backward.sequence"][:, 0], features["bi:backward.state_h"], **CLOSE)
    flipped = layer.backward_layer.cell
    first, _ = flipped(sequences[:, -1], [np.zeros((BATCH, UNITS), np.float32)])
    np.testing.assert_allclose(features["bi:backward.sequence"][:, -1], first, **CLOSE)


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
def test_stacked_cells(masked, padded):
    inputs = padded if masked else padded + 1
    cells = [keras.layers.LSTMCell(5), keras.layers.GRUCell(3), keras.layers.SimpleRNNCell(2)]
    layer = keras.layers.RNN(cells, name="rnn")
    model = model_of(layer, masked=masked)
    mask = np.any(inputs != 0, axis=-1) if masked else None
    x, expected = inputs, {}
    for index, cell in enumerate(cells):
        one = keras.layers.RNN(cell, return_sequences=True, return_state=True)
        x, *states = one(x, mask=mask)
        expected |= {f"rnn:cell{index}.sequence": x, f"rnn:cell{index}.state_h": states[0]}
        expected |= {f"rnn:cell{index}.state_c": states[1]} if len(states) > 1 else {}
    features = FeatureExtractor(model, [*expected, "rnn", "rnn:sequence"])(inputs)
    for address, tensor in expected.items():
        np.testing.assert_allclose(features[address], tensor, **CLOSE, err_msg=address)
    np.testing.assert_allclose(features["rnn:sequence"], x, **CLOSE)
    np.testing.assert_allclose(features["rnn"], model(inputs), **CLOSE)


def test_states_of_a_stack_without_its_sequences(sequences):
    layer = keras.layers.RNN([keras.layers.GRUCell(3), keras.layers.LSTMCell(2)], name="rnn")
    features = FeatureExtractor(model_of(layer), ["rnn:cell0.state_h", "rnn:cell1.state_h"])(sequences)
    whole = FeatureExtractor(model_of(layer), ["rnn:cell0.sequence", "rnn:cell1.sequence"])(sequences)
    for index in range(2):
        last = whole[f"rnn:cell{index}.sequence"][:, -1]
        np.testing.assert_allclose(features[f"rnn:cell{index}.state_h"], last, **CLOSE)


class Residual(keras.layers.Layer):
    """A cell around a cell."""

    def __init__(self, cell):
        super().__init__()
        self.cell, self.state_size, self.output_size = cell, cell.state_size, cell.units

    def build(self, shape):
        self.cell.build(shape)

    def call(self, inputs, states):
        output, states = self.cell(inputs, states)
        return output + inputs, states


class Counter(keras.layers.Layer):
    """A cell that Keras does not know."""

    state_size, output_size = 1, WIDTH

    def call(self, inputs, states):
        return inputs, [states[0] + 1]


def test_wrapped_cells_keep_the_names_of_what_they_wrap(sequences):
    layer = keras.layers.RNN(Residual(keras.layers.LSTMCell(WIDTH)), name="rnn")
    fresh = keras.layers.RNN(layer.cell, return_state=True, return_sequences=True)
    features = FeatureExtractor(model_of(layer), ["rnn:state_h", "rnn:state_c", "rnn:sequence"])(sequences)
    sequence, hidden, cell = fresh(sequences)
    for port, tensor in (("state_h", hidden), ("state_c", cell), ("sequence", sequence)):
        np.testing.assert_allclose(features[f"rnn:{port}"], tensor, **CLOSE)


def test_other_cells_number_their_states(sequences):
    features = FeatureExtractor(model_of(keras.layers.RNN(Counter(), name="rnn")), ["rnn:state_0"])(sequences)
    np.testing.assert_array_equal(features["rnn:state_0"], np.full((BATCH, 1), STEPS))


@pytest.mark.parametrize("two_ways", [False, True], ids=["one way", "both ways"])
def test_initial_state(two_ways, sequences, rng):
    count = 4 if two_ways else 2
    states = [rng.normal(size=(BATCH, UNITS)).astype(np.float32) for _ in range(count)]
    inputs = keras.Input((None, WIDTH))
    symbols = [keras.Input((UNITS,)) for _ in states]
    inner = keras.layers.LSTM(UNITS, name="rnn")
    layer = keras.layers.Bidirectional(inner, name="rnn") if two_ways else inner
    model = keras.Model([inputs, *symbols], layer(inputs, initial_state=symbols))
    port = "rnn:backward.state_c" if two_ways else "rnn:state_c"
    features = FeatureExtractor(model, [port])([sequences, *states])
    inner = layer.backward_layer if two_ways else layer
    fresh = keras.layers.LSTM(UNITS, return_state=True, go_backwards=two_ways)
    fresh.build((None, None, WIDTH))
    fresh.set_weights(inner.get_weights())
    np.testing.assert_allclose(features[port], fresh(sequences, initial_state=states[-2:])[2], **CLOSE)


def test_stateful_layers_carry_on_and_share_their_state(sequences):
    layer = keras.layers.LSTM(UNITS, name="rnn", stateful=True)
    model = model_of(layer, batch=BATCH)
    extractor = FeatureExtractor(model, ["rnn:state_h", "rnn:sequence"])
    fresh = keras.layers.LSTM(UNITS, return_state=True, return_sequences=True)
    fresh.build((None, None, WIDTH))
    fresh.set_weights(layer.get_weights())
    carried = None
    for _ in range(3):
        sequence, *carried = fresh(sequences, initial_state=carried)
        features = extractor(sequences)
        np.testing.assert_allclose(features["rnn:state_h"], carried[0], **CLOSE)
        np.testing.assert_allclose(features["rnn:sequence"], sequence, **CLOSE)
    np.testing.assert_allclose(layer.states[0], carried[0], **CLOSE)
    layer.reset_state()
    np.testing.assert_allclose(extractor(sequences)["rnn:state_h"], fresh(sequences)[1], **CLOSE)


def test_ragged_batches_by_mask(rng):
    """Each row as if it stood alone."""
    rows = [rng.integers(1, 9, length) for length in (5, 2, 3)]
    tokens = np.zeros((3, 5), np.int32)
    for index, row in enumerate(rows):
        tokens[index, : len(row)] = row
    inputs = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(9, WIDTH, mask_zero=True)(inputs)
    model = keras.Model(inputs, keras.layers.LSTM(UNITS, name="rnn")(embedded))
    extractor = FeatureExtractor(model, ["rnn:state_h", "rnn:state_c"])
    together = extractor(tokens)
    for index, row in enumerate(rows):
        alone = extractor(row[None].astype(np.int32))
        for address, tensor in alone.items():
            np.testing.assert_allclose(together[address][index], tensor[0], **CLOSE)


def test_within_a_nested_model_and_by_call(sequences):
    inner_input = keras.Input((None, WIDTH))
    layer = keras.layers.GRU(WIDTH, return_sequences=True, name="rnn")
    inner = keras.Model(inner_input, layer(layer(inner_input)), name="inner")
    inputs = keras.Input((None, WIDTH))
    model = keras.Model(inputs, inner(inputs))
    features = FeatureExtractor(model, ["inner/rnn@0:state_h", "inner/rnn@1:state_h", "inner"])(sequences)
    once, first = by_hand(layer, sequences)
    twice, second = by_hand(layer, np.asarray(once))
    np.testing.assert_allclose(features["inner/rnn@0:state_h"], first[0], **CLOSE)
    np.testing.assert_allclose(features["inner/rnn@1:state_h"], second[0], **CLOSE)
    np.testing.assert_allclose(features["inner"], twice, **CLOSE)


def test_convolutional_lstm(rng):
    layer = keras.layers.ConvLSTM2D(3, 3, padding="same", name="rnn")
    inputs = keras.Input((None, 6, 6, 2))
    model = keras.Model(inputs, layer(inputs))
    clip = rng.random((2, 4, 6, 6, 2), np.float32)
    features = FeatureExtractor(model, ["rnn:state_h", "rnn:state_c", "rnn:sequence"])(clip)
    fresh = keras.layers.ConvLSTM2D(3, 3, padding="same", return_state=True, return_sequences=True)
    fresh.build((None, None, 6, 6, 2))
    fresh.set_weights(layer.get_weights())
    for port, tensor in zip(("sequence", "state_h", "state_c"), fresh(clip), strict=True):
        np.testing.assert_allclose(features[f"rnn:{port}"], tensor, **CLOSE)


@pytest.mark.parametrize(
    ("layer", "address", "message"),
    [
        (
            keras.layers.LSTM(2, name="r"),
            "r:cells",
            "LSTM 'r' has no 'cells', only state_h, state_c, sequence",
        ),
        (keras.layers.LSTM(2, name="r"), "r:sequence_c", "has no 'sequence_c'"),
        (keras.layers.GRU(2, name="r"), "r:state_c", "GRU 'r' has no 'state_c', only state_h, sequence"),
        (
            keras.layers.Bidirectional(keras.layers.GRU(2), name="r"),
            "r:state_h",
            "only forward.state_h, forward.sequence, backward.state_h, backward.sequence",
        ),
        (keras.layers.RNN([keras.layers.GRUCell(2)], name="r"), "r:cell1.state_h", "only cell0.state_h"),
        (
            keras.layers.TimeDistributed(keras.layers.Dense(2), name="r"),
            "r:state_h",
            "TimeDistributed, not a recurrent layer",
        ),
    ],
)
def test_what_a_layer_cannot_give_is_refused_by_name(layer, address, message):
    with pytest.raises(LayerError, match=message):
        FeatureExtractor(model_of(layer), [address])


def test_patterns_take_the_layers_that_have_the_state(sequences):
    inputs = keras.Input((None, WIDTH))
    x = keras.layers.Dense(3, name="dense")(inputs)
    x = keras.layers.LSTM(3, return_sequences=True, name="a")(x)
    model = keras.Model(inputs, keras.layers.GRU(2, name="b")(x))
    assert FeatureExtractor(model, ["*:state_h"]).addresses == ("a:state_h", "b:state_h")
    assert FeatureExtractor(model, ["*:state_c"]).addresses == ("a:state_c",)
