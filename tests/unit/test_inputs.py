from __future__ import annotations

import pytest

from styler.errors import ConfigError
from styler.inputs import Entry, Inputs

ALL = Inputs(content=1, styles=((2, 3), (4,)), init=5, network=6)


def test_entries_name_every_input_and_lead_back():
    assert [(each.role, each.item, each.group) for each in ALL.entries] == [
        ("content", 1, None),
        ("style", 2, 0),
        ("style", 3, 0),
        ("style", 4, 1),
        ("init", 5, None),
        ("network", 6, None),
    ]
    assert Inputs.of_entries(ALL.entries) == ALL
    assert Inputs.of_entries([]) == Inputs(content=None, styles=())


def test_a_map_keeps_roles_and_groups():
    assert ALL.map(str) == Inputs(content="1", styles=(("2", "3"), ("4",)), init="5", network="6")
    assert ALL.images.items == [1, 2, 3, 4, 5]


def test_each_painting_is_a_group_of_its_own_unless_said_otherwise():
    assert Inputs.of(1, [2, 3]).styles == ((2,), (3,))


def test_the_paintings_of_a_group_share_its_weight():
    assert ALL.painting_shares([0.5, 0.5]) == [0.25, 0.25, 0.5]
    with pytest.raises(ValueError, match="argument"):
        ALL.painting_shares([1.0])


@pytest.mark.parametrize(
    "entry",
    [
        Entry("content", 7),
        Entry("mask", 7),
        Entry("style", 7),
        Entry("style", 7, 0),
        Entry("style", 7, 3),
        Entry("style", 7, -1),
        Entry("init", 7, 0),
    ],
    ids=str,
)
def test_what_does_not_fit_the_others_is_refused(entry):
    with pytest.raises(ValueError, match="does not fit"):
        Inputs.of_entries([*ALL.entries[:4], entry])


def test_a_render_that_needs_a_photo_says_so():
    assert ALL.photo == 1
    with pytest.raises(ConfigError, match="expected a content image, got none"):
        _ = Inputs(content=None, styles=((2,),)).photo


def test_masks_have_the_group_of_their_paintings():
    masked = ALL.with_masks(7, [None, 8])
    entries = [each for each in masked.entries if "mask" in each.role]
    assert entries == [Entry("content_mask", 7), Entry("style_mask", 8, 1)]
    assert Inputs.of_entries(masked.entries) == masked
    assert masked.painting_masks == [None, None, 8]
    assert masked.map(str).style_masks == (None, "8")
    assert ALL.with_masks(None, [None, None]) == ALL
    assert ALL.painting_masks == [None, None, None]


@pytest.mark.parametrize("entry", [Entry("style_mask", 7), Entry("style_mask", 7, 2), Entry("style_mask", 7, 1)])
def test_a_mask_without_its_painting_or_a_second_one_is_refused(entry):
    with pytest.raises(ValueError, match="does not fit"):
        Inputs.of_entries([*ALL.with_masks(6, [None, 8]).entries, entry])
