"""The `styler` program with a small network "tiny" that its workers know too: they import their parent's script."""

from __future__ import annotations

from styler.cli.app import main
from styler.networks import NETWORKS, NetworkSpec
from styler.networks.compact import CompactDesign, to_inputs
from styler.networks.spec import decreasing

DESIGN = CompactDesign(widths=(8, 8, 8, 8, 8))


def build(pooling):
    from support.networks import tiny_model

    return tiny_model(pooling)


def spec() -> NetworkSpec:
    """As in `support.networks`, without importing Keras before it is needed."""
    return NetworkSpec(
        name="tiny",
        build=build,
        preprocess=to_inputs,
        style_layers=decreasing(("block1_conv1", "block3_conv1")),
        content_layers=(("block4_conv2", 1.0),),
        layer_names=DESIGN.layer_names(),
        summary="test-only",
        minimum_size=32,
    )


if "tiny" not in NETWORKS:
    NETWORKS.add("tiny", spec())

if __name__ == "__main__":
    main()
