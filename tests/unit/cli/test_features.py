"""`styler features`: what it writes, and what it refuses before TensorFlow is imported."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from PIL import Image

from styler.cli.app import run
from styler.cli.extraction import parse_layers
from styler.errors import LayerError
from styler.features.archive import read_origin
from styler.features.extractor import FeatureExtractor
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


@pytest.mark.parametrize(
    "words", [[], ["--method", "gradcam"], ["--method", "gradcam", "--maps", "block1_conv1"]], ids=" ".join
)
def test_attribution_alone(photos, tmp_path, words):
    out = tmp_path / "out.npz"
    assert features(photos[0], "--attribution", "block2_conv1:3", *words, "-o", out) == 0
    with np.load(out) as archive:
        assert archive.files == ["attribution/block2_conv1:3"]
        found = archive["attribution/block2_conv1:3"]
    assert found.shape == (1, 64, 80)
    assert found.min() >= 0


def test_keys_and_reductions(photos, tmp_path):
    out = tmp_path / "out.npz"
    assert features(*photos, "--layers", "edges=block1_conv1,block3_conv2", "--reduce", "max", "-o", out) == 0
    with np.load(out) as archive:
        assert {key: array.shape for key, array in archive.items()} == {"edges": (2, 8), "block3_conv2": (2, 8)}


def test_the_archive_says_how_it_was_made(photos, tmp_path):
    out = tmp_path / "out.npz"
    assert features(*photos, "--layers", LAYERS, "--size", "40", "-o", out) == 0
    origin = read_origin(out)
    assert origin["layers"] == LAYERS.split(",")
    assert origin["size"] == 40
    assert [each["name"] for each in origin["images"]] == ["a.png", "b.png"]
    assert len(origin["weights"]) == 64
    assert str(tmp_path) not in str(origin)


def test_a_number_too_large_for_half_precision_is_refused(photos, tmp_path, capsys):
    inputs = keras.Input((None, None, 3))
    layer = keras.layers.Rescaling(1e6, name="large")
    keras.Model(inputs, layer(inputs)).save(tmp_path / "m.keras")
    words = ["features", photos[0], "--network", str(tmp_path / "m.keras"), "--layers", "large"]
    assert run([*words, "-o", str(tmp_path / "out.npz"), "--dtype", "float16"]) == 2
    assert "more than --dtype float16 holds" in capsys.readouterr().err
    assert not (tmp_path / "out.npz").exists()


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
        ([photos[0], "--layers", LAYERS], "expected -o FILE.npz, -o FOLDER/ or --grid FILE.png, got none"),
        ([photos[0], "-o", fresh], "expected --layers a,b or --attribution layer:channel"),
        ([photos[0], "--layers", LAYERS, "-o", out], "already exists; choose another name or pass --overwrite"),
        ([photos[0], "--layers", LAYERS, "-o", tmp_path / "out.txt"], "expected a name that ends in .npz"),
        ([photos[0], "--layers", LAYERS, "-o", tmp_path / "no" / "out.npz"], "does not exist; create it first"),
        ([photos[0], "--layers", LAYERS, "-o", fresh, "--dtype", "int8"], "expected float32 or float16, got 'int8'"),
        ([photos[0], other, "--layers", LAYERS, "-o", fresh], "got .*80x64 and .*60x100 pixels; pass --size"),
        ([photos[0], "--layers", "blok1_conv1", "-o", fresh], "Did you mean 'block1_conv1'"),
        ([photos[0], "--layers", "a//b", "-o", fresh], "cannot read layer address 'a//b'"),
        ([photos[0], "--layers", LAYERS, "-o", fresh, "--size", 20], "at least 32"),
        ([photos[0], "--attribution", "block2_conv1", "-o", fresh], "expected LAYER:CHANNEL"),
        ([photos[0], "--layers", LAYERS, "-o", fresh, "--reduce", "sum"], "expected mean or max, got 'sum'"),
        ([photos[0], "--layers", LAYERS, "-o", fresh, "--method", "gradcam"], "add --attribution LAYER:CHANNEL"),
        ([photos[0], "--attribution", "block2_conv1:3", "-o", fresh, "--maps", "block1_conv1"], "--method gradcam"),
        ([photos[0], "--attribution", "block2_conv1:3", "-o", fresh, "--method", "lime"], "gradient or gradcam"),
        ([photos[0], "--layers", "a=,b", "-o", fresh], "nothing follows 'a='"),
        ([photos[0], "--layers", "a=block1_conv1,a=block2_conv1", "-o", fresh], "'a' is given twice"),
        ([tmp_path, "--layers", LAYERS, "-o", fresh], "-o: expected a folder, for one archive per image"),
        ([tmp_path, "--layers", LAYERS, "-o", out / "x"], "out.npz is not a folder"),
        ([tmp_path, "--layers", LAYERS, "--grid", tmp_path / "g.png"], "--grid: expected image files"),
        ([photos[0], "--attribution", "block2_conv1:99", "-o", fresh], "has channels 0 to 7, not 99"),
        ([tmp_path / "absent.png", "--layers", LAYERS, "-o", fresh], "cannot read"),
    ]
    import re

    for words, message in table:
        said = refusal(capsys, *words)
        assert re.search(message, said), f"{words}: {said}"
    assert out.read_bytes() == b"mine"
    assert not fresh.exists()


def network(folder, name, channels, size=None):
    model = keras.Sequential(
        [keras.Input((size, size, channels)), keras.layers.Conv2D(4, 3, name="c1", padding="same")], name=name
    )
    path = folder / f"{name}.keras"
    model.save(path)
    return str(path), model


def test_a_network_of_gray_images_gets_them_as_pillow_makes_them(photos, tmp_path):
    path, model = network(tmp_path, "gray", 1)
    out = tmp_path / "out.npz"
    assert run(["features", photos[0], "--network", path, "--layers", "c1", "-o", str(out)]) == 0
    gray = np.asarray(Image.open(photos[0]).convert("L"), np.float32)[None, ..., None] / 255
    np.testing.assert_allclose(np.load(out)["c1"], model(gray), atol=0.02)


@pytest.mark.parametrize("words", [[], ["--size", "32"]])
def test_a_network_of_fixed_size_gets_the_middle_of_the_photo(photos, tmp_path, words):
    path, model = network(tmp_path, "fixed", 3, 32)
    out, other = tmp_path / "out.npz", saved(tmp_path / "c.png", blobs(100, 60, 2))
    assert run(["features", photos[0], str(other), "--network", path, "--layers", "c1", "-o", str(out), *words]) == 0
    assert np.load(out)["c1"].shape == (2, 32, 32, 4)
    middle = Image.open(photos[0]).resize((40, 32), Image.Resampling.LANCZOS).crop((4, 0, 36, 32))
    expected = model(np.asarray(middle, np.float32)[None] / 255)
    assert np.abs(np.load(out)["c1"][0] - expected[0]).mean() < 0.05


def test_a_network_of_bytes_gets_bytes(photos, tmp_path):
    inputs = keras.Input((None, None, 3), dtype="uint8")
    model = keras.Model(inputs, keras.layers.Rescaling(1 / 255, name="scaled")(inputs))
    model.save(tmp_path / "m.keras")
    words = ["features", photos[0], "--network", str(tmp_path / "m.keras"), "--layers", "scaled"]
    assert run([*words, "-o", str(tmp_path / "out.npz")]) == 0
    expected = np.asarray(Image.open(photos[0]), np.float32)[None] / 255
    np.testing.assert_allclose(np.load(tmp_path / "out.npz")["scaled"], expected, atol=1e-6)


def test_a_size_that_the_network_does_not_take_is_refused(photos, tmp_path, capsys):
    path, _ = network(tmp_path, "fixed", 3, 32)
    words = ["features", photos[0], "--network", path, "--layers", "c1", "-o", str(tmp_path / "o.npz")]
    assert run([*words, "--size", "64"]) == 2
    assert "only takes images of 32x32 pixels" in capsys.readouterr().err


def test_a_network_that_takes_no_images_is_refused_by_name(photos, tmp_path, capsys):
    model = keras.Sequential([keras.Input((None,), dtype="int32"), keras.layers.Embedding(9, 2, name="words")])
    model.save(tmp_path / "text.keras")
    words = ["features", photos[0], "--network", str(tmp_path / "text.keras"), "--layers", "words"]
    assert run([*words, "-o", str(tmp_path / "out.npz")]) == 2
    assert "expected a network that takes images" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("a,b", ["a", "b"]),
        ("edges=a,b", {"edges": "a", "b": "b"}),
        ("x/y=inner/a:0", {"x/y": "inner/a:0"}),
        ("'a=b',inner/'c=d'", ["'a=b'", "inner/'c=d'"]),
        (" k = a ", {"k": "a"}),
        ("", []),
    ],
)
def test_keys_on_the_command_line(text, layers):
    assert parse_layers(text) == layers


def test_a_key_needs_an_address():
    with pytest.raises(LayerError, match="nothing follows"):
        parse_layers("a=")
