from __future__ import annotations

import dataclasses

import pytest

from styler.progress import StepEvent


def event(image):
    return StepEvent(
        scale=1,
        scales=3,
        step=5,
        total=60,
        height=96,
        width=128,
        loss=0.5,
        seconds_left=None,
        _image=image,
        _picture=lambda: "floats",
    )


def test_the_picture_is_made_when_asked_for_and_not_before():
    made = []
    seen = event(lambda: made.append("picture") or "picture")
    assert made == []
    assert seen.image() == "picture"
    assert made == ["picture"]


def test_an_event_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        event(lambda: None).step = 6


def test_an_event_prints_without_its_picture():
    text = repr(event(lambda: None))
    assert "step=5" in text
    assert "image" not in text


def test_what_was_not_given_cannot_be_had():
    bare = event(lambda: None)
    assert (bare.recipe(), bare.snapshot()) == (None, None)


def test_picture_and_recipe_are_made_when_asked_for():
    seen = dataclasses.replace(event(lambda: None), _recipe=lambda: "how")
    assert (seen.picture(), seen.recipe()) == ("floats", "how")
