from __future__ import annotations

import json
import multiprocessing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from styler.batch.ledger import DONE, FILENAME, HEADER, STARTED, Entry, opened_ledger, read_ledger
from styler.errors import BatchError


def entry(job, state=DONE, recipe="r", **facts):
    return Entry(job=job, state=state, recipe=recipe, facts=facts)


def filled(folder, *entries):
    with opened_ledger(folder) as ledger:
        for each in entries:
            ledger.append(each)
    return folder / FILENAME


def test_keeps_the_last_state_of_each_job(tmp_path):
    filled(tmp_path, entry("a", STARTED), entry("b", STARTED), entry("a", DONE, seconds=1.5))
    entries = read_ledger(tmp_path)
    assert {name: each.state for name, each in entries.items()} == {"a": DONE, "b": STARTED}
    assert entries["a"].facts["seconds"] == 1.5
    assert "time" in entries["a"].facts


def test_what_was_last_done_is_known_whatever_came_after(tmp_path):
    steps = [entry("a", DONE, "one"), entry("a", STARTED, "two"), entry("a", "failed", "two"), entry("b", STARTED)]
    filled(tmp_path, *steps)
    entries = read_ledger(tmp_path)
    assert (entries["a"].state, entries["a"].recipe, entries["a"].finished.recipe) == ("failed", "two", "one")
    assert entries["b"].finished is None
    with opened_ledger(tmp_path) as ledger:
        ledger.append(entry("a", DONE, "three"))
        assert ledger.entries["a"].finished.recipe == "three"


def test_names_of_any_bytes_come_back(tmp_path):
    names = ["caf\udce9.png", "Büro.png", "two\nlines.png", "\u2028.png"]
    path = filled(tmp_path, *map(entry, names))
    assert list(read_ledger(tmp_path)) == names
    assert "Büro" in path.read_text("utf-8")


def test_there_is_none_at_first(tmp_path):
    assert read_ledger(tmp_path) == {}
    assert not (tmp_path / FILENAME).exists()


@settings(deadline=None)
@given(cut=st.integers(0, 400), tail=st.sampled_from([b"", b"\0\0\0\0", b"{", b"\n\n", b"\xff\xfe"]))
def test_whatever_a_crash_leaves_of_the_last_lines_is_repaired(tmp_path_factory, cut, tail):
    folder = tmp_path_factory.mktemp("ledger")
    path = filled(folder, entry("a"), entry("b"), entry("c"))
    whole = path.read_bytes()
    path.write_bytes(whole[: max(0, len(whole) - cut)] + tail)
    seen = read_ledger(folder)
    assert list(seen) == ["a", "b", "c"][: len(seen)]
    with opened_ledger(folder) as ledger:
        assert ledger.entries == seen
        ledger.append(entry("d"))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == HEADER
    assert [line["job"] for line in lines[1:]] == [*seen, "d"]


def test_a_damaged_line_in_the_middle_costs_only_itself(tmp_path):
    path = filled(tmp_path, entry("a"), entry("b"), entry("c"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"rubbish\n", b'{"job": 3}\n', *lines[2:]]))
    assert set(read_ledger(tmp_path)) == {"a", "b", "c"}


def test_somebodys_file_is_not_touched(tmp_path):
    path = tmp_path / FILENAME
    path.write_text('{"my": "notes"}\n')
    with pytest.raises(BatchError, match="ledger of this version"), opened_ledger(tmp_path):
        pass
    assert path.read_text() == '{"my": "notes"}\n'


def test_only_one_batch_at_a_time(tmp_path):
    with opened_ledger(tmp_path), pytest.raises(BatchError, match="another batch"), opened_ledger(tmp_path):
        pass
    with opened_ledger(tmp_path):
        pass


def hold(folder, connection):
    with opened_ledger(folder):
        connection.send(True)
        connection.recv()


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=hold, args=(tmp_path, theirs))
    process.start()
    assert ours.poll(60)
    with pytest.raises(BatchError), opened_ledger(tmp_path):
        pass
    process.kill()
    process.join()
    with opened_ledger(tmp_path):
        pass
    ours.close()
    theirs.close()


def test_a_folder_that_cannot_be_written_is_an_error_in_one_line(tmp_path):
    with pytest.raises(BatchError, match="cannot write"), opened_ledger(tmp_path / "absent"):
        pass
