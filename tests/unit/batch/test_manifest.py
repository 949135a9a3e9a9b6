from __future__ import annotations

import pytest

from styler.batch.manifest import read_manifest
from styler.errors import BatchError

ROWS = [{"content": "a.jpg", "style": "s.jpg", "size": 64}, {"content": "b, c.jpg", "style": "s.jpg"}]
SAME = {
    "jobs.csv": '# size = 512\n# my shoot\n\ncontent,style,size\na.jpg,s.jpg,64\n"b, c.jpg",s.jpg,\n',
    "semicolons.csv": "\ufeff# size = '512'\ncontent;style;size\r\na.jpg;s.jpg;64\r\nb, c.jpg;s.jpg;\r\n",
    "jobs.tsv": "# size = 512\ncontent\tstyle\tsize\na.jpg\ts.jpg\t64\nb, c.jpg\ts.jpg\t\n",
    "spaces.csv": '# size = 512\ncontent, style, size\na.jpg , s.jpg, 64\n"b, c.jpg", s.jpg, \n',
    "table.toml": '[defaults]\nsize = 512\n[[job]]\ncontent = "a.jpg"\nstyle = "s.jpg"\nsize = 64\n'
    '[[job]]\ncontent = "b, c.jpg"\nstyle = "s.jpg"\n',
    "jobs.jsonl": '{"defaults": {"size": 512}}\n\n{"content": "a.jpg", "style": "s.jpg", "size": 64}\n'
    '{"content": "b, c.jpg", "style": "s.jpg"}\n',
    "jobs.toml": 'size = 512\n[[job]]\ncontent = "a.jpg"\nstyle = "s.jpg"\nsize = 64\n'
    '[[job]]\ncontent = "b, c.jpg"\nstyle = "s.jpg"\n',
}


