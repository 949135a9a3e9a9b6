from __future__ import annotations

import os
import subprocess
import sys
import traceback

import pytest

from styler import forks
from styler.errors import ResourceError
from styler.images.reading import read_image
from support.pictures import blobs, saved

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:This process .*fork:DeprecationWarning"),  # that is what is tested
]


def in_child(work):
    """What a piece of work says in a forked child, which must say it at once."""
    end, start = os.pipe()
    child = os.fork()
    if not child:
        try:
            said = repr(work())
        except BaseException as problem:
            said = "".join(traceback.format_exception_only(problem))
        os.write(start, said.encode())
        os._exit(0)
    os.close(start)
    with os.fdopen(end) as pipe:
        said = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return said


@pytest.fixture
def busy():
    """A process in which TensorFlow computes."""
    import tensorflow as tf

    return float(tf.ones(3)[0])


def render():
    import styler

    return styler.Stylizer()


def render_with(studio):
    return lambda: studio.render([[[0.5] * 3]], [[[0.5] * 3]])


def extract():
    import styler
    from styler.networks import find_network

    return styler.FeatureExtractor.of(find_network("compact"), ["block1_conv1"])


def read_graph():
    from styler.features.graph import GraphExtractor

    return GraphExtractor(None, ["x"])


@pytest.mark.parametrize("work", [render, extract, read_graph])
def test_a_child_of_a_busy_process_says_at_once_that_it_cannot_compute(busy, work):
    said = in_child(work)
    assert said.startswith("styler.errors.ResourceError: this process was forked after ")
    assert "TensorFlow" in said
    assert "spawn" in said
    assert said.count("\n") == 1


def test_so_does_one_with_the_parents_own_objects(busy):
    from styler import FeatureExtractor, RenderConfig, Stylizer
    from support.networks import tiny_network

    studio = Stylizer(RenderConfig(size=64, steps=1), network=tiny_network())
    extractor = FeatureExtractor(tiny_network().build(None), ["block1_conv1"])
    for work in (render_with(studio), lambda: extractor([[[[0.5] * 3]]])):
        assert "spawn" in in_child(work)


def test_the_parent_and_a_new_process_go_on(busy):
    in_child(render)
    forks.check_not_forked()
    code = "import styler; from styler.forks import check_not_forked; check_not_forked(); print('fine')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "fine\n"


def test_a_grandchild_is_refused_too(busy):
    assert "spawn" in in_child(lambda: in_child(forks.check_not_forked))


@pytest.mark.parametrize(
    ("names", "running"),
    [
        (["python", "python"], []),
        (["python", "tf_Compute", "tf_Eigen"], ["TensorFlow"]),
        (["python", "libvips worker"], ["libvips"]),
        (["libvips worker", "tf_graph_runner"], ["TensorFlow", "libvips"]),
    ],
)
def test_what_runs_is_told_by_the_names_of_threads(tmp_path, monkeypatch, names, running):
    for number, name in enumerate(names):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(f"{name}\n")
    monkeypatch.setattr(forks, "THREADS", tmp_path)
    assert forks.running() == running


def test_where_threads_have_no_names_what_is_loaded_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(forks, "THREADS", tmp_path / "absent")
    monkeypatch.delitem(sys.modules, "pyvips", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    assert forks.running() == ["TensorFlow"]


def test_a_child_of_a_process_that_only_imported_is_not_refused(monkeypatch):
    monkeypatch.setattr(forks, "running", list)
    assert in_child(forks.check_not_forked) == "None"


def test_a_file_is_read_in_a_child_only_if_libvips_lost_nothing(tmp_path, monkeypatch):
    photo = saved(tmp_path / "photo.png", blobs(8, 8, 1))
    monkeypatch.setattr(forks, "_lost", ["TensorFlow"])
    assert read_image(photo).size == (8, 8)
    monkeypatch.setattr(forks, "_lost", ["TensorFlow", "libvips"])
    with pytest.raises(ResourceError, match="forked after libvips had started"):
        read_image(photo)


def test_a_parents_stylizer_refuses_before_it_reads_files(busy, tmp_path):
    from styler import RenderConfig, Stylizer
    from support.networks import tiny_network

    studio = Stylizer(RenderConfig(size=64, steps=1), network=tiny_network())
    photo = saved(tmp_path / "photo.jpg", blobs(64, 64, 1))
    read_image(photo)  # starts libvips, whose threads the child lacks
    assert "spawn" in in_child(lambda: studio.render(photo, photo))


def test_the_refusal_is_an_error_of_the_program(monkeypatch):
    monkeypatch.setattr(forks, "_lost", ["libvips"])
    with pytest.raises(ResourceError, match="after libvips had started"):
        forks.check_not_forked()
