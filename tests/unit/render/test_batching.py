"""Pictures that are rendered together are those that are rendered alone, up to rounding."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

from styler.api import Stylizer, driven
from styler.config import RenderConfig
from styler.optimizers import Adam, Lbfgs
from styler.optimizers.descent import begun
from styler.recipe import Recipe
from styler.render.batching import BatchProgram, PictureBatch
from styler.render.program import Program
from styler.types import Evaluation
from support.descents import an_octave, to_its_end
from support.functions import bowl
from support.pictures import blobs, stripes
from support.programs import TERSE

PHOTOS = [blobs(48, 64, seed) for seed in range(3)]
PAINTINGS = [stripes(64, 64, 4), blobs(70, 64, 9), stripes(70, 80, 7)]
pytestmark = pytest.mark.usefixtures("shared_programs")


def rendered_together(stylizers, count, heard=lambda number, event: None, photos=PHOTOS):
    batch = stylizers[0].batch(count)
    members = [each.in_batch(batch) for each in stylizers]
    renders = [each.iterate(photo, [art]) for each, photo, art in zip(members, photos, PAINTINGS, strict=False)]
    return batch.run(renders, heard)


def assert_alike(mine, other):
    """Equal up to rounding, which grows from step to step; pictures of other photos are 0.1 apart and more."""
    difference = np.abs(mine - other)
    assert difference.mean() < 5e-4
    assert difference.max() < 0.05


def pixels(results):
    return [result.picture.pixels for result in results]


@pytest.fixture
def stylizer(tiny):
    return Stylizer(RenderConfig(network=tiny, size=64, steps=8, scales=1, optimizer="adam", **TERSE))


@pytest.mark.parametrize(
    ("optimizer", "count", "terms"),
    [
        ("adam", 2, TERSE),  # whose program is traced sooner; L-BFGS in a batch is compared to the bit below
        pytest.param("lbfgs", 2, {}, marks=pytest.mark.slow),
        pytest.param("adam", 3, {}, marks=pytest.mark.slow),
    ],
)
def test_each_is_the_picture_rendered_alone(tiny, optimizer, count, terms):
    stylizer = Stylizer(RenderConfig(network=tiny, size=90, steps=9, scales=2, optimizer=optimizer, **terms))
    alone = [stylizer.render(photo, art) for photo, art in zip(PHOTOS[:count], PAINTINGS[:count], strict=True)]
    made = rendered_together([stylizer] * count, count)
    for mine, other in zip(made, alone, strict=True):
        assert_alike(mine.picture.pixels, other.picture.pixels)
        assert [row["steps"] for row in mine.report.octaves] == [row["steps"] for row in other.report.octaves]
        assert mine.report.stop_reason == other.report.stop_reason
    assert not np.allclose(made[0].picture.pixels, made[1].picture.pixels, atol=0.05)


def test_neighbors_and_empty_places_do_not_show_in_a_single_bit(stylizer):
    first, second = pixels(rendered_together([stylizer] * 2, 2))
    (lonely,) = pixels(rendered_together([stylizer], 2))
    np.testing.assert_array_equal(lonely, first)
    batch = stylizer.batch(2)
    order = [(PHOTOS[1], PAINTINGS[1]), (PHOTOS[0], PAINTINGS[0])]
    turned = pixels(batch.run([stylizer.in_batch(batch).iterate(*each) for each in order], lambda *_: None))
    np.testing.assert_array_equal(turned, [second, first])
    assert not np.array_equal(first, second)


def test_each_has_its_own_options_size_apart_and_its_own_end(stylizer):
    noisy = stylizer.changed(strength=0.9, seed=5, init="noise")
    made = rendered_together([stylizer, noisy], 2)
    assert [result.config.strength for result in made] == [0.5, 0.9]
    for each, result, photo, art in zip((stylizer, noisy), made, PHOTOS, PAINTINGS, strict=False):
        assert_alike(result.picture.pixels, each.render(photo, art).picture.pixels)
    made = rendered_together([stylizer.changed(strength=0.0), noisy], 2)
    assert [result.report.stop_reason for result in made] == ["strength", "steps"]


def test_one_that_ends_early_leaves_the_others_to_go_on(stylizer):
    made = rendered_together([stylizer.changed(steps=3), stylizer], 2)
    assert [sum(row["steps"] for row in result.report.octaves) for result in made] == [3, 8]
    assert_alike(made[1].picture.pixels, stylizer.render(PHOTOS[1], PAINTINGS[1]).picture.pixels)


def test_events_tell_of_every_picture_and_never_go_back(stylizer):
    told = []
    rendered_together([stylizer] * 2, 2, lambda number, event: told.append((number, event.step)))
    for number in (0, 1):
        steps = [step for one, step in told if one == number]
        assert steps == sorted(set(steps))
        assert steps[-1] == 8


def test_an_error_of_one_ends_the_renders_of_all(stylizer):
    def broken():
        message = "no"
        raise KeyError(message)
        yield

    batch = stylizer.batch(2)
    render = stylizer.in_batch(batch).iterate(PHOTOS[0], PAINTINGS[0])
    batch.add()
    with pytest.raises(KeyError):
        batch.run([render, broken()], lambda *_: None)
    with pytest.raises(StopIteration):
        next(render)


def test_the_recipe_names_the_batch_and_gives_the_same_bits_again(stylizer):
    made = rendered_together([stylizer] * 2, 2)[1]
    recipe = Recipe.from_text(made.recipe.to_text())
    assert recipe.plan.batch == 2
    again = Stylizer(recipe.config.changed(network=stylizer.config.network), plan=recipe.plan)
    event = next(render := again.iterate(PHOTOS[1], PAINTINGS[1]))
    assert event.snapshot() is None
    result = driven(render, [])
    np.testing.assert_array_equal(result.picture.pixels, made.picture.pixels)
    assert result.recipe.plan == recipe.plan
    assert recipe.plan.machine.batch == 1


class Bowls:
    """Stands where the objective does; its pictures share nothing, so that not a bit may differ."""

    def __init__(self, rng):
        self.evaluate, self.center = bowl(rng, dtype=tf.float32)

    def at(self, targets):
        return lambda image: Evaluation(*(part * targets for part in self.evaluate(image)))

    def at_all(self, targets):
        return lambda images: [self.at(mine)(image) for mine, image in zip(targets, images, strict=True)]


def ended(octave):
    """An octave as a render whose events tell of its steps, and whose result it is."""
    while not octave.reason:
        octave.advance(99)
        yield SimpleNamespace(step=octave.made)
    return octave


@pytest.mark.parametrize("optimizer", [Lbfgs(), Adam(learning_rate=30.0)], ids=["lbfgs", "adam"])
def test_optimizers_side_by_side_are_those_alone_to_the_bit(rng, optimizer):
    problem = Bowls(rng)
    program = Program(problem, optimizer, xla=False)
    starts = [begun(optimizer.init(tf.constant(rng.random(problem.center.shape, np.float32)))) for _ in range(2)]
    orders = [(start, factor, steps) for start, factor, steps in zip(starts, (0.1, 7.0), (9, 31), strict=True)]
    alone = [an_octave(program, start, steps, factor) for start, factor, steps in orders]
    for octave in alone:
        to_its_end(octave)
    batch = PictureBatch(BatchProgram(program, 2))
    together = [an_octave(batch.add(), start, steps, factor) for start, factor, steps in orders]
    latest = batch.run([ended(octave) for octave in together], lambda *_: None)
    for mine, other in zip(latest, alone, strict=True):
        assert (mine.made, mine.reason) == (other.made, other.reason)
        assert int(mine.descent.watch.setbacks) == int(other.descent.watch.setbacks)
        assert int(mine.descent.state.evaluations) == int(other.descent.state.evaluations)
        np.testing.assert_array_equal(mine.image(), other.image())
        np.testing.assert_array_equal(mine.descent.state.value, other.descent.state.value)


def test_nothing_is_placed_on_a_device_between_two_events(stylizer):
    seen = context.context().device_name
    next(stylizer.iterate(PHOTOS[0], PAINTINGS[0]))
    assert context.context().device_name == seen
