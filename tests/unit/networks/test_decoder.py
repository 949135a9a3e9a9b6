"""The trained decoder: small enough to ship, and it gives an image back from its activations."""

import numpy as np
import pytest

from styler.errors import ConfigError, WeightsError
from styler.features.extractor import FeatureExtractor
from styler.networks import NETWORKS
from styler.networks.decoder import FILENAME, LAYERS, build_decoder, load_decoder
from styler.networks.spec import decoder_of
from support.pictures import blobs


def test_it_is_small():
    assert build_decoder().count_params() < 1_000_000


def test_an_image_comes_back():
    image = np.asarray(blobs(96, 96, seed=1), np.float32)[None] / 255
    features = FeatureExtractor.of("compact", list(LAYERS))(image)
    back = np.asarray(load_decoder()([features[name] for name in LAYERS]))
    assert back.shape == image.shape
    assert -10 * np.log10(np.square(back - image).mean()) > 18


def test_damaged_weights_are_refused(tmp_path, monkeypatch):
    (tmp_path / FILENAME).write_bytes(b"damaged")
    monkeypatch.setenv("STYLER_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match="damaged"):
        load_decoder()


def test_only_a_network_with_a_decoder_has_one():
    assert decoder_of(NETWORKS["compact"]).layers == LAYERS
    with pytest.raises(ConfigError, match="vgg19"):
        decoder_of(NETWORKS["vgg19"])
