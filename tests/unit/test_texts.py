from __future__ import annotations

import tomllib

import pytest

from styler.texts import decoded, toml_hint, unified

SAID = "content,style\nBüro €.jpg,s.jpg\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_a_text_is_the_same_in_whatever_encoding(encoding):
    assert decoded(SAID.encode(encoding)) == SAID


def test_big_endian_marks_are_known():
    assert decoded(b"\xfe\xff" + SAID.encode("utf-16-be")) == SAID
    assert decoded(b"\x00\x00\xfe\xff" + SAID.encode("utf-32-be")) == SAID


@pytest.mark.parametrize("data", [b"", b"a"])
def test_the_shortest_texts(data):
    assert decoded(data) == data.decode()


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"ab\0cd", b"caf\x81\xff"])
def test_what_is_no_text_is_refused(data):
    with pytest.raises(ValueError, match=r"expected text|charmap"):
        decoded(data)


def test_line_ends_of_all_systems():
    assert unified("a\r\nb\rc\nd") == "a\nb\nc\nd"


@pytest.mark.parametrize(("text", "hinted"), [('a = "in\\q.jpg"', True), ('a = "C:\\Users"', True), ("a = ", False)])
def test_a_path_of_windows_in_double_quotes_gets_a_hint(text, hinted):
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    assert bool(toml_hint(caught.value)) is hinted
