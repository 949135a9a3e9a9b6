from __future__ import annotations

from styler.batch.jobs import Job
from styler.batch.recipe import file_digests, recipe_hash, versions
from styler.config import RenderConfig
from styler.render import report


def test_a_picture_is_done_only_under_all_that_its_recipe_names():
    assert versions() == report.versions()


def test_a_recipe_knows_which_paintings_share_a_weight(tmp_path):
    for folder, names in {".": "abc", "first": "ab", "last": "bc"}.items():
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in names:
            (tmp_path / folder / f"{name}.png").write_text(name)

    def recipe(*styles):
        paths = tuple(tmp_path / style for style in styles)
        job = Job(
            content=tmp_path / "a.png", styles=paths, config=RenderConfig(style_weights=(2.0, 1.0)), name="out.png"
        )
        return recipe_hash(job, file_digests(job.inputs.items), None)

    assert recipe("first", "c.png") == recipe("first", "c.png")
    assert recipe("first", "c.png") != recipe("a.png", "last")
