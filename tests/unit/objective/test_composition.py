import pytest

from styler.config import RenderConfig
from styler.losses.term import STYLE
from styler.objective.composition import make_objective, shares, style_terms
from support.networks import tiny_network


def test_shares_sum_to_one_and_keep_their_proportions():
    assert shares((("a", 3.0), ("b", 1.0))) == (("a", 0.75), ("b", 0.25))


def test_the_style_is_matched_in_every_view_in_palette_and_grain():
    layers = (("block1_conv1", 3.0), ("block2_conv1", 1.0))
    config = RenderConfig(views=2, palette_weight=0.25, grain_weight=0.75, style_layers=layers)
    wanted = {
        "block1_conv1": 0.1875,
        "block2_conv1": 0.0625,
        "block1_conv1 left-right": 0.1875,
        "block2_conv1 left-right": 0.0625,
        "palette": 0.125,
        "grain": 0.375,
    }
    assert {term.subject: term.share for term in style_terms(config, tiny_network())} == pytest.approx(wanted)
    for name in ("palette", "grain"):
        without = style_terms(config.changed(**{f"{name}_weight": 0.0}), tiny_network())
        assert name not in {term.subject for term in without}


def test_shares_of_every_group_sum_to_one():
    objective = make_objective(RenderConfig(views=3), tiny_network())
    for group in {term.group for term in objective.terms}:
        assert sum(term.share for term in objective.terms if term.group == group) == pytest.approx(1.0)
    assert {term.group for term in objective.statistic} == {STYLE}
