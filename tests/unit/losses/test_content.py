import numpy as np
import pytest
import tensorflow as tf

from styler.losses.base import Frame, LocalTarget, added
from styler.losses.content import ContentLoss, feature_terms

LOSS = ContentLoss()


def whole_frame(features):
    size = tf.shape(features)[1:3]
    return Frame(tf.zeros_like(size), size, size)


def target_of(content, weights=None):
    return LocalTarget(LOSS.prepared(LOSS.statistics(content, weights)), content)


def distance(features, content, weights=None):
    return float(LOSS.local(features, target_of(content, weights), weights, whole_frame(features)))


@pytest.fixture
def pair(rng):
    """Activations of an image and of the photo, whose channels have means and a gradient over rows."""
    rows = np.arange(6.0)[None, :, None, None]
    return tuple(
        tf.constant(rng.normal(size=(1, 6, 7, 4)) + rows * slope + np.array([0.0, 5, 10, 15])) for slope in (1, 2)
    )


def test_the_content_itself_is_at_zero(pair):
    assert distance(pair[1], pair[1]) == 0.0


def test_an_unrelated_image_of_the_same_contrast_is_at_about_two(rng):
    one, two = (tf.constant(rng.normal(size=(1, 60, 60, 4)), tf.float32) for _ in range(2))
    assert distance(one, two) == pytest.approx(2.0, rel=0.05)


def test_it_is_the_squared_difference_over_the_variance_around_channel_means(pair):
    one, two = (each.numpy() for each in pair)
    expected = np.square(one - two).mean() / two.reshape(-1, 4).var(0).mean()
    assert distance(*pair) == pytest.approx(expected, rel=1e-6)


def test_contrast_cancels_out(pair):
    one, two = pair
    assert distance(10 * one, 10 * two) == pytest.approx(distance(one, two), rel=1e-4)


def test_a_flat_photo_gives_a_finite_distance():
    assert distance(tf.ones((1, 4, 4, 2)), tf.zeros((1, 4, 4, 2))) < 1e7


def test_positions_that_do_not_count_might_as_well_not_be_there(pair):
    ones = tf.ones_like(pair[0][..., :1])
    left = tf.concat([ones[:, :, :3], 0 * ones[:, :, 3:]], 2)
    alone = [each[:, :, :3] for each in pair]
    assert distance(*pair, left) == pytest.approx(distance(*alone), rel=1e-9)
    assert distance(*pair, ones) == pytest.approx(distance(*pair), rel=1e-12)


def test_regions_count_together(pair, rng):
    """However a position is divided among regions, its weights in all of them are what counts."""
    heavy = tf.constant(rng.uniform(0.2, 1, (1, 6, 7, 1)))
    divided = heavy * tf.constant([0.5, 0.2, 0.3], tf.float64)
    assert distance(*pair, divided) == pytest.approx(distance(*pair, heavy), rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_statistics_and_shares_of_tiles_sum_to_those_of_the_whole(pair, rng, weighted):
    weights = tf.constant(rng.uniform(size=(1, 6, 7, 2))) if weighted else None
    features, content = pair
    rows, columns = (slice(0, 2), slice(2, 6)), (slice(0, 4), slice(4, 7))
    places = [(slice(None), row, column) for row in rows for column in columns]

    def cut(each, place):
        return None if each is None else each[place]

    stats = LOSS.statistics(content, weights)
    parts = [LOSS.statistics(content[place], cut(weights, place)) for place in places]
    summed = added(added(*parts[:2]), added(*parts[2:]))
    for name, whole in stats.items():
        np.testing.assert_allclose(summed[name], whole, rtol=1e-12)

    aim, size = LOSS.prepared(stats), tf.constant([6, 7])
    shares = [
        LOSS.local(
            features[place],
            LocalTarget(aim, content[place]),
            cut(weights, place),
            Frame(tf.zeros_like(size), tf.shape(features[place])[1:3], size),
        )
        for place in places
    ]
    assert float(sum(shares)) == pytest.approx(distance(features, content, weights), rel=1e-12)
    assert min(map(float, shares)) > 0


def test_statistics_are_summed_beyond_float32():
    """Bright and nearly flat: in float32 the variance of so many positions would be rounding noise."""
    content = 1000.0 + np.random.default_rng(0).normal(size=(1, 400, 400, 1))
    stats = LOSS.statistics(tf.constant(content, tf.float32))
    assert {part.dtype for part in stats.values()} == {tf.float64}
    total = float(LOSS.prepared(stats).total)
    assert total == pytest.approx(np.float32(content).astype(np.float64).var() * content.size, rel=0.02)


def test_every_content_layer_has_a_term_with_its_share():
    terms = feature_terms((("a", 0.25), ("b", 0.75)))
    assert [(term.layer, term.share, term.group) for term in terms] == [("a", 0.25, "content"), ("b", 0.75, "content")]
    assert len({term.name for term in terms}) == 2
