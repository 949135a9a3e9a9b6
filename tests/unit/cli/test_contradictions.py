from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from styler.cli.contradictions import contradictions
from styler.config import RenderConfig
from styler.inputs import Inputs

DIFFERENT = Inputs.of(Path("photo.png"), [Path("a.png"), Path("b.png")])


def notes(inputs=DIFFERENT, **options):
    return list(contradictions(SimpleNamespace(config=RenderConfig(**options), inputs=inputs)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strength": 0.7, "content_weight": 2.0}, "--content-weight overrides --strength"),
        ({"strength": 0.7, "style_weight": 2.0}, "--style-weight overrides"),
        ({"color": "match", "content_tone": "match"}, "--color match"),
        ({"color": "histogram", "content_tone": "match"}, "--color histogram"),
    ],
)
def test_options_that_contradict_each_other_are_named_in_one_line(options, said):
    (note,) = notes(**options)
    assert note.startswith(said)
    for name in options:
        assert notes(**{name: options[name]}) == []


def test_a_file_with_two_roles_is_named():
    twice = Inputs.of(Path("photo.png"), [Path("a.png"), Path("./a.png")])
    assert notes(twice) == ["a.png is given more than once as a painting"]
    both = Inputs.of(Path("photo.png"), [Path("a.png"), Path.cwd() / "photo.png"])
    assert notes(both) == ["photo.png is both the photo and a painting"]
    assert notes() == []
