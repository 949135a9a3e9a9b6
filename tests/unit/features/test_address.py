"""Addresses are read as they are written, and written as they can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from styler.errors import LayerError
from styler.features.address import parse_address, split_addresses, written
from styler.networks.names import quoted

TABLE = [
    ("conv", [("conv", None, None)], None),
    ("inner/conv", [("inner", None, None), ("conv", None, None)], None),
    ("conv@2", [("conv", None, 2)], None),
    ("split:1", [("split", None, None)], 1),
    ("inner@1/split@0:3", [("inner", None, 1), ("split", None, 0)], 3),
    ("lstm:state_h", [("lstm", None, None)], "state_h"),
    ("bi:backward.cell0.sequence", [("bi", None, None)], "backward.cell0.sequence"),
    ("#-3", [("", -3, None)], None),
    ("inner/#0:1", [("inner", None, None), ("", 0, None)], 1),
    ("'a/b:c@1'", [("a/b:c@1", None, None)], None),
    ('"it\'s"@1', [("it's", None, 1)], None),
    ("block*_conv[12]", [("block*_conv[12]", None, None)], None),
]


@pytest.mark.parametrize(("text", "segments", "port"), TABLE)
def test_reads(text, segments, port):
    address = parse_address(text)
    assert [(each.name, each.index, each.call) for each in address.segments] == segments
    assert address.port == port
    assert address.text == text


@pytest.mark.parametrize("text", ["", "/", "a/", "a:", "a:b:c", "a@", "a@x", "#", "#x", "'a", "a//b", "a: b", "a@1@2"])
def test_refuses(text):
    with pytest.raises(LayerError, match="name, model/layer"):
        parse_address(text)


def test_refuses_what_is_no_text():
    with pytest.raises(LayerError, match="string, got int"):
        parse_address(3)


@pytest.mark.parametrize(("text", "pattern"), [("conv*", True), ("co?v", True), ("c[ab]", True), ("'conv*'", False)])
def test_patterns_unless_quoted(text, pattern):
    assert parse_address(text).is_pattern is pattern


NAMES = st.text(st.sampled_from("ab1_ /:@#*?[]'."), min_size=1, max_size=8).filter(
    lambda name: not ("'" in name and '"' in name)
)


@given(st.lists(NAMES, min_size=1, max_size=3), st.none() | st.integers(0, 9), st.sampled_from([None, 0, 3, "state_h"]))
def test_what_is_written_is_read_back(names, call, port):
    address = parse_address(written(names, call, port))
    assert [segment.name for segment in address.segments] == names
    assert (address.segments[-1].call, address.port) == (call, port)
    assert not address.is_pattern


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a,b", ["a", "b"]), (" a , b:1 ", ["a", "b:1"]), ("'a,b',c", ["'a,b'", "c"]), ("", []), (",,", [])],
)
def test_splits_at_commas_outside_quotes(text, parts):
    assert split_addresses(text) == parts


def test_quotes_only_where_needed():
    assert quoted("block1_conv1") == "block1_conv1"
    assert quoted("a:b") == "'a:b'"
    assert quoted("it's") == '"it\'s"'
