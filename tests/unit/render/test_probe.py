"""The probe itself in this process, at sizes that take no time; its cache; what becomes of a probe that fails."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from styler.config import RenderConfig
from styler.render import probe as module
from styler.render.cost import Cost, Line
from styler.render.probe import READY, cache_folder, is_kept, main, measured, probed
from support.networks import tiny_network
from support.programs import shared_engine

CONFIG = RenderConfig()
COST = Cost(memory=Line(1, 2), seconds=Line(3, 4), first=5, sweep=(6, 7))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def runs(monkeypatch):
    """Command lines of the processes that would have measured, and what they say."""
    said, seen = [f"noise\n{READY}{json.dumps(COST.to_dict())}\n"], []

    def run(command, **options):
        seen.append(command)
        if isinstance(said[0], Exception):
            raise said[0]
        return subprocess.CompletedProcess(command, 0, said[0], "")

    monkeypatch.setattr(module.subprocess, "run", run)
    return said, seen


def test_measured_once_and_kept(runs):
    _, seen = runs
    assert not is_kept(CONFIG, "tiles")
    assert probed(CONFIG, "tiles") == probed(CONFIG, "tiles") == COST
    assert len(seen) == 1
    assert seen[0][1:4] == ["-m", "styler.render.probe", "tiles"]
    assert RenderConfig.from_dict(json.loads(seen[0][4])) == CONFIG
    assert is_kept(CONFIG, "tiles")


@pytest.mark.parametrize("changes", [{"loss": "gram"}, {"optimizer": "adam"}, {"pooling": "max"}])
def test_another_engine_is_measured_anew(runs, changes):
    probed(CONFIG, "whole")
    probed(CONFIG.changed(**changes), "whole")
    probed(CONFIG.changed(size=1000, strength=0.3), "whole")
    assert len(runs[1]) == 2


def test_other_versions_are_measured_anew(runs, monkeypatch):
    probed(CONFIG, "whole")
    monkeypatch.setattr("styler.__version__", "99")
    probed(CONFIG, "whole")
    assert len(runs[1]) == 2


def test_a_damaged_note_is_measured_anew(runs):
    probed(CONFIG, "whole")
    for path in cache_folder().iterdir():
        path.write_text("{")
    assert probed(CONFIG, "whole") == COST
    assert len(runs[1]) == 2


def test_the_latest_measurements_are_kept(runs, monkeypatch):
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    for network_rate in (0.1, 0.2, 0.3):
        probed(CONFIG.changed(optimizer="adam", learning_rate=network_rate), "whole")
        time.sleep(0.02)
    kept = [is_kept(CONFIG.changed(optimizer="adam", learning_rate=rate), "whole") for rate in (0.1, 0.2, 0.3)]
    assert kept == [False, True, True]


def test_without_a_cache_folder_it_is_measured_every_time(runs, cache):
    (cache / "styler").write_text("a file")
    assert probed(CONFIG, "whole") == COST
    assert not is_kept(CONFIG, "whole")


@pytest.mark.parametrize("said", ["", "nothing\n", OSError("no fork"), subprocess.TimeoutExpired("probe", 1)])
def test_what_cannot_be_measured_is_none_and_not_kept(runs, said):
    runs[0][0] = said
    assert probed(CONFIG, "whole") is None
    assert not is_kept(CONFIG, "whole")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "SIDES", (64, 96))
    monkeypatch.setattr(module, "SWEPT", 64)
    monkeypatch.setattr(module, "Engine", shared_engine)
    monkeypatch.setattr(module, "find_network", lambda name: tiny_network())


def test_tiles_cost_time_and_the_optimizer_too(small):
    cost = measured(CONFIG, "tiles")
    assert cost.seconds.at(10**6) > 0
    assert cost.memory.at(10**6) >= 0
    assert len(cost.sweep) == 2


def test_a_probe_says_one_line(small, capsys):
    main("whole", json.dumps(CONFIG.to_dict()))
    line = capsys.readouterr().out.splitlines()[-1]
    assert Cost.from_dict(json.loads(line.removeprefix(READY))).seconds.at(10**6) > 0


def test_a_user_without_a_home_folder_has_no_cache(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", homeless)
    with pytest.raises(FileNotFoundError, match="home"):
        cache_folder()
