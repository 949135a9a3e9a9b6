from __future__ import annotations

import os
import sys

import pytest

from styler.quiet import VARIABLE, without_messages

LINES = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:1795804053.721867    7487 cudart_stub.cc:31] Could not find cuda drivers on your machine\n"
    b"2026-11-27 18:00:00.123456: W tensorflow/core/x.cc:12] a warning\n"
    b"E0000 00:00:1795804259.169329    9555 cuda_platform.cc:52] failed call to cuInit\n"
    b"somebody else's line\n"
)


@pytest.mark.parametrize(
    ("level", "kept"),
    [(None, [4]), ("3", [4]), ("2", [3, 4]), ("1", [2, 3, 4]), ("0", [0, 1, 2, 3, 4]), ("nonsense", [4])],
)
def test_messages_below_the_callers_level_are_kept_back(capfd, monkeypatch, level, kept):
    monkeypatch.delenv(VARIABLE, raising=False)
    if level is not None:
        monkeypatch.setenv(VARIABLE, level)
    before = dict(os.environ)
    with without_messages():
        os.write(2, LINES)
    lines = LINES.decode().splitlines(keepends=True)
    assert capfd.readouterr().err == "".join(lines[number] for number in kept)
    assert dict(os.environ) == before


def test_the_stream_is_back_after_an_error(capfd):
    with pytest.raises(ZeroDivisionError), without_messages():
        print(1 / 0, file=sys.stderr)
    print("still here", file=sys.stderr, flush=True)
    assert capfd.readouterr().err == "still here\n"


def test_flags_that_may_end_the_process_leave_its_last_words(capfd, monkeypatch):
    monkeypatch.setenv("TF_XLA_FLAGS", "--nonsense")
    with without_messages():
        os.write(2, LINES)
        assert capfd.readouterr().err == LINES.decode()


def test_no_error_stream_is_no_hindrance(monkeypatch):
    def closed(number):
        raise OSError

    monkeypatch.setattr("os.dup", closed)
    with without_messages():
        pass
