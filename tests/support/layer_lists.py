"""Layer names of published networks, read off the built models.

    python tests/support/layer_lists.py > styler/networks/applications.json

The package reads them from that file, so that `--style-layers` is checked without building a network;
`tests/unit/networks/test_applications.py` compares the file with the models.
"""

from __future__ import annotations

import json

from styler.networks.applications import APPLICATIONS, build_application
from styler.networks.geometry import geometry_of


def layer_names(model) -> list[str]:
    """Layers that give activations (B, H', W', C) with a position for each place of the image."""
    places = geometry_of(model)
    named = [(layer.name, layer.output) for layer in model.layers[1:]]
    return [name for name, symbol in named if len(symbol.shape) == 4 and places[id(symbol)].has_positions]


def smallest_size(model) -> int:
    """Smallest side of a square image that leaves the last layer a position, pixels."""
    return next(size for size in range(1, 512) if _fits(model, size))


def _fits(model, size: int) -> bool:
    try:
        return min(model.compute_output_shape((1, size, size, 3))[1:3]) > 0
    except ValueError:
        return False


def describe(name: str) -> dict[str, object]:
    model = build_application(name)
    return {"smallest": smallest_size(model), "layers": layer_names(model)}


if __name__ == "__main__":
    print(json.dumps({name: describe(name) for name in APPLICATIONS}, indent=1))
