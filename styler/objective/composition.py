"""From the options of a render to its objective: which layers are read, and which terms look at them."""

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
from styler.networks.views import VIEWS, seen_in, with_views
from styler.objective.objective import Objective
from styler.types import Features, Tensor


def make_extractor(config: RenderConfig, network: NetworkSpec) -> FeatureExtractor:
    """The network up to the layers that `config` or else the network names, in the precision asked for.

    Raises:
        LayerError: A layer is named that the network does not have.
        WeightsError: The network's weights are absent or damaged.
    """
    with building():
        return _made_extractor(config, network)


def _made_extractor(config: RenderConfig, network: NetworkSpec) -> FeatureExtractor:
    style, content = config.style_layers or network.style_layers, config.content_layers or network.content_layers
    built = network.build(config.pooling)
    check_kernels(built)
    model = in_precision(built, config.precision)
    names = [name for name, _ in style]
    extract = FeatureExtractor(
        model, list(dict.fromkeys([*names, *(name for name, _ in content)])), preprocess=network.preprocess
    )
    if config.views == 1:
        return extract
    places = [extract.addresses.index(name) for name in names]
    added = [seen_in(name, view) for view in VIEWS[1 : config.views] for name in names]
    return extract.grown(with_views(extract.model, places, config.views), added)


def make_objective(config: RenderConfig, network: NetworkSpec, extractor: FeatureExtractor | None = None) -> Objective:
    """The objective that `config` asks for.

    Args:
        config: Layers, losses and weights within the style.
        network: Gives the layers where `config` names none.
        extractor: By `make_extractor`; None to make one.
    """
    extract = extractor or make_extractor(config, network)
    return Objective(
        extract=extract if config.precision == "float32" else _in_float32(extract),
        statistic=style_terms(config, network),
        local=(
            *CONTENT_LOSSES[config.content_loss](shares(config.content_layers or network.content_layers)),
            Term(name="smoothness", group=SMOOTHNESS, loss=Smoothness(), reading=HeavyColor()),
        ),
    )


def style_terms(config: RenderConfig, network: NetworkSpec) -> tuple[Term[StatisticLoss], ...]:
    """What the style is matched at, with shares that sum to 1: layers in all views, palette and grain."""
    loss = STYLE_LOSSES[config.loss]()
    layers = shares(config.style_layers or network.style_layers)
    seen = [(seen_in(name, view), weight / config.views) for view in VIEWS[: config.views] for name, weight in layers]
    terms = [Term(name=f"style {name}", group=STYLE, loss=loss, layer=name, share=weight) for name, weight in seen]
    beside = (("palette", Palette(), config.palette_weight), ("grain", Grain(), config.grain_weight))
    terms += [
        Term(name=name, group=STYLE, loss=loss, reading=reading, share=weight)
        for name, reading, weight in beside
        if weight
    ]
    total = sum(term.share for term in terms)
    return tuple(replace(term, share=term.share / total) for term in terms)


def shares(layers: LayerWeights) -> LayerWeights:
    """The same layers with weights that sum to 1."""
    total = sum(weight for _, weight in layers)
    return tuple((name, weight / total) for name, weight in layers)


def _in_float32(extract: FeatureExtractor) -> Callable[[Tensor], Features]:
    def extracted(image: Tensor) -> Features:
        return {name: tf.cast(features, tf.float32) for name, features in extract(image).items()}

    return extracted
