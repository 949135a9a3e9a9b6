import hashlib
import os
import re
import zipfile

import numpy as np
import pytest

from styler.errors import CheckpointError, OutputError
from styler.render.checkpoint import (
    DIGITS,
    LAYOUT,
    TAIL_BYTES,
    Checkpoint,
    is_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from styler.render.snapshot import Position, Snapshot
from support.checkpoints import ARRAYS, POSITION, example, signed


@pytest.fixture
def path(tmp_path):
    write_checkpoint(tmp_path / "state", example())
    return tmp_path / "state"


def test_what_is_written_is_read(path):
    found = read_checkpoint(path)
    assert found.job == example().job
    assert found.snapshot.position == POSITION
    assert list(found.snapshot.arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        mine = found.snapshot.arrays[name]
        assert (mine.dtype, mine.shape, mine.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_numpy_opens_it(path):
    with np.load(path) as archive:
        np.testing.assert_array_equal(archive["state.image"], ARRAYS["state.image"])


def test_the_digest_is_that_of_the_file_with_zeros_in_its_place(path):
    data = path.read_bytes()
    assert data[-DIGITS:].decode() == hashlib.sha256(data[:-DIGITS] + b"0" * DIGITS).hexdigest()


def test_every_flipped_byte_is_noticed(path, rng):
    data = path.read_bytes()
    for at in {*range(40), *range(len(data) - TAIL_BYTES - 30, len(data)), *rng.integers(0, len(data), 100).tolist()}:
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(CheckpointError):
            read_checkpoint(path)


def test_every_cut_is_noticed(path, rng):
    data = path.read_bytes()
    for length in {0, 1, 100, len(data) - 1, *rng.integers(0, len(data), 50).tolist()}:
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match="is not a styler checkpoint, or its end is missing"):
            read_checkpoint(path)


def test_one_is_known_by_its_end(path, tmp_path):
    assert is_checkpoint(path)
    path.write_bytes(path.read_bytes().replace(b"layout 000001", b"layout 000002")[200:])
    assert is_checkpoint(path)  # damaged and of a newer styler, and nothing else
    path.write_bytes(path.read_bytes() + b".")
    os.mkfifo(tmp_path / "pipe")
    assert not any(map(is_checkpoint, (path, tmp_path, tmp_path / "pipe", tmp_path / "absent")))


@pytest.mark.parametrize(("layout", "age"), [(LAYOUT + 1, "a newer"), (LAYOUT - 1, "an older")])
def test_another_layout_is_refused_by_its_number(path, layout, age):
    path.write_bytes(path.read_bytes().replace(b"layout %06d" % LAYOUT, b"layout %06d" % layout))
    with pytest.raises(CheckpointError, match=f"{age} version of styler: its layout is {layout}, and"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.unlink(), "cannot read .*state: No such file"),
        (lambda path: (path.unlink(), path.mkdir()), "expected a checkpoint file"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "expected a checkpoint file"),
        (lambda path: path.write_bytes(b"\x89PNG" * 100), "is not a styler checkpoint"),
        (lambda path: np.savez(path.open("wb"), a=1), "is not a styler checkpoint"),
    ],
    ids=["absent", "folder", "pipe", "image", "archive"],
)
@pytest.mark.filterwarnings("ignore:unclosed file")
def test_what_is_none_is_refused(path, make, said):
    make(path)
    with pytest.raises(CheckpointError, match=said):
        read_checkpoint(path)


def put(archive, name, data, **settings):
    archive.writestr(zipfile.ZipInfo(name), data, **settings)


HOSTILE = {
    "no header": lambda archive: put(archive, "a.npy", b""),
    "no json": lambda archive: put(archive, "checkpoint.json", b"{"),
    "deep json": lambda archive: put(archive, "checkpoint.json", b"[" * 100_000),
    "a list": lambda archive: put(archive, "checkpoint.json", b"[]"),
    "no position": lambda archive: put(archive, "checkpoint.json", b'{"job": {}}'),
    "a bomb": lambda archive: put(archive, "checkpoint.json", bytes(1000), compress_type=zipfile.ZIP_DEFLATED),
    "a pickle": lambda archive: put(archive, "a.npy", pickled()),
    "a large array": lambda archive: put(archive, "a.npy", headed("'<f4'", "(1000000, 1000000)")),
    "a negative array": lambda archive: put(archive, "a.npy", headed("'<f4'", "(-1, -4)")),
    "an odd type": lambda archive: put(archive, "a.npy", headed("'O'", "(1,)")),
}


def headed(kind, shape):
    text = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(16)


def pickled():
    return headed("'|O'", "()") + b"cposix\nsystem\n(S'exit 1'\ntR."


@pytest.mark.parametrize("name", HOSTILE)
def test_a_right_checksum_over_wrong_contents_is_refused(path, name):
    path.write_bytes(signed(HOSTILE[name]))
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("field", list(POSITION.to_dict()))
def test_a_position_of_another_kind_is_refused(field):
    values = POSITION.to_dict()
    for wrong in ({}, [1], {**values, field: {}}, {name: value for name, value in values.items() if name != field}):
        with pytest.raises(CheckpointError, match="a checkpoint"):
            Position.from_dict(wrong)


def test_a_full_disk_leaves_the_last_one(path, monkeypatch):
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("styler.images.atomic.os.fsync", full)
    with pytest.raises(OutputError, match=re.escape("No space left on device")):
        write_checkpoint(path, Checkpoint(job={}, snapshot=Snapshot(position=POSITION, arrays={})))
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["state"]
