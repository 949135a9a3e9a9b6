from __future__ import annotations

import numpy as np
import pytest

from styler.api import Stylizer
from styler.batch.statistics import StatisticsFolder
from styler.config import RenderConfig
from styler.render import recent
from styler.types import Size
from support.pictures import blobs, stripes

KEY = ("digest", Size(64, 48))


def made(seed):
    rng = np.random.default_rng(seed)
    return {
        f"style {layer}": {
            "count": np.ones((1, 1), np.float32),
            "first": rng.random((1, 1, 3), np.float32),
            "second": rng.random((1, 1, 3, 3), np.float32),
        }
        for layer in "ab"
    }


def same(found, wanted):
    assert list(found) == list(wanted)
    for term, stats in wanted.items():
        assert list(found[term]) == list(stats)
        for name, part in stats.items():
            np.testing.assert_array_equal(found[term][name], part)


def test_another_process_finds_what_was_kept(tmp_path):
    kept = StatisticsFolder(tmp_path / "s", "tag")
    assert KEY not in kept
    kept[KEY] = made(1)
    again = StatisticsFolder(tmp_path / "s", "tag")
    assert KEY in again
    same(again[KEY], made(1))
    assert KEY not in StatisticsFolder(tmp_path / "s", "other")
    assert ("digest", Size(48, 64)) not in again
    assert len(again) == len(list(again)) == 1
    del again[KEY]
    assert KEY not in StatisticsFolder(tmp_path / "s", "tag")


def test_what_memory_has_no_room_for_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(recent, "MOST", 0)
    kept, other = StatisticsFolder(tmp_path, "tag"), ("other", Size(64, 48))
    kept[KEY], kept[other] = made(1), made(2)
    assert len(kept) == 1
    same(kept[KEY], made(1))
    same(kept[other], made(2))


@pytest.mark.parametrize("damage", [b"", b"rubbish", None])
def test_a_damaged_file_is_as_if_it_were_not_there(tmp_path, damage):
    kept = StatisticsFolder(tmp_path, "tag")
    kept[KEY] = made(1)
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(path.read_bytes()[:200] if damage is None else damage)
    assert KEY not in StatisticsFolder(tmp_path, "tag")


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path):
    kept = StatisticsFolder(tmp_path / "absent" / "deep", "tag")
    kept[KEY] = made(2)
    same(kept[KEY], made(2))


@pytest.mark.usefixtures("shared_programs")
def test_a_render_with_kept_statistics_gives_the_same_picture(tmp_path, tiny):
    config = RenderConfig(network=tiny, size=64, steps=3)
    photo, painting = blobs(48, 64, 0), stripes(64, 64)
    first, second = (Stylizer(config, statistics=lambda _: StatisticsFolder(tmp_path, "tag")) for _ in range(2))
    fresh = first.render(photo, painting).image.tobytes()
    (kept,) = tmp_path.glob("*.npz")
    written = kept.stat().st_mtime_ns
    assert second.render(photo, painting).image.tobytes() == fresh
    assert [path.stat().st_mtime_ns for path in tmp_path.iterdir()] == [written]
