"""`styler features`: what it writes, and what it refuses before TensorFlow is imported."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from PIL import Image

from styler.cli.app import run
from styler.features.attribution import attribution, parse_channel
from styler.features.extractor import FeatureExtractor
from styler.features.sheet import normalized, sheet, signed, strongest
from support.networks import tiny_network
from support.pictures import blobs, saved, stripes

pytestmark = [
    pytest.mark.usefixtures("tiny"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
LAYERS = "block1_conv1,block3_conv2"


@pytest.fixture
def photos(tmp_path):
    return [str(saved(tmp_path / "a.png", blobs(64, 80, 1))), str(saved(tmp_path / "b.png", stripes(64, 80)))]


def features(*words):
    return run(["features", *map(str, words), "--network", "tiny"])


def refusal(capsys, *words):
    assert features(*words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_the_archive_holds_the_activations(photos, tmp_path, dtype):
    out = tmp_path / "out.npz"
    assert features(*photos, "--layers", LAYERS, "-o", out, "--dtype", dtype) == 0
    with np.load(out) as archive:
        assert archive.files == LAYERS.split(",")
        batch = np.stack([np.asarray(Image.open(path), np.float32) / 255 for path in photos])
        expected = FeatureExtractor.of(tiny_network(), LAYERS.split(","))(batch)
        for name, array in archive.items():
            assert array.dtype == dtype
            assert len(array) == 2
            np.testing.assert_allclose(array, expected[name], rtol=2e-3, atol=1e-3)


def test_size_scales_equal_shapes_and_squares_unequal_ones(photos, tmp_path):
    out, other = tmp_path / "out.npz", saved(tmp_path / "c.png", blobs(100, 60, 2))
    assert features(*photos, "--layers", "block1_conv1", "-o", out, "--size", 40) == 0
    assert np.load(out)["block1_conv1"].shape[:3] == (2, 32, 40)
    assert features(photos[0], other, "--layers", "block1_conv1", "-o", out, "--size", 40, "--overwrite") == 0
    assert np.load(out)["block1_conv1"].shape[:3] == (2, 40, 40)


def test_a_picture_of_them(photos, tmp_path):
    grid = tmp_path / "grid.png"
    assert features(*photos, "--layers", LAYERS, "--grid", grid, "--attribution", "block2_conv1:3") == 0
    with Image.open(grid) as image:
        assert image.width > 8 * 96
        assert image.height > 4 * 96


def test_attribution_alone(photos, tmp_path):
    out = tmp_path / "out.npz"
    assert features(photos[0], "--attribution", "block2_conv1:3", "-o", out) == 0
    with np.load(out) as archive:
        assert archive.files == ["attribution/block2_conv1:3"]
        assert archive["attribution/block2_conv1:3"].shape == (1, 64, 80)


def test_a_saved_model_takes_the_low_level_route(photos, tmp_path):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3, name="conv")(inputs))
    model.export(str(tmp_path / "saved"), verbose=False)
    words = ["features", photos[0], "--network", str(tmp_path / "saved"), "-o", str(tmp_path / "out.npz")]
    assert run([*words, "--layers", "output_0"]) == 0
    assert np.load(tmp_path / "out.npz")["output_0"].shape == (1, 62, 78, 2)


def test_refusals(photos, tmp_path, capsys):
    out = tmp_path / "out.npz"
    out.write_bytes(b"mine")
    other = saved(tmp_path / "c.png", blobs(100, 60, 2))
    fresh = tmp_path / "new.npz"
    table = [
        ([photos[0], "--layers", LAYERS], "expected -o FILE.npz or --grid FILE.png, got neither"),
        ([photos[0], "-o", fresh], "expected --layers a,b or --attribution layer:channel"),
        ([photos[0], "--layers", LAYERS, "-o", out], "exists already; choose another name or give --overwrite"),
        ([photos[0], "--layers", LAYERS, "-o", tmp_path / "out.txt"], "expected a name that ends in .npz"),
        ([photos[0], "--layers", LAYERS, "-o", tmp_path / "no" / "out.npz"], "does not exist; create it first"),
        ([photos[0], "--layers", LAYERS, "-o", fresh, "--dtype", "int8"], "expected float32 or float16, got 'int8'"),
        ([photos[0], other, "--layers", LAYERS, "-o", fresh], "got .*80x64 and .*60x100 pixels; give --size"),
        ([photos[0], "--layers", "blok1_conv1", "-o", fresh], "Did you mean 'block1_conv1'"),
        ([photos[0], "--layers", "a//b", "-o", fresh], "cannot read layer address 'a//b'"),
        ([photos[0], "--layers", LAYERS, "-o", fresh, "--size", 20], "less than 32"),
        ([photos[0], "--attribution", "block2_conv1", "-o", fresh], "expected LAYER:CHANNEL"),
        ([photos[0], "--attribution", "block2_conv1:99", "-o", fresh], "has channels 0 to 7, not 99"),
        ([tmp_path / "absent.png", "--layers", LAYERS, "-o", fresh], "cannot read"),
    ]
    import re

    for words, message in table:
        said = refusal(capsys, *words)
        assert re.search(message, said), f"{words}: {said}"
    assert out.read_bytes() == b"mine"
    assert not fresh.exists()


def test_attribution_sums_to_the_linear_part():
    """Of a linear layer it is exact: its sum is what the channel differs from that of the mean color."""
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1, name="conv")(inputs))
    pixels = blobs(16, 16, 3)[None]
    found = attribution(FeatureExtractor(model, ["conv"]), pixels, "conv", 1)
    flat = np.broadcast_to(pixels.mean((1, 2), keepdims=True), pixels.shape)
    expected = (model(pixels) - model(flat)).numpy()[..., 1]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_channel_numbers():
    assert parse_channel("block4_conv2:37") == ("block4_conv2", 37)
    assert parse_channel("layer:0:5") == ("layer:0", 5)


def test_strongest_channels_first(rng):
    maps = np.stack([np.full((4, 4), value) for value in (1.0, -3.0, 2.0, 2.0)], -1)
    assert strongest(maps) == [1, 2, 3, 0]
    assert strongest(maps, 2) == [1, 2]


def test_tiles_are_normalized_channel_by_channel():
    assert normalized(np.array([[-1.0, 0.0], [1.0, 3.0]])).tolist() == [[0, 64], [128, 255]]
    assert normalized(np.ones((2, 2))).tolist() == [[128, 128], [128, 128]]
    assert signed(np.zeros((2, 2))).tolist() == np.full((2, 2, 3), 255).tolist()
    red, blue = signed(np.array([[1.0, -1.0]]))[0]
    assert red[0] > red[2]
    assert blue[2] > blue[0]


def test_vectors_have_no_picture():
    from styler.errors import LayerError

    with pytest.raises(LayerError, match=r"gives \(1, 4\), expected maps"):
        sheet({"dense": np.zeros((1, 4))}, ["a"])
