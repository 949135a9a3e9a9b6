from __future__ import annotations

import pytest

from styler.cli.app import run
from support.networks import DESIGN

pytestmark = pytest.mark.usefixtures("tiny")


def table(capsys, *words):
    assert run(["layers", "tiny", *words]) == 0
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
