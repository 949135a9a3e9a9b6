from __future__ import annotations

import sys

import keras
import pytest

from styler.cli.quiet import import_tensorflow
from styler.networks.runtime import start


@pytest.mark.parametrize("name", ["floatx", "image_data_format"])
def test_settings_of_a_keras_json_are_put_aside(name):
    usual = getattr(keras.config, name)()
    getattr(keras.config, f"set_{name}")({"floatx": "float16", "image_data_format": "channels_first"}[name])
    import_tensorflow()
    assert getattr(keras.config, name)() == usual


def test_tensorflow_is_there_and_stderr_works_afterwards(capfd):
    import_tensorflow()
    assert "tensorflow" in sys.modules
    print("still here", file=sys.stderr)
    assert capfd.readouterr().err == "still here\n"


def test_stderr_works_after_an_import_that_failed(capfd, monkeypatch):
    start.cache_clear()
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError):
        import_tensorflow()
    print("still here", file=sys.stderr)
    assert capfd.readouterr().err.endswith("still here\n")
