"""What the README says can be typed."""

from __future__ import annotations

import re
import shlex

import typer

from support.sources import ROOT

README = (ROOT / "README.md").read_text("utf-8")
MARKED = re.compile(r"^<!-- ci: (\w+) -->\n```bash\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
TEST_PATH = re.compile(r"\btests(?:/[a-z_]+)+\.py")
BASH = re.compile(r"^```bash\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.partition(" #")[0].strip()
    for block in BASH.findall(README)
    for line in re.split(r"\n|&&", block)
    if line.strip().startswith("styler ")
]


def options_of(command):
    from styler.cli.app import app

    commands = typer.main.get_command(app).commands
    assert command in commands, f"there is no `styler {command}`"
    return {name for parameter in commands[command].params for name in (*parameter.opts, *parameter.secondary_opts)}


def test_pages_name_tests_that_exist():
    """By their paths, in backticks or in a command."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = {(page.name, path) for page in pages for path in TEST_PATH.findall(page.read_text("utf-8"))}
    assert len(named) > 20
    assert [place for place in sorted(named) if not (ROOT / place[1]).exists()] == []


def test_both_commands_stand_alone():
    marked = dict(MARKED.findall(README))
    assert set(marked) == {"render", "test"}
    for command in marked.values():
        assert command.startswith("python3 -m venv .venv && . .venv/bin/activate && pip install -c constraints.txt ")
        assert "\n" not in command


def test_render_command_works_twice_and_uses_what_is_here():
    command = dict(MARKED.findall(README))["render"]
    assert "--overwrite" in command
    missing = [word for word in command.split() if word.startswith("examples/") and not (ROOT / word).is_file()]
    assert not missing


def unknown_options(command):
    words = shlex.split(command)
    return {word.partition("=")[0] for word in words[2:] if word.startswith("-")} - options_of(words[1])


def test_commands_exist_with_their_options():
    assert COMMANDS
    assert {command: unknown_options(command) for command in COMMANDS if unknown_options(command)} == {}


def test_option_table_names_real_options():
    named = set(re.findall(r"`(--[a-z-]+)", README)) - {"--help"}
    assert named <= options_of("render")


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]
