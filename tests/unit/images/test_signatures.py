from __future__ import annotations

import pytest

from styler.images.signatures import HEAD, kind_of
from support.image_files import honest_files

KINDS = {"jpg": "jpeg", "tif": "tiff"}


@pytest.mark.parametrize(("name", "data"), sorted(honest_files().items()))
def test_a_file_is_what_its_first_bytes_say(name, data):
    suffix = name.rpartition(".")[2]
    assert kind_of(data[:HEAD]) == KINDS.get(suffix, suffix)


@pytest.mark.parametrize("head", [b"", b"\x89PNG", b"RIFF\0\0\0\0WAVE", b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", b"%!PS"])
def test_anything_else_is_nothing(head):
    assert kind_of(head) is None


def test_avif_goes_before_the_brand_that_both_share():
    assert kind_of(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif") == "avif"
    assert kind_of(b"\0\0\0\x18ftypmif1\0\0\0\0heic") == "heic"
    assert kind_of(b"\xff\xff\xff\xffftypheic") == "heic"
