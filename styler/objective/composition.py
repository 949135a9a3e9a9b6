"""Makes the objective from the options of a render: the layers of the network, and the terms that read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import tensorflow as tf

from styler.choices import CONTENT_LOSSES, STYLE_LOSSES
from styler.config import LayerWeights, RenderConfig
from styler.features.extractor import FeatureExtractor
from styler.losses.base import StatisticLoss
from styler.losses.grain import Grain
from styler.losses.palette import Palette
from styler.losses.smoothness import HeavyColor, Smoothness
from styler.losses.term import SMOOTHNESS, STYLE, Term
from styler.networks import NetworkSpec
from styler.networks.calls import check_kernels
from styler.networks.precision import in_precision
from styler.networks.runtime import building
from styler.networks.views import VIEWS, view_key, with_views
from styler.objective.objective import Objective
from styler.types import Features, Tensor


def make_extractor(config: RenderConfig, network: NetworkSpec) -> FeatureExtractor:
    """Build the network up to the style and content layers, in the precision and with the views of `config`.

    Args:
        config: Layers, pooling, precision and views.
        network: Network whose default layers are used if `config` names none.

    Raises:
        LayerError: `config` names a layer that the network does not have.
        WeightsError: The network's weights are missing or damaged.
    """
    style_names = [name for name, _ in _style_layers(config, network)]
    content_names = [name for name, _ in _content_layers(config, network)]
    with building():
        built = network.build(config.pooling)
        check_kernels(built)
        extractor = FeatureExtractor(
            in_precision(built, config.precision),
            list(dict.fromkeys([*style_names, *content_names])),
            preprocess=network.preprocess,
        )
        if config.views == 1:
            return extractor
        style_outputs = [extractor.addresses.index(name) for name in style_names]
        model = with_views(extractor.model, style_outputs, config.views)
        added = [view_key(name, view) for view in VIEWS[1 : config.views] for name in style_names]
        return extractor.grown(model, added)


def _style_layers(config: RenderConfig, network: NetworkSpec) -> LayerWeights:
    return config.style_layers or network.style_layers


def _content_layers(config: RenderConfig, network: NetworkSpec) -> LayerWeights:
    return config.content_layers or network.content_layers


def make_objective(config: RenderConfig, network: NetworkSpec, extractor: FeatureExtractor | None = None) -> Objective:
    """Make the objective that `config` describes.

    Args:
        config: Layers, losses and weights within the style.
        network: Network whose default layers are used if `config` names none.
        extractor: Extractor made by `make_extractor`; None to make one.
    """
    extractor = extractor or make_extractor(config, network)
    content_terms = CONTENT_LOSSES[config.content_loss]
    smoothness = Term(
        name="smoothness",
        group=SMOOTHNESS,
        loss=Smoothness(),
        reading=HeavyColor(),
    )
    return Objective(
        extract=extractor if config.precision == "float32" else _in_float32(extractor),
        statistic=style_terms(config, network),
        local=(*content_terms(shares(_content_layers(config, network))), smoothness),
    )


def style_terms(config: RenderConfig, network: NetworkSpec) -> tuple[Term[StatisticLoss], ...]:
    """Make the terms of the style, with shares that sum to 1: layers in all views, palette and grain."""
    loss: StatisticLoss = STYLE_LOSSES[config.loss]()
    terms = []
    for view in VIEWS[: config.views]:
        for name, weight in shares(_style_layers(config, network)):
            address = view_key(name, view)
            term = Term(
                name=f"style {address}",
                group=STYLE,
                loss=loss,
                layer=address,
                share=weight / config.views,
            )
            terms.append(term)
    if config.palette_weight:
        palette = Term(
            name="palette",
            group=STYLE,
            loss=loss,
            reading=Palette(),
            share=config.palette_weight,
        )
        terms.append(palette)
    if config.grain_weight:
        grain = Term(
            name="grain",
            group=STYLE,
            loss=loss,
            reading=Grain(),
            share=config.grain_weight,
        )
        terms.append(grain)
    total = sum(term.share for term in terms)
    return tuple(replace(term, share=term.share / total) for term in terms)


def shares(layers: LayerWeights) -> LayerWeights:
    """Scale the weights of layers so that they sum to 1."""
    total = sum(weight for _, weight in layers)
    return tuple((name, weight / total) for name, weight in layers)


def _in_float32(extract: FeatureExtractor) -> Callable[[Tensor], Features]:
    def extracted(image: Tensor) -> Features:
        return {name: tf.cast(features, tf.float32) for name, features in extract(image).items()}

    return extracted
