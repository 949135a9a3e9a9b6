from __future__ import annotations

import keras
import pytest

from styler.cli.app import run
from support.networks import DESIGN

pytestmark = [
    pytest.mark.usefixtures("tiny"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
L = keras.layers


def table(capsys, *words, network="tiny"):
    assert run(["layers", str(network), *words]) == 0
    heading, *rows = (line.split() for line in capsys.readouterr().out.splitlines())
    assert heading == ["layer", "type", "shape", "parameters", "stride", "field"]
    return {row[0]: row[1:] for row in rows}


def test_lists_every_layer_that_the_network_names(capsys):
    rows = table(capsys)
    assert [name for name in rows if "conv" in name] == list(DESIGN.layer_names())


def test_tells_type_shape_parameters_stride_and_field(capsys):
    rows = table(capsys, "--size", "128")
    assert rows["block1_conv1"] == ["Conv2D", "128x128x8", "224", "1", "3"]
    assert rows["block2_conv1"][1:] == ["64x64x8", "584", "2", "8"]
    assert rows["block5_conv1"][3] == "16"


def test_layers_of_nested_models_are_listed(capsys, tmp_path):
    backbone = keras.Sequential([keras.Input((None, None, 3)), L.Conv2D(4, 3, strides=2, name="c1")], name="backbone")
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, L.GlobalAveragePooling2D(name="pool")(backbone(inputs)))
    model.save(tmp_path / "m.keras")
    rows = table(capsys, "--size", "65", network=tmp_path / "m.keras")
    assert rows["backbone/c1"] == ["Conv2D", "32x32x4", "112", "2", "3"]


@pytest.mark.parametrize(
    "inputs",
    [keras.Input((28, 28, 1)), keras.Input((6, 4)), keras.Input((5,))],
    ids=["gray image", "sequence", "vector"],
)
def test_networks_of_anything_can_be_listed(capsys, tmp_path, inputs):
    keras.Model(inputs, L.Dense(2, name="head")(inputs)).save(tmp_path / "m.keras")
    assert table(capsys, network=tmp_path / "m.keras")["head"][0] == "Dense"


def test_tensors_of_a_saved_model_are_listed(capsys, tmp_path):
    inputs = keras.Input((8,))
    keras.Model(inputs, L.Dense(2)(inputs)).export(str(tmp_path / "saved"), verbose=False)
    assert table(capsys, network=tmp_path / "saved")["output_0"][1] == "2"


def test_too_small_a_size_is_refused_in_one_line(capsys, tmp_path):
    keras.Sequential([keras.Input((None, None, 3)), L.Conv2D(2, 9)]).save(tmp_path / "m.keras")
    assert run(["layers", str(tmp_path / "m.keras"), "--size", "4"]) == 2
    assert "give a larger --size" in capsys.readouterr().err
