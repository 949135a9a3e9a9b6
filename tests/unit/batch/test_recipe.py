from __future__ import annotations

from styler.batch.recipe import versions
from styler.render import report


def test_a_picture_is_done_only_under_all_that_its_recipe_names():
    assert versions() == report.versions()
