from __future__ import annotations

import gc
import os

import pytest

import styler
from styler.cli import app
from styler.cli.app import prepare_environment, run
from styler.errors import ResourceError
from styler.recipe import SWITCHES
from support.refusals import PAIR, REFUSALS, furnish


def test_what_cannot_be_carried_out_is_refused_in_one_line(folder, capsys):
    furnish(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    otherwise = {}
    for arguments, said in REFUSALS:
        status = run(list(arguments))
        out, err = capsys.readouterr()
        one_line = err.startswith("error: ") and err.count("\n") == 1
        if (status, out, one_line, said in err) != (2, "", True, True):
            otherwise[arguments] = (status, out, err)
    assert otherwise == {}
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize("words", ["--help", "-h", "render --help", "layers -h", "doctor --help"])
def test_help_goes_to_stdout(capsys, words):
    assert run(words.split()) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Usage: styler")
    assert err == ""


@pytest.mark.parametrize("arguments", [[], ["render"], ["batch"], ["resume"], ["features"]])
def test_a_bare_command_shows_its_help_and_is_refused(capsys, arguments):
    assert run(arguments) == 2
    assert "Usage: styler" in capsys.readouterr().out


def test_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"styler {styler.__version__}\n"


def failing(monkeypatch, error):
    """Make `render --dry-run` end with an error."""

    def fail(_request):
        raise error

    monkeypatch.setattr("styler.cli.plan.describe", fail)
    return [*PAIR, "--dry-run"]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ResourceError("too little\n memory"), 2, "error: too little memory\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (
            ZeroDivisionError("by zero"),
            1,
            "error: ZeroDivisionError: by zero. This is a bug; run again with --debug and report it\n",
        ),
    ],
)
def test_every_end_has_its_status_and_one_line(folder, capsys, monkeypatch, error, status, said):
    assert run(failing(monkeypatch, error)) == status
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(("extra", "shown"), [(["--debug"], True), ([], False)])
def test_debug_adds_the_traceback(folder, capsys, monkeypatch, extra, shown):
    assert run([*failing(monkeypatch, ZeroDivisionError("by zero")), *extra]) == 1
    err = capsys.readouterr().err
    assert ("Traceback (most recent call last)" in err) is shown
    assert err.splitlines()[-1].startswith("error: ZeroDivisionError")


@pytest.mark.parametrize(
    ("words", "constant"), [(["render", "a.jpg"], "1"), (["replay", "a.png"], "1"), (["features"], None), ([], None)]
)
def test_the_environment_is_set_and_the_users_choice_kept(monkeypatch, words, constant):
    for variable in SWITCHES.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    prepare_environment(words)
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert os.environ.get("TF_ONEDNN_ASSUME_FROZEN_WEIGHTS") == constant
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
    monkeypatch.setenv("TF_ONEDNN_ASSUME_FROZEN_WEIGHTS", "0")
    prepare_environment(words)
    assert os.environ["TF_ONEDNN_ASSUME_FROZEN_WEIGHTS"] == "0"


def test_main_leaves_with_the_status(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setattr("sys.argv", ["styler", "rendr"])
    before = gc.get_threshold()
    try:
        with pytest.raises(SystemExit) as left:
            app.main()
        assert left.value.code == 2
        assert gc.get_threshold()[0] == app.OBJECTS_A_COLLECTION
        assert gc.get_freeze_count() > 0
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def test_keras_makes_no_folder_called_tilde_for_a_user_without_a_home(monkeypatch):
    from styler.networks.weights import keras_folder

    for name in ("HOME", "KERAS_HOME"):
        monkeypatch.setenv(name, "restored by the fixture")
        monkeypatch.delenv(name)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    prepare_environment(["render"])
    assert os.environ["KERAS_HOME"] == os.devnull
    assert keras_folder() is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["photo.jpg", "painting.jpg", "--size", "300"], "styler render photo.jpg painting.jpg --size 300"),
        (["my photo.jpg"], "styler render 'my photo.jpg' PAINTING"),
    ],
)
def test_images_without_a_command_get_the_command_that_was_meant(capsys, words, said):
    assert run(words) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_command_is_no_image(capsys):
    assert run(["rendr", "photo.jpg"]) == 2
    assert "Did you mean 'render'?" in capsys.readouterr().err


COMPLETIONS = {
    "bash": {"COMP_WORDS": "styler render --color l", "COMP_CWORD": "3"},
    "zsh": {"_TYPER_COMPLETE_ARGS": "styler render --color l"},
    "fish": {"_TYPER_COMPLETE_ARGS": "styler render --color l", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_shells_complete_choices(capsys, monkeypatch, shell):
    monkeypatch.setenv("_STYLER_COMPLETE", f"complete_{shell}")
    for name, value in COMPLETIONS[shell].items():
        monkeypatch.setenv(name, value)
    assert run([]) == 0
    assert "luminance" in capsys.readouterr().out


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_completion_is_installed_by_one_command(capsys, monkeypatch, shell, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert run(["--install-completion", shell]) == 0
    scripts = [path for path in tmp_path.rglob("*") if path.is_file() and "styler" in path.read_text("utf-8")]
    assert any("_STYLER_COMPLETE" in path.read_text("utf-8") for path in scripts)
