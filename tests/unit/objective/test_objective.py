import numpy as np
import pytest
import tensorflow as tf

from styler.config import RenderConfig
from styler.losses.term import CONTENT, SMOOTHNESS, STYLE
from styler.objective.composition import make_objective
from styler.objective.objective import Targets
from styler.render.program import image_tensor
from support.networks import tiny_network
from support.pictures import blobs, stripes


@pytest.fixture(scope="module", params=[pytest.param("gram", marks=pytest.mark.slow), "wasserstein"])
def objective(request):
    return make_objective(RenderConfig(loss=request.param), tiny_network())


@pytest.fixture(scope="module")
def photo():
    return image_tensor(blobs(48, 64, 1))


@pytest.fixture(scope="module")
def painting():
    return image_tensor(stripes(64, 48))


def targets(objective, photo, painting, factors=(1.0, 1.0, 1.0)):
    """Weights by group: content, style, smoothness."""
    seen, style = objective.observe(photo), objective.observe(painting)
    of_group = dict(zip((CONTENT, STYLE, SMOOTHNESS), factors, strict=True))
    weights = {term.name: tf.constant(term.share * of_group[term.group], tf.float32) for term in objective.terms}
    return Targets(objective.prepared(seen.stats, [style.stats], [1.0]), seen.activations, weights)


def of_group(objective, values, group):
    return sum(term.share * float(values[term.name]) for term in objective.terms if term.group == group)


def between(photo, painting):
    return tf.image.resize(painting, photo.shape[1:3]) * 0.5 + photo * 0.5


def test_names_of_terms_are_their_own(objective):
    names = [term.name for term in objective.terms]
    assert len(set(names)) == len(names)


def test_the_photo_has_no_content_and_the_painting_no_style(objective, photo, painting):
    aims = targets(objective, photo, painting)
    assert of_group(objective, objective.values(photo, aims), CONTENT) == pytest.approx(0.0, abs=1e-9)
    assert of_group(objective, objective.values(between(photo, painting), aims), STYLE) > 1e-3
    at_painting = objective.distances(objective.observe(painting).stats, aims.prepared)
    assert of_group(objective, {**dict.fromkeys(aims.weights, 0.0), **at_painting}, STYLE) == pytest.approx(0, abs=1e-5)


def test_observing_the_photo_gives_its_distances(objective, photo, painting):
    aims = targets(objective, photo, painting)
    distances, values = (
        objective.distances(objective.observe(photo).stats, aims.prepared),
        objective.values(photo, aims),
    )
    for name, distance in distances.items():
        assert float(distance) == pytest.approx(float(values[name]), rel=1e-5)


def test_value_is_the_weighted_sum_of_the_terms(objective, photo, painting):
    image, aims = between(photo, painting), targets(objective, photo, painting, (2.0, 3.0, 5.0))
    values = objective.values(image, aims)
    groups = zip((2.0, 3.0, 5.0), (CONTENT, STYLE, SMOOTHNESS), strict=True)
    expected = sum(factor * of_group(objective, values, group) for factor, group in groups)
    assert float(objective.value(image, aims)) == pytest.approx(expected, rel=1e-6)


def test_a_weight_changes_between_two_calls_without_a_new_trace(objective, photo, painting):
    traces = []

    @tf.function(reduce_retracing=True, autograph=False)
    def value(image, aims):
        traces.append(1)
        return objective.value(image, aims)

    image, aims = between(photo, painting), targets(objective, photo, painting)
    one = float(value(image, aims))
    heavier = aims._replace(weights={**aims.weights, "smoothness": 3 * aims.weights["smoothness"]})
    more = 2 * float(aims.weights["smoothness"]) * float(objective.values(image, aims)["smoothness"])
    assert float(value(image, heavier)) == pytest.approx(one + more, rel=1e-5)
    assert len(traces) == 1


def test_gradient_is_that_of_finite_differences(objective, photo, painting, rng):
    """Along the gradient's own values at random pixels, where float32 leaves enough of the difference."""
    image, aims = between(photo, painting), targets(objective, photo, painting)
    evaluate = objective.at(aims)
    gradient = evaluate(image).gradient
    for _ in range(3):
        move = gradient * tf.constant(rng.integers(0, 2, image.shape), tf.float32)
        move = 0.02 * move / tf.norm(move)
        numeric = float(evaluate(image + move).value - evaluate(image - move).value) / 2
        assert float(tf.reduce_sum(gradient * move)) == pytest.approx(numeric, rel=0.03)


def test_several_images_together_are_each_by_itself(objective, photo, painting):
    images = [between(photo, painting), photo[:, ::-1], photo]
    aims = [targets(objective, photo, painting, (1.0, factor, 2.0)) for factor in (1.0, 0.3, 5.0)]
    together = objective.at_all(aims)(images)
    for image, aim, seen in zip(images, aims, together, strict=True):
        alone = objective.at(aim)(image)
        assert float(seen.value) == pytest.approx(float(alone.value), rel=1e-5)
        np.testing.assert_allclose(seen.gradient, alone.gradient, atol=1e-5 * float(tf.reduce_max(alone.gradient)))


def test_a_blend_of_two_paintings_lies_between_them(photo, painting):
    objective = make_objective(RenderConfig(loss="gram"), tiny_network())
    one, two = objective.observe(painting).stats, objective.observe(photo).stats
    alone = [objective.prepared(one, [each], [1.0]) for each in (one, two)]
    half = objective.prepared(one, [one, two], [0.5, 0.5])
    for term in objective.statistic:
        mean = (alone[0][term.name].gram + alone[1][term.name].gram) / 2
        np.testing.assert_allclose(half[term.name].gram, mean, rtol=1e-5, atol=1e-6)


def test_two_regions_are_two_paintings_side_by_side(objective, photo, painting, rng):
    """Statistics of a region are those of the image with the weights of that region alone."""
    first = rng.random((1, 48, 64, 1)).astype(np.float32)
    both = objective.observe(photo, tf.concat([first, 1 - first], -1)).stats
    for place, weights in enumerate((first, 1 - first)):
        alone = objective.observe(photo, tf.constant(weights)).stats
        for term in objective.statistic:
            for name, part in alone[term.name].items():
                np.testing.assert_allclose(both[term.name][name][:, place], part[:, 0], rtol=1e-4, atol=1e-4)
