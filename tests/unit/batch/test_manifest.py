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
    (tmp_path / "latin.csv").write_bytes("content,style\nbüro.jpg,b\n".encode("latin-1"))
    with pytest.raises(BatchError, match="expected UTF-8"):
        read_manifest(tmp_path / "latin.csv")
