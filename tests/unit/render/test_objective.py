import numpy as np
import pytest
import tensorflow as tf

from styler.config import RenderConfig
from styler.render.engine import make_objective
from styler.render.loop import image_tensor
from styler.render.objective import Targets, Weights, shares
from support.networks import tiny_network
from support.pictures import blobs, stripes


@pytest.fixture(scope="module", params=["gram", "wasserstein"])
def objective(request):
    return make_objective(RenderConfig(loss=request.param), tiny_network())


@pytest.fixture(scope="module")
def photo():
    return image_tensor(blobs(48, 64, 1))


@pytest.fixture(scope="module")
def painting():
    return image_tensor(stripes(64, 48))


def targets(objective, photo, painting, content=1.0, style=1.0, tv=1.0):
    blended = objective.blend([objective.observe(painting).style], [1.0])
    return Targets(objective.observe(photo).content, blended, Weights(*(tf.constant(w) for w in (content, style, tv))))


def test_the_photo_has_no_content_term_and_the_painting_no_style_term(objective, photo, painting):
    aims = targets(objective, photo, painting)
    assert float(objective.terms(photo, aims).content) == pytest.approx(0.0, abs=1e-9)
    assert float(objective.terms(painting_like(photo, painting), aims).style) > 1e-3
    at_painting = objective.style_term(objective.observe(painting).style, aims.style)
    assert float(at_painting) == pytest.approx(0.0, abs=1e-5)


def painting_like(photo, painting):
    return tf.image.resize(painting, photo.shape[1:3]) * 0.5 + photo * 0.5


def test_observing_the_photo_gives_its_style_term(objective, photo, painting):
    aims = targets(objective, photo, painting)
    style = objective.style_term(objective.observe(photo).style, aims.style)
    assert float(style) == pytest.approx(float(objective.terms(photo, aims).style), rel=1e-5)


def test_value_is_the_weighted_sum_of_the_terms(objective, photo, painting):
    image = painting_like(photo, painting)
    aims = targets(objective, photo, painting, 2.0, 3.0, 5.0)
    terms = objective.terms(image, aims)
    expected = 2 * terms.content + 3 * terms.style + 5 * terms.tv
    assert float(objective.value(image, aims)) == pytest.approx(float(expected), rel=1e-6)


def test_gradient_is_that_of_finite_differences(objective, photo, painting, rng):
    """Along the gradient's own values at random pixels, where float32 leaves enough of the difference."""
    image, aims = painting_like(photo, painting), targets(objective, photo, painting)
    evaluate = objective.at(aims)
    gradient = evaluate(image).gradient
    for _ in range(3):
        move = gradient * tf.constant(rng.integers(0, 2, image.shape), tf.float32)
        move = 0.02 * move / tf.norm(move)
        numeric = float(evaluate(image + move).value - evaluate(image - move).value) / 2
        assert float(tf.reduce_sum(gradient * move)) == pytest.approx(numeric, rel=0.03)


def test_gradient_points_where_the_value_falls(objective, photo, painting):
    image, aims = painting_like(photo, painting), targets(objective, photo, painting)
    value, gradient = objective.at(aims)(image)
    moved = image - 1e-3 * gradient / tf.norm(gradient)
    predicted = 1e-3 * float(tf.norm(gradient))
    assert float(value - objective.value(moved, aims)) == pytest.approx(predicted, rel=0.05)


def test_style_distances_with_their_shares_sum_to_the_style_term(objective, photo, painting):
    aims = targets(objective, photo, painting)
    distances = objective.style_distances(objective.observe(photo).style, aims.style)
    total = sum(share * float(distances[name]) for name, share in objective.style_layers)
    assert total == pytest.approx(float(objective.terms(photo, aims).style), rel=1e-5)


def test_shares_sum_to_one_and_keep_their_proportions():
    assert shares((("a", 3.0), ("b", 1.0))) == (("a", 0.75), ("b", 0.25))


def test_a_blend_of_two_paintings_lies_between_them(photo, painting):
    objective = make_objective(RenderConfig(loss="gram"), tiny_network())
    one, two = objective.observe(painting).style, objective.observe(photo).style
    half = objective.blend([one, two], [0.5, 0.5])
    for name, stats in half.items():
        np.testing.assert_allclose(stats.second, (one[name].second + two[name].second) / 2, rtol=1e-5)
