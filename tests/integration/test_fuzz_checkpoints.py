"""Random damage to checkpoints, also under a right checksum: read, or refused with a CheckpointError, whatever it is.

`FUZZ_CASES=20000 pytest -m fuzz tests/integration/test_fuzz_checkpoints.py` for more than the usual number.
"""

from __future__ import annotations

import json
import os
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from styler.errors import CheckpointError
from styler.render.checkpoint import HEADER, read_checkpoint, write_checkpoint
from styler.render.job import read_job
from styler.render.snapshot import Position
from support.checkpoints import POSITION, example, resigned, signed

CASES = int(os.environ.get("FUZZ_CASES", "2000"))
LONGEST = 10.0  # seconds of the processor over one file
pytestmark = pytest.mark.fuzz
often = settings(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
places = st.floats(0, 1, exclude_max=True)
edits = st.lists(st.tuples(places, st.integers(0, 12), st.binary(max_size=12)), min_size=1, max_size=6)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
JOB = {
    "content": "photo.png",
    "styles": ["painting.png"],
    "config": {},
    "sha256": ["0" * 64] * 3,
    "max_pixels": None,
    "choices": {},
    "plan": {},
    "versions": {},
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "state"


@pytest.fixture(scope="module")
def honest(path):
    write_checkpoint(path, example())
    return path.read_bytes()


def refusal(read, *what):
    """What it says if it refuses, nothing if it reads; any other error ends the test."""
    started = time.process_time()
    try:
        read(*what)
    except CheckpointError as error:
        return str(error)
    finally:
        assert time.process_time() - started < LONGEST
    return ""


def edited(data, changes):
    for place, cut, put in changes:
        at = int(place * len(data))
        data = data[:at] + put + data[at + cut :]
    return data


@often
@given(changes=edits)
def test_damaged_files(path, honest, changes):
    data = edited(honest, changes)
    path.write_bytes(data)
    said = refusal(read_checkpoint, path)
    assert said.isprintable()
    assert said or data == honest


@often
@given(changes=edits)
def test_damaged_files_under_a_right_checksum(path, honest, changes):
    tail = len(honest) - 110  # the comment stays as it is
    path.write_bytes(resigned(edited(honest[:tail], changes) + honest[tail:]))
    assert refusal(read_checkpoint, path).isprintable()


@often
@given(header=st.dictionaries(st.sampled_from(["job", "position", "other"]), plain, max_size=3))
def test_headers_of_any_values(path, header):
    path.write_bytes(signed(lambda archive: archive.writestr(HEADER, json.dumps(header))))
    assert refusal(read_checkpoint, path).isprintable()


@often
@given(changes=st.dictionaries(st.sampled_from(sorted(POSITION.to_dict())), plain, min_size=1, max_size=3))
def test_positions_of_any_values(changes):
    assert refusal(Position.from_dict, {**POSITION.to_dict(), **changes}).isprintable()


@often
@given(changes=st.dictionaries(st.sampled_from(sorted(JOB)), plain, min_size=1, max_size=3))
def test_jobs_of_any_values(changes):
    assert refusal(read_job, {**JOB, **changes}).isprintable()
