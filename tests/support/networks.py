"""A network small enough for tests, of seeded random weights."""

from __future__ import annotations

import functools
from dataclasses import replace

import keras

from styler.networks import NetworkSpec
from styler.networks.compact import CompactDesign, build_compact, to_inputs
from styler.networks.spec import VGG_CONTENT, decreasing

DESIGN = CompactDesign(widths=(8, 8, 8, 8, 8))
POOLINGS = {None: "average", "avg": "average", "max": "max"}


@functools.cache
def tiny_model(pooling: str | None = None) -> keras.Model:
    keras.utils.set_random_seed(7)
    model = build_compact(replace(DESIGN, pooling=POOLINGS[pooling]))
    model.trainable = False
    return model


def tiny_network() -> NetworkSpec:
    return NetworkSpec(
        name="tiny",
        build=tiny_model,
        preprocess=to_inputs,
        style_layers=decreasing(("block1_conv1", "block3_conv1")),  # few, since tracing takes most of a test's time
        content_layers=VGG_CONTENT,
        layer_names=DESIGN.layer_names(),
        summary="test-only",
        minimum_size=32,
    )
