from __future__ import annotations

import dataclasses

import pytest
import tensorflow as tf

from styler.choices import CONTENT_LOSSES, OPTIMIZERS, STYLE_LOSSES
from styler.config import RenderConfig
from styler.errors import ConfigError
from styler.losses.gram import GramLoss
from styler.objective.composition import make_objective, style_terms
from support.networks import tiny_network
from support.registries import registered

REGISTRIES = {"loss": STYLE_LOSSES, "content loss": CONTENT_LOSSES, "optimizer": OPTIMIZERS}


@dataclasses.dataclass(frozen=True)
class Doubled(GramLoss):
    """A loss of a caller's own."""

    def distance(self, stats, target):
        return 2.0 * super().distance(stats, target)


@pytest.fixture
def doubled(monkeypatch):
    """Registered from outside, for one test."""
    registered(monkeypatch, STYLE_LOSSES, "doubled", Doubled)


@pytest.mark.parametrize("registry", list(REGISTRIES.values()), ids=list(REGISTRIES))
def test_every_address_leads_to_what_can_be_called(registry):
    assert list(registry)
    assert all(callable(registry[name]) for name in registry)


@pytest.mark.parametrize("name", list(STYLE_LOSSES))
def test_a_loss_is_made_without_arguments_and_is_its_own_target(name):
    loss = STYLE_LOSSES[name]()
    stats = loss.statistics(tf.random.stateless_normal((1, 6, 6, 3), (0, 1)))
    assert float(loss.distance(stats, loss.prepared(stats))[0, 0]) == pytest.approx(0.0, abs=1e-5)
    assert loss.gain > 0


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_an_optimizer_is_made_without_arguments_and_names_its_buffers(name):
    optimizer = OPTIMIZERS[name]()
    state = optimizer.init(tf.zeros((1, 4, 5, 3)))._asdict()
    large = {field for field, tensor in state.items() if tuple(tensor.shape)[-3:] == (4, 5, 3)}
    assert large == set(optimizer.buffers)
    assert len(set(optimizer.buffers.values())) == len(optimizer.buffers)


@pytest.mark.parametrize(("registry", "name"), [(STYLE_LOSSES, "gramm"), (OPTIMIZERS, "addam")])
def test_an_unknown_name_is_refused(registry, name):
    with pytest.raises(ConfigError, match="Did you mean"):
        registry[name]


@pytest.mark.parametrize("field", ["loss", "optimizer"])
def test_a_config_accepts_every_name_and_no_other(field):
    for name in REGISTRIES[field]:
        assert getattr(RenderConfig(**{field: name}), field) == name
    with pytest.raises(ConfigError):
        RenderConfig(**{field: "nothing"})


def test_a_loss_from_outside_is_asked_for_by_name(doubled):
    config = RenderConfig(loss="doubled")
    assert {type(term.loss) for term in style_terms(config, tiny_network())} == {Doubled}
    pictures = [tf.random.stateless_uniform((1, 32, 40, 3), (seed, 0)) for seed in range(2)]
    distances = []
    for loss in ("doubled", "gram"):
        objective = make_objective(RenderConfig(loss=loss), tiny_network())
        photo, painting = (objective.observe(each).stats for each in pictures)
        distances.append(objective.distances(photo, objective.prepared(photo, [painting], [1.0])))
    for name, distance in distances[0].items():
        assert float(distance) == pytest.approx(2 * float(distances[1][name]), rel=1e-5)


def test_a_name_from_outside_is_gone_after_the_test():
    with pytest.raises(ConfigError):
        RenderConfig(loss="doubled")
