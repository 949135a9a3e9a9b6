import numpy as np
import pytest
import tensorflow as tf

from styler.config import RenderConfig
from styler.errors import ResourceError
from styler.images.reading import read_image
from styler.images.resampling import resampled
from styler.losses.base import per_position
from styler.objective.objective import Targets
from styler.render.engine import DECISIVE, find_device, threads, use_threads, uses_xla
from styler.render.program import image_tensor
from styler.types import Size
from support.networks import tiny_network
from support.pictures import blobs, stripes
from support.programs import shared_engine

PAINTING = read_image(stripes(90, 70))


def test_an_absent_device_is_refused():
    with pytest.raises(ResourceError, match="no device gpu:63"):
        find_device("gpu:63")


def test_once_tensorflow_runs_only_its_own_number_of_threads_can_be_had():
    tf.zeros(1)
    assert use_threads(threads())
    assert not use_threads(threads() + 1)
    assert not use_threads(max(1, threads() - 1)) or threads() == 1


@pytest.mark.parametrize(
    ("choice", "device", "xla"), [("xla", "/CPU:0", True), ("graph", "/GPU:0", False), ("auto", "/GPU:0", True)]
)
def test_xla_is_used_as_asked_and_always_on_a_gpu(choice, device, xla):
    assert uses_xla(RenderConfig(compile=choice), device) is xla


def test_statistics_of_a_painting_are_kept():
    engine = shared_engine(RenderConfig(), tiny_network())
    size = Size(72, 96)
    assert engine.statistics(PAINTING, size) is engine.statistics(PAINTING, size)


@pytest.mark.parametrize(("octave", "seen_at"), [((36, 48), (48, 37)), ((72, 96), (90, 70)), ((150, 200), (90, 70))])
def test_a_painting_is_shrunk_to_the_octave_and_never_enlarged(octave, seen_at):
    engine = shared_engine(RenderConfig(), tiny_network())
    expected = engine.objective.observe(image_tensor(resampled(PAINTING.pixels, Size(*seen_at)))).stats
    for name, stats in engine.statistics(PAINTING, Size(*octave)).items():
        wanted = per_position(expected[name])
        np.testing.assert_allclose(stats["second"], wanted["second"], rtol=1e-4, atol=1e-5)


def test_matching_statistics_are_those_of_a_smaller_render_but_for_the_finest_detail():
    engine = shared_engine(RenderConfig(), tiny_network())
    size = Size(96, 128)
    plain = engine.statistics(PAINTING, size)
    matching = engine.statistics(PAINTING, size, match=64)
    tiled = engine.statistics(PAINTING, size, tile=64, match=64)
    as_seen = read_image(resampled(resampled(PAINTING.pixels, Size(64, 50)), Size(128, 100)))
    expected = engine.objective.observe(image_tensor(as_seen.pixels)).stats
    for name in ("style block1_conv1", "grain"):
        np.testing.assert_array_equal(matching[name]["second"], plain[name]["second"])
    deep = "style block3_conv1"
    wanted = per_position(expected[deep])
    np.testing.assert_allclose(matching[deep]["second"], wanted["second"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(tiled[deep]["second"], wanted["second"], rtol=1e-4, atol=1e-5)
    assert engine.statistics(PAINTING, Size(48, 64), match=64) is engine.statistics(PAINTING, Size(48, 64))


def test_an_engine_serves_configs_that_differ_in_nothing_decisive():
    engine = shared_engine(RenderConfig(), tiny_network())
    others = {"size": 700, "strength": 0.9, "steps": 3, "seed": 5, "scales": 1, "color": "luminance", "init": "noise"}
    assert engine.serves(RenderConfig(**others))
    assert engine.serves(RenderConfig(content_weight=1.0, style_weight=2.0, tv_weight=0.1, style_weights=(1.0,)))


@pytest.mark.parametrize(
    "change",
    [
        {"network": "vgg19"},
        {"pooling": "max"},
        {"content_layers": (("block3_conv1", 1.0),)},
        {"style_layers": (("block3_conv1", 1.0),)},
        {"loss": "gram"},
        {"optimizer": "adam"},
        {"learning_rate": 0.5},
        {"device": "cpu"},
        {"compile": "xla"},
        {"precision": "mixed"},
        {"views": 2},
        {"palette_weight": 0.0},
        {"grain_weight": 0.0},
    ],
)
def test_an_engine_refuses_what_it_was_not_made_for(change):
    assert set(change) <= set(DECISIVE)
    assert not shared_engine(RenderConfig(), tiny_network()).serves(RenderConfig(**change))


@pytest.mark.parametrize("loss", ["gram", pytest.param("wasserstein", marks=pytest.mark.slow)])
def test_tiles_see_views_palette_and_grain_as_the_whole_image_does(loss):
    engine = shared_engine(RenderConfig(views=2, palette_weight=0.5, grain_weight=0.5, loss=loss), tiny_network())
    objective, tiling = engine.objective, engine.tiling
    image, photo = blobs(170, 203, 3), blobs(170, 203, 4)
    style = objective.observe(image_tensor(PAINTING.pixels)).stats
    weights = {term.name: tf.constant(term.share) for term in objective.terms}

    def aimed(seen):
        return Targets(objective.prepared(seen.stats, [style], [1.0]), seen.activations, weights)

    whole = objective.at(aimed(objective.observe(image_tensor(photo))))(image_tensor(image))
    targets = aimed(tiling.observe(photo, 64, lambda _, shape: np.empty(shape, np.float32)))
    gradient = np.empty_like(image)
    value = tiling.evaluate(image, targets, 64, gradient).value
    assert abs(value / float(whole.value) - 1) < 1e-4
    assert np.linalg.norm(gradient - whole.gradient[0]) < 1e-3 * np.linalg.norm(whole.gradient[0])


def test_the_pictures_of_a_batch_share_what_is_built_later(monkeypatch):
    monkeypatch.setattr("styler.render.engine.OnePass", lambda *_: object())
    engine = shared_engine(RenderConfig(), tiny_network())
    engine._made_later = {}
    batch = engine.batch(2)
    one, other = engine.in_batch(batch), engine.in_batch(batch)
    assert one.one_pass is other.one_pass is engine.one_pass
    assert one.tiling is other.tiling


def test_a_painting_beside_a_panorama_is_seen_in_tiles():
    engine = shared_engine(RenderConfig(), tiny_network())
    square = read_image(blobs(128, 128, 3))
    stats = engine.statistics(square, Size(16, 128))
    whole = engine.statistics(square, Size(128, 128))
    tile = engine.tiling.view.tile_like(Size(16, 128))
    assert stats is engine.statistics(square, Size(16, 128), tile)
    np.testing.assert_allclose(stats["grain"]["second"], whole["grain"]["second"], rtol=1e-3, atol=1e-6)
