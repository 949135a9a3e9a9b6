"""Transparent regions count neither in style nor in content, and come back in the result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from styler.api import Stylizer
from styler.config import RenderConfig
from styler.images.reading import read_image
from styler.images.resampling import resampled_alpha
from styler.inputs import Inputs
from styler.losses.term import CONTENT, STYLE
from styler.objective.composition import make_objective
from styler.objective.objective import Targets
from styler.render.margin import with_margin
from styler.render.memory_watch import MemoryWatch
from styler.render.octaves import Octaves
from styler.render.program import image_tensor
from styler.render.pyramid import Stage
from styler.render.renderer import Renderer
from styler.types import Size
from support.courses import course_of
from support.networks import tiny_network
from support.pictures import blobs, stripes
from support.programs import TERSE, shared_engine

CONFIG = RenderConfig(size=64, steps=4, **TERSE)
PHOTO, PAINTING = blobs(48, 64, 1), stripes(48, 64)
LEFT = np.zeros((48, 64, 1), np.float32)
LEFT[:, :32] = 1
pytestmark = pytest.mark.usefixtures("shared_programs")


@pytest.fixture(scope="module")
def engine():
    return shared_engine(CONFIG, tiny_network())


@pytest.fixture(scope="module", params=["gram", "wasserstein"])
def objective(request):
    """Of shallow layers, which see no farther than some ten pixels."""
    layers = (("block1_conv1", 1.0), ("block2_conv1", 1.0))
    config = RenderConfig(loss=request.param, style_layers=layers, content_layers=layers)
    return make_objective(config, tiny_network())


def half(left, right):
    """Two pictures side by side, of which only the left is opaque."""
    return read_image(np.concatenate([np.dstack([left, LEFT * 0 + 1]), np.dstack([right, LEFT * 0])], 1))


def test_what_is_hidden_in_a_painting_has_no_influence(engine):
    one = engine.statistics(half(PAINTING, blobs(48, 64, 3)), Size(64, 128))
    two = engine.statistics(half(PAINTING, blobs(48, 64, 4)), Size(64, 128))
    for name, stats in one.items():
        for part, mine in stats.items():
            np.testing.assert_array_equal(mine, two[name][part])


def test_a_painting_with_a_hidden_half_has_nearly_the_style_of_the_other(engine):
    hidden = engine.statistics(half(PAINTING, blobs(48, 64, 3)), Size(64, 128))
    alone = engine.statistics(read_image(PAINTING), Size(48, 64))
    seen = engine.statistics(replace(half(PAINTING, blobs(48, 64, 3)), alpha=None), Size(64, 128))
    for block in (1, 3):  # deeper ones see across the edge everywhere
        name = f"style block{block}_conv1"
        off, far = (float(tf.norm(s[name]["second"] - alone[name]["second"])) for s in (hidden, seen))
        assert off < 0.5 * far, name


def test_opaque_everywhere_is_the_same_as_no_alpha(objective):
    image, ones = tf.constant(PHOTO[None]), tf.ones((1, 48, 64, 1))
    weighted, plain = objective.observe(image, ones), objective.observe(image)
    pairs = zip(tf.nest.flatten(weighted[:2]), tf.nest.flatten(plain[:2]), strict=True)
    for mine, other in pairs:
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)
    assert plain.regions == {}


def aimed(objective, seen, factors):
    """Targets with the painting's style and factors by group."""
    style = objective.observe(tf.constant(PAINTING[None])).stats
    weights = {term.name: tf.constant(term.share * factors.get(term.group, 0.0)) for term in objective.terms}
    return Targets(objective.prepared(seen.stats, [style], [1.0]), seen.activations, weights, seen.regions)


@pytest.mark.parametrize("group", [STYLE, CONTENT])
def test_hidden_pixels_get_no_gradient_beyond_the_edge(objective, group):
    image, alpha = tf.constant(PHOTO[None]), tf.constant(LEFT[None])
    targets = aimed(objective, objective.observe(image, alpha), {group: 1.0})
    gradient = np.abs(objective.at(targets)(image[:, ::-1]).gradient[0])
    assert gradient[:, :32].max() > 0
    assert gradient[:, -16:].max() == 0


@pytest.mark.parametrize("group", [STYLE, CONTENT])
def test_half_hidden_the_rest_is_as_far_from_the_photo_as_alone(objective, group):
    """Terms are means over what is seen, so that the same strength has the same effect."""
    image, alpha = tf.constant(PHOTO[None]), tf.constant(LEFT[None])
    masked, alone = objective.observe(image, alpha), objective.observe(image[:, :, :32])
    changed = image[:, ::-1]
    hidden = objective.value(changed, aimed(objective, masked, {group: 1.0}))
    cut = objective.value(changed[:, :, :32], aimed(objective, alone, {group: 1.0}))
    assert float(hidden) == pytest.approx(float(cut), rel=0.1)


def test_the_result_is_as_transparent_as_the_photo(tmp_path):
    photo = np.dstack([PHOTO, LEFT])
    studio = Stylizer(CONFIG, network=tiny_network())
    result = studio.render(photo, PAINTING)
    assert result.image.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(result.image)[..., 3], LEFT[..., 0] * 255)
    again = read_image(result.save(tmp_path / "out.png"))
    np.testing.assert_array_equal(again.alpha, LEFT[..., 0])
    assert studio.render(PHOTO, PAINTING).image.mode == "RGB"  # one program after the other


def test_alpha_takes_the_size_of_the_result():
    result = Stylizer(CONFIG.changed(size=96), network=tiny_network()).render(np.dstack([PHOTO, LEFT]), PAINTING)
    assert result.picture.alpha.shape == (72, 96)
    assert result.picture.alpha[:, :44].min() == pytest.approx(1, abs=0.05)
    assert result.picture.alpha[:, 52:].max() == pytest.approx(0, abs=0.05)


def test_a_photo_with_a_hidden_half_takes_on_the_style_where_it_is_seen(engine):
    renderer = Renderer(CONFIG.changed(steps=30, strength=0.9), engine)
    photo, painting = read_image(np.dstack([PHOTO, LEFT])), read_image(PAINTING)
    rendered = _finished(course_of(renderer, photo, [painting]))
    octaves = Octaves(config=renderer.config, engine=engine, inputs=Inputs.of(photo, [painting]), memory=MemoryWatch())
    targets = octaves.targets(Stage(size=Size(48, 64), steps=1))
    margined = [image_tensor(with_margin(each)) for each in (PHOTO, resampled_alpha(photo, Size(48, 64)))]
    untouched = engine.objective.distances(engine.observe(*margined).stats, targets.prepared)
    for term in engine.objective.statistic:
        assert rendered.style_distances[term.subject] < float(untouched[term.name])


def _finished(events):
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value
