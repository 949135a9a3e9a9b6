from __future__ import annotations

import numpy as np
import pytest

from styler.api import Stylizer
from styler.batch.statistics import StatisticsFolder
from styler.config import RenderConfig
from styler.losses import Stats
from styler.types import Size
from support.pictures import blobs, stripes

KEY = ("digest", Size(64, 48))


def made(seed):
    rng = np.random.default_rng(seed)
    return {
        layer: Stats(np.ones(1), *(rng.random(shape, np.float32) for shape in ((1, 3), (1, 3, 3)))) for layer in "ab"
    }


def same(found, wanted):
    assert list(found) == list(wanted)
    for layer, stats in wanted.items():
        for part, other in zip(found[layer], stats, strict=True):
            np.testing.assert_array_equal(part, other)


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


def test_a_render_with_kept_statistics_gives_the_same_picture(tmp_path, tiny):
    config = RenderConfig(network=tiny, size=64, steps=3)
    photo, painting = blobs(48, 64, 0), stripes(64, 64)
    first, second = (Stylizer(config, statistics=lambda _: StatisticsFolder(tmp_path, "tag")) for _ in range(2))
    fresh = first.render(photo, painting).image.tobytes()
    (kept,) = tmp_path.glob("*.npz")
    written = kept.stat().st_mtime_ns
    assert second.render(photo, painting).image.tobytes() == fresh
    assert [path.stat().st_mtime_ns for path in tmp_path.iterdir()] == [written]
