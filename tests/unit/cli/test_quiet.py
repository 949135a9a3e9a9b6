from __future__ import annotations

import sys

import pytest

from styler.cli.quiet import import_tensorflow


def test_tensorflow_is_there_and_stderr_works_afterwards(capfd):
    import_tensorflow()
    assert "tensorflow" in sys.modules
    print("still here", file=sys.stderr)
    assert capfd.readouterr().err == "still here\n"


def test_what_was_printed_is_shown_if_the_import_fails(capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError):
        import_tensorflow()
    print("still here", file=sys.stderr)
    assert capfd.readouterr().err.endswith("still here\n")
