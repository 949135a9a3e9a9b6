from __future__ import annotations

import os
import subprocess

import pytest

from styler.cli.shell import command, quoted

WORDS = [
    "plain",
    "two words",
    "it's",
    '"$HOME" `x` \\ !',
    "*.jpg",
    "",
    "-n",
    "~",
    "two\nlines",
    "\x1b[31m\x07'\\12",
    "\u202eabc",
    os.fsdecode(b"caf\xe9 1"),
    "Büro \U0001f408",
]


@pytest.mark.parametrize("word", WORDS)
def test_a_shell_reads_the_word_back(word):
    line = quoted(word)
    assert line.isprintable()
    done = subprocess.run(["bash", "-c", f"printf %s {line}"], capture_output=True, check=True)
    assert done.stdout == os.fsencode(word)


def test_a_command_is_one_line():
    assert command(["styler", "resume", "a b", "c\nd"]) == r"styler resume 'a b' $'c\012d'"
