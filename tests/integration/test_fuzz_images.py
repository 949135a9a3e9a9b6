"""Random damage to honest files: read, or refused with an ImageError, whatever it is.

`FUZZ_CASES=20000 pytest -m fuzz tests/integration/test_fuzz_images.py` for more than the usual number.
"""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from styler.errors import ImageError
from styler.images.reading import check_readable, read_image
from styler.images.recipes import read_recipe, text_of_xmp
from support.image_files import honest_files

CASES = int(os.environ.get("FUZZ_CASES", "2000"))
LONGEST = 10.0  # seconds of the processor over one file
FILES = honest_files()
pytestmark = pytest.mark.fuzz
often = settings(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

places = st.floats(0, 1, exclude_max=True)
changes = st.one_of(
    st.tuples(st.just("set"), places, st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("insert"), places, st.binary(min_size=1, max_size=40)),
    st.tuples(st.just("cut"), places, st.integers(1, 200)),
    st.tuples(st.just("repeat"), places, st.integers(1, 200)),
)


def changed(data, edits):
    for kind, place, what in edits:
        at = int(place * len(data))
        if kind == "set":
            data = data[:at] + what + data[at + len(what) :]
        elif kind == "insert":
            data = data[:at] + what + data[at:]
        elif kind == "cut":
            data = data[:at] + data[at + what :]
        else:
            data = data[: at + what] + data[at:]
    return data


def refusal(read, path):
    """What it says if it refuses, nothing if it reads; any other error ends the test."""
    try:
        read(path)
    except ImageError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "case"


@often
@given(name=st.sampled_from(sorted(FILES)), edits=st.lists(changes, min_size=1, max_size=6))
def test_damaged_files(path, name, edits):
    path.write_bytes(changed(FILES[name], edits))
    started = time.process_time()
    for read in (check_readable, read_image, read_recipe):
        assert refusal(read, path).isprintable()
    assert time.process_time() - started < LONGEST


@often
@given(data=st.binary(max_size=400), start=st.sampled_from([data[:32] for data in FILES.values()]))
def test_random_bytes_behind_an_honest_start(path, data, start):
    path.write_bytes(start + data)
    assert refusal(read_image, path).isprintable()


@often
@given(packet=st.binary(max_size=200))
def test_packets_of_any_bytes(packet):
    for data in (packet, b"<styler:recipe>" + packet + b"</styler:recipe>"):
        assert isinstance(text_of_xmp(data), str | None)
