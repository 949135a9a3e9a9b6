"""The real download code against a real server that misbehaves."""

from __future__ import annotations

import hashlib
import multiprocessing
import stat
import subprocess
import sys
import time

import pytest

from styler.errors import WeightsError
from styler.networks.download import download, matches
from support.flaky_server import flaky

PAYLOAD = bytes(range(256)) * 4096  # 1 MiB
MD5 = hashlib.md5(PAYLOAD).hexdigest()
SHA256 = hashlib.sha256(PAYLOAD).hexdigest()
QUICK = {"patience": 0.5, "pause": 0.01}


@pytest.fixture
def target(tmp_path):
    return tmp_path / "models" / "weights.h5"


def leftovers(target):
    return sorted(path.name for path in target.parent.iterdir() if path.suffix != ".lock")


@pytest.mark.parametrize("digest", [MD5, SHA256, ""], ids=["md5", "sha256", "none"])
def test_a_file_is_fetched_whole_with_progress(target, digest):
    seen = []
    with flaky(PAYLOAD) as server:
        found = download(server.address, target, digest, observer=lambda *event: seen.append(event), **QUICK)
    assert found == target
    assert target.read_bytes() == PAYLOAD
    assert leftovers(target) == ["weights.h5"]
    assert seen[0] == (0, len(PAYLOAD))
    assert seen[-1] == (len(PAYLOAD), len(PAYLOAD))
    assert seen == sorted(seen)


@pytest.mark.parametrize("plan", [["cut:100000"], ["stall:100000"], ["cut:1", "stall:70000", "cut:5"], ["503"]])
def test_an_interrupted_download_goes_on_where_it_stopped(target, plan):
    with flaky(PAYLOAD, *plan) as server:
        download(server.address, target, MD5, **QUICK)
        assert len(server.requests) == len(plan) + 1
        if plan != ["503"]:
            have = sum(int(step.partition(":")[2]) for step in plan)
            assert server.requests[-1] == f"bytes={have}-"
    assert target.read_bytes() == PAYLOAD


def test_a_server_without_ranges_is_asked_again_from_the_start(target):
    with flaky(PAYLOAD, "cut:1000", "whole") as server:
        download(server.address, target, MD5, **QUICK)
    assert target.read_bytes() == PAYLOAD


def test_a_later_call_goes_on_with_what_an_earlier_one_left(target):
    with flaky(PAYLOAD, "cut:300000") as server:
        with pytest.raises(
            WeightsError, match="the connection was lost after 300000 of 1048576 bytes, after 1 attempts"
        ):
            download(server.address, target, MD5, attempts=1, **QUICK)
        assert leftovers(target) == ["weights.h5.part"]
        download(server.address, target, MD5, attempts=1, **QUICK)
        assert server.requests == [None, "bytes=300000-"]
    assert target.read_bytes() == PAYLOAD


@pytest.mark.parametrize("old", [b"of another file", PAYLOAD + b"and more", bytes(len(PAYLOAD))])
def test_a_leftover_of_another_file_is_thrown_away(target, old):
    target.parent.mkdir()
    target.with_name("weights.h5.part").write_bytes(old)
    with flaky(PAYLOAD) as server:
        download(server.address, target, MD5, **QUICK)
    assert target.read_bytes() == PAYLOAD


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (["stall:10"] * 2, "cannot download weights.h5: the connection stalled, after 2 attempts"),
        (["404"], "cannot download weights.h5: the server answered 404 Not Found"),
        (["503"] * 2, "the server answered 503 Service Unavailable, after 2 attempts"),
        (["wrong"], f"the download of weights.h5 is damaged: its checksum is not {MD5}"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line_and_leaves_no_file(target, plan, message):
    with flaky(PAYLOAD, *plan) as server, pytest.raises(WeightsError, match=message) as problem:
        download(server.address, target, MD5, attempts=2, **QUICK)
    assert "\n" not in str(problem.value)
    assert not target.exists()
    if plan == ["404"]:
        assert len(server.requests) == 1, "an absent file is not asked for again"


def test_nobody_there(target):
    with flaky(PAYLOAD) as server:
        address = server.address
    with pytest.raises(WeightsError, match="refused"):
        download(address, target, MD5, attempts=2, **QUICK)


def test_a_sound_file_is_left_alone_and_a_damaged_one_replaced(target):
    target.parent.mkdir()
    target.write_bytes(PAYLOAD)
    with flaky(PAYLOAD) as server:
        download(server.address, target, SHA256, **QUICK)
        assert server.requests == []
        target.write_bytes(b"damaged")
        download(server.address, target, SHA256, **QUICK)
    assert target.read_bytes() == PAYLOAD


def test_a_damaged_file_stays_until_the_new_one_is_whole(target):
    target.parent.mkdir()
    target.write_bytes(b"damaged")
    with flaky(PAYLOAD, "404") as server, pytest.raises(WeightsError):
        download(server.address, target, SHA256, **QUICK)
    assert target.read_bytes() == b"damaged"


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with flaky(PAYLOAD) as server, pytest.raises(WeightsError, match="cannot write"):
        download(server.address, tmp_path / "file" / "weights.h5", MD5, **QUICK)


def fetch(address, target):
    download(address, target, MD5, patience=5, pause=0.01)


def test_two_processes_at_once_download_once(target):
    context = multiprocessing.get_context("spawn")
    with flaky(PAYLOAD) as server:
        processes = [context.Process(target=fetch, args=(server.address, target)) for _ in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0, 0]
        assert len(server.requests) == 1
    assert target.read_bytes() == PAYLOAD


def test_a_killed_download_frees_the_lock_and_is_resumed(target):
    code = (
        "import sys, pathlib; from styler.networks.download import download; "
        "download(sys.argv[1], pathlib.Path(sys.argv[2]), '', patience=60)"
    )
    with flaky(PAYLOAD, "stall:200000") as server:
        process = subprocess.Popen([sys.executable, "-c", code, server.address, str(target)])
        part = target.with_name("weights.h5.part")
        deadline = time.monotonic() + 20
        while not (server.requests and part.exists()) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
        process.kill()
        process.wait()
        download(server.address, target, MD5, **QUICK)
    assert target.read_bytes() == PAYLOAD


def test_checksums(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(PAYLOAD)
    assert matches(path, MD5)
    assert matches(path, SHA256)
    assert not matches(path, MD5[::-1])
    assert matches(path, "")
    path.write_bytes(b"")
    assert not matches(path, "")
    assert stat.S_ISREG(path.stat().st_mode)