@pytest.mark.parametrize("name", SAME)
def test_all_kinds_say_the_same(tmp_path, name):
    path = tmp_path / name
    path.write_text(SAME[name], "utf-8", newline="")
    defaults, rows = read_manifest(path)
    assert {key: int(value) for key, value in defaults.items()} == {"size": 512}
    found = [{name.strip(): value for name, value in row.options.items()} for row in rows]
    assert [row.get("size") and int(row["size"]) for row in found] == [64, None]
    assert [(row["content"], row["style"]) for row in found] == [(row["content"], row["style"]) for row in ROWS]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [("a.csv", "# x\n\ncontent,style\na,b\n", "line 4"), ("a.jsonl", '\n{"content": 1}', "line 2")],
)
def test_a_row_knows_its_line(tmp_path, name, text, place):
    (tmp_path / name).write_text(text)
    assert read_manifest(tmp_path / name)[1][0].place.endswith(place)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "content,style\n", "has no jobs"),
        ("a.csv", "", "has no jobs"),
        ("a.csv", "content,style\na,b,c\n", "line 2: more cells than the header"),
        ("a.csv", 'content,style\n"a,b\n', "unexpected end of data"),
        ("a.csv", "content,style,Style\na,b,c\n", "line 1: 'style' is given twice"),
        ("a.csv", "content,style,style weights,style_weights\na,b,1,1\n", "'style_weights' is given twice"),
        ("a.csv", "content,style,\na,b,c\n", "line 2: 'c' is in a column without a name"),
        ("a.csv", "a.jpg,s.jpg\nb.jpg,s.jpg\n", "line 1: expected a header with names of options"),
        ("a.jsonl", '{"content": "a", "content": "b"}', "line 1: 'content' is given twice"),
        ("a.toml", "[[job]]\nstyle-scale = 1\nstyle_scale = 2\n", "job 1: 'style_scale' is given twice"),
        ("a.toml", '[[job]]\ncontent = "in\\q.jpg"\n', "is not TOML.*single quotes"),
        ("a.jsonl", '{"content": \n', "line 1: not JSON"),
        ("a.jsonl", "[1]\n", "line 1: expected an object"),
        ("a.toml", "job = 3\n", r"expected \[\[job\]\] tables"),
        ("a.toml", "= 3", "is not TOML"),
        ("a.toml", '[[jobs]]\ncontent = "a"\n', r"expected \[\[job\]\] tables, got \[\[jobs\]\]"),
        ("a.json", "[]", "unknown kind of manifest '.json'. Did you mean '.jsonl'"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(BatchError, match=said):
        read_manifest(tmp_path / name)


def test_absent_files_and_other_encodings(tmp_path):
    with pytest.raises(BatchError, match=r"cannot read .*absent\.csv"):
        read_manifest(tmp_path / "absent.csv")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    with pytest.raises(BatchError, match="expected a text"):
        read_manifest(tmp_path / "picture.csv")


TABLE = [{"content": "a.jpg", "style": "s.jpg", "strength": "0.5"}, {"content": "Büro.jpg", "style": "s.jpg"}]
TEXT = "content,style,strength\na.jpg,s.jpg,0.5\nBüro.jpg,s.jpg,\n"
WRITTEN = {
    "bom.csv": TEXT.encode("utf-8-sig"),
    "windows.csv": TEXT.replace("\n", "\r\n").encode("utf-8-sig"),
    "old mac.csv": TEXT.replace("\n", "\r").encode(),
    "ansi.csv": TEXT.encode("cp1252"),
    "unicode text.txt": TEXT.replace(",", "\t").replace("\n", "\r\n").encode("utf-16"),
    "unmarked.csv": TEXT.encode("utf-16-le"),
    "told.csv": b"sep=;\r\n" + TEXT.replace(",", ";").encode(),
    "told and quoted.csv": b'"sep=;"\n' + TEXT.replace(",", ";").encode(),
    "told odd.csv": b"sep=!\n" + TEXT.replace(",", "!").encode(),
    "told tab.csv": b"sep=\t\n" + TEXT.replace(",", "\t").encode(),
    "empty rows.csv": TEXT.replace("\n", "\n,,\n\n , , \n").encode() + b",,\n,,\n",
    "empty first.csv": b"\n,,\n\n" + TEXT.encode(),
    "wide.csv": TEXT.replace("\n", ",,,\n").encode(),
    "no end.csv": TEXT.encode().rstrip(),
    "quoted.csv": '"content";"style";"strength"\r\n"a.jpg";"s.jpg";"0.5"\r\n"Büro.jpg";"s.jpg";""\r\n'.encode(),
    "commented.csv": TEXT.replace("\na", "\n# x.jpg,s.jpg,\n#y.jpg,s.jpg,1\na").encode(),
    "spaces.csv": TEXT.replace(",", " , ").encode(),
    "short rows.csv": TEXT.replace("jpg,\n", "jpg\n").encode(),
    "lines.jsonl": '\ufeff{"content": "a.jpg", "style": "s.jpg", "strength": "0.5"}\r\n# no\r\n// nor this\r\n'
    '{"content": "Büro.jpg", "style": "s.jpg"}\r\n'.encode(),
    "tables.toml": '[[job]]\r\ncontent = "a.jpg"\r\nstyle = "s.jpg"\r\nstrength = "0.5"\r\n[[job]]\r\n'
    'content = "Büro.jpg"\r\nstyle = "s.jpg"\r\n'.encode("utf-16"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_spreadsheets_and_windows_say_the_same_in_their_ways(tmp_path, name):
    (tmp_path / name).write_bytes(WRITTEN[name])
    defaults, rows = read_manifest(tmp_path / name)
    assert (defaults, [row.options for row in rows]) == ({}, TABLE)


def test_a_row_that_begins_with_the_name_of_a_file_is_no_comment(tmp_path):
    (tmp_path / "#1.jpg").touch()
    (tmp_path / "a.csv").write_text("content,style\n#1.jpg,s.jpg\n#2.jpg,s.jpg\n")
    assert [row.options["content"] for row in read_manifest(tmp_path / "a.csv")[1]] == ["#1.jpg"]


def test_spaces_around_a_name_stay_where_a_file_is_called_so(tmp_path):
    (tmp_path / "a.jpg ").touch()
    (tmp_path / "a.csv").write_text("content,style\na.jpg ,s.jpg \n")
    assert read_manifest(tmp_path / "a.csv")[1][0].options == {"content": "a.jpg ", "style": "s.jpg"}


def test_defaults_that_a_spreadsheet_has_filled_up(tmp_path):
    (tmp_path / "a.csv").write_text('"# size = 512",,\r\n# preset = draft,,\r\n,,\r\ncontent,style,seed\r\na,b,1\r\n')
    assert read_manifest(tmp_path / "a.csv")[0] == {"size": "512", "preset": "draft"}


def test_line_separators_of_unicode_are_signs_like_others(tmp_path):
    odd = "a\u2028b\x85c.jpg"
    (tmp_path / "a.csv").write_text(f"content,style\n{odd},s.jpg\n")
    (tmp_path / "a.jsonl").write_text(f'{{"content": "{odd}", "style": "s.jpg"}}\n')
    for name in ("a.csv", "a.jsonl"):
        assert [row.options["content"] for row in read_manifest(tmp_path / name)[1]] == [odd]
