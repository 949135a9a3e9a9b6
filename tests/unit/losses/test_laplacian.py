import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from styler.config import RenderConfig
from styler.losses.laplacian import POOL, SHARE, Laplacian, laplacian_terms
from styler.losses.term import CONTENT
from styler.objective.composition import make_objective
from styler.objective.objective import Targets
from styler.render.program import image_tensor
from support.networks import tiny_network
from support.pictures import blobs
from support.programs import TERSE, shared_engine


def test_it_is_the_laplacian_of_the_reduced_image(rng):
    image = rng.random((1, 24, 32, 3))
    pooled = image.reshape(6, POOL, 8, POOL, 3).mean((1, 3))
    wanted = -np.stack([scipy.ndimage.laplace(pooled[..., color], mode="reflect") for color in range(3)], -1)
    np.testing.assert_allclose(Laplacian()(tf.constant(image))[0], wanted, atol=1e-12)


def test_flat_areas_and_slow_shading_have_next_to_none():
    ramp = np.broadcast_to(np.linspace(0, 1, 64)[None, None, :, None], (1, 16, 64, 3)).copy()
    seen = Laplacian()(tf.constant(ramp)).numpy()
    np.testing.assert_allclose(seen[:, :, 1:-1], 0, atol=1e-12)


def test_a_position_sees_the_pixels_that_it_says(rng):
    image, reading, place = tf.constant(rng.random((1, 32, 40, 3))), Laplacian(), 3
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = tf.reduce_sum(reading(image)[:, place, place])
    seen = np.flatnonzero(np.abs(tape.gradient(value, image)[0]).sum((1, 2)))
    low, high = place * reading.stride + reading.low, place * reading.stride + reading.high
    assert (seen[0], seen[-1]) == (low, high)
    assert reading(image).shape == (1, 32 // reading.stride, 40 // reading.stride, reading.channels)


def test_layers_and_edges_share_the_content():
    shares = {term.subject: term.share for term in laplacian_terms((("a", 0.25), ("b", 0.75)))}
    assert shares["content laplacian"] == SHARE
    assert shares["b"] == pytest.approx(3 * shares["a"])
    assert min(shares.values()) > 0
    assert sum(shares.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(("name", "edges"), [("features", False), ("laplacian", True)])
def test_it_is_chosen_by_name(name, edges):
    objective = make_objective(RenderConfig(content_loss=name), tiny_network())
    assert ("content laplacian" in {term.name for term in objective.local}) is edges


def test_tiles_see_it_as_the_whole_image_does():
    engine = shared_engine(RenderConfig(content_loss="laplacian", **TERSE), tiny_network())
    photo, image = blobs(150, 200, 1), blobs(150, 200, 2)
    objective, tiling = engine.objective, engine.tiling
    weights = {term.name: float(term.group == CONTENT) * term.share for term in objective.terms}

    def aimed(seen):
        return Targets(objective.prepared(seen.stats, [seen.stats], [1.0]), seen.activations, weights, seen.regions)

    whole = objective.at(aimed(objective.observe(image_tensor(photo))))(image_tensor(image))
    gradient = np.empty_like(image)
    targets = aimed(tiling.observe(photo, 64, lambda _, shape: np.empty(shape, np.float32)))
    value = tiling.evaluate(image, targets, 64, gradient).value
    assert value == pytest.approx(float(whole.value), rel=1e-5)
    assert np.linalg.norm(gradient - whole.gradient[0]) < 1e-4 * np.linalg.norm(whole.gradient[0])
