from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from styler.cli.request import (
    beside,
    build_options,
    check_intermediate,
    check_report,
    checked_request,
    default_output,
    mask_option,
    read_options,
)
from styler.config import RenderConfig
from styler.errors import ConfigError, ImageError, LayerError, OptionError, OutputError
from styler.presets import PRESETS
from styler.render.files import image_files
from styler.types import Size
from support.pictures import saved

PHOTO, PAINTING = Path("photo.png"), Path("painting.png")


def request(config=None, output=Path("out.png"), styles=(PAINTING,), overwrite=False):
    options = config or RenderConfig()
    return checked_request(image_files(PHOTO, styles, options), output, options, overwrite=overwrite)


def config_of(file, **given):
    return build_options(file, given)[0]


def toml(folder, text):
    path = folder / "options.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("content", "styles", "expected"),
    [
        ("a/lake.jpg", ["b/swirls.jpg"], "lake-swirls.png"),
        ("lake.jpg", ["swirls.jpg", "dots.tif"], "lake-swirls-dots.png"),
        ("my.photo.jpg", ["x.y.png"], "my.photo-x.y.png"),
    ],
)
def test_default_output(content, styles, expected):
    assert default_output(Path(content), [Path(style) for style in styles]) == Path(expected)


def test_a_file_of_options_can_ask_for_masks(tmp_path):
    file = toml(tmp_path, 'mask = "auto"\nstrength = 0.7\n')
    assert config_of(file).strength == 0.7
    assert mask_option(file, None, {"content_mask": None}) == "auto"
    assert mask_option(file, None, {"content_mask": "m.png"}) is None
    assert mask_option(file, "none", None) is None
    assert mask_option(None, "auto", None) == "auto"
    assert mask_option(toml(tmp_path, "strength = 0.7\n"), None, None) is None


def test_beside_keeps_the_folder_and_the_stem():
    assert beside(Path("a/out.jpg"), "50") == Path("a/out-50.png")


def test_a_request_knows_its_sizes(folder):
    found = request(RenderConfig(size=160))
    assert found.sizes.photo == Size(60, 80)
    assert found.size == Size(120, 160)
    assert found.output == Path("out.png")
    assert request(RenderConfig(size="original")).size == (60, 80)


def test_the_output_is_named_by_default(folder):
    assert default_output(PHOTO, [PAINTING]) == Path("photo-painting.png")


def test_an_image_to_start_from_is_checked(folder):
    assert request(RenderConfig(init="painting.png")).config.init == "painting.png"
    with pytest.raises(ImageError, match=r"nowhere\.png"):
        request(RenderConfig(init="nowhere.png"))


def test_layers_are_checked_against_the_network(folder, tiny):
    config = RenderConfig(network=tiny, style_layers=(("block4_conv3", 1.0),))
    with pytest.raises(LayerError, match="unknown layer 'block4_conv3' of tiny"):
        request(config)


def test_weights_are_counted_against_styles(folder):
    config = RenderConfig(style_weights=(1.0, 2.0))
    assert len(request(config, styles=[PAINTING, PHOTO]).inputs.styles) == 2
    with pytest.raises(ConfigError, match="expected 1"):
        request(config)


def test_an_existing_output_needs_overwrite(folder):
    (folder / "out.png").write_bytes(b"mine")
    with pytest.raises(OutputError, match="--overwrite"):
        request()
    assert request(overwrite=True).output == Path("out.png")


def test_no_file_and_no_flags_give_the_balanced_preset():
    assert config_of(None) == RenderConfig.preset("balanced")


def test_flags_that_were_not_given_do_not_count():
    assert config_of(None, preset="draft", steps=None, seed=None) == RenderConfig.preset("draft")


def test_a_flag_wins_over_the_file_and_the_file_over_the_preset(tmp_path):
    file = toml(tmp_path, 'preset = "best"\nsteps = 11\nstrength = 0.2\nstyle-layers = "block1_conv1:2"\n')
    config = config_of(file, strength="0.9")
    assert config.strength == 0.9
    assert config.steps == 11
    assert config.style_layers == (("block1_conv1", 2.0),)
    assert config_of(toml(tmp_path, 'preset = "best"')).steps == PRESETS["best"].steps


def test_a_preset_flag_wins_over_the_files_preset_but_not_over_its_options(tmp_path):
    file = toml(tmp_path, 'preset = "best"\nseed = 3\n')
    config = config_of(file, preset="draft")
    assert (config.steps, config.seed) == (PRESETS["draft"].steps, 3)


def test_a_file_may_hold_every_option(tmp_path):
    file = toml(
        tmp_path,
        """
        size = 256
        style-weights = [1, 2.5]
        style_layers = [["block1_conv1", 1], ["block2_conv1", 0.5]]
        color = "luminance"
        content-weight = 0
        """,
    )
    config = config_of(file)
    assert config.size == 256
    assert config.style_weights == (1, 2.5)
    assert config.style_layers == (("block1_conv1", 1), ("block2_conv1", 0.5))
    assert config.color == "luminance"
    assert config.content_weight == 0


@pytest.mark.parametrize(
    "text", ["style-weights = 1", "style-layers = ['a']", "device = 0", "preset = 3", "[render]\nsize = 3", "init = 1"]
)
def test_odd_values_of_a_file_are_refused_by_name(tmp_path, text):
    name = text.strip("[").split()[0].split("]")[0].replace("-", "_")
    with pytest.raises(ConfigError, match=name):
        config_of(toml(tmp_path, text))


@pytest.mark.parametrize(
    ("flags", "field", "value"),
    [
        ({"size": "300"}, "size", 300),
        ({"size": "original"}, "size", "original"),
        ({"style_weights": "1,0.5"}, "style_weights", (1.0, 0.5)),
        ({"content_layers": "block4_conv2:3"}, "content_layers", (("block4_conv2", 3.0),)),
    ],
)
def test_flags_in_words_become_values(flags, field, value):
    assert getattr(config_of(None, **flags), field) == value


def test_an_error_in_a_file_names_the_file_and_one_on_the_command_line_the_option(tmp_path):
    file = toml(tmp_path, "steps = -1")
    with pytest.raises(ConfigError, match=r"options\.toml: steps: expected a whole number"):
        config_of(file)
    with pytest.raises(OptionError) as refused:
        config_of(None, steps="-1")
    assert (refused.value.name, refused.value.came) == ("steps", -1)


def test_choices_about_files_stand_in_a_file_too(tmp_path):
    file = toml(tmp_path, "quality = 70\nrecipe = false")
    _, files = build_options(file, {"quality": "80", "dpi": None})
    assert (files["export"].quality, files["with_recipe"], files["max_pixels"]) == (80, False, None)


def test_options_may_have_dashes_or_underscores(tmp_path):
    assert read_options(toml(tmp_path, "tv-weight = 1\nstyle_weight = 2")) == {"tv_weight": 1, "style_weight": 2}


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "options.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_options(tmp_path / "options.toml")


def test_a_report_must_be_writable_and_new(tmp_path):
    picture, report = tmp_path / "out.png", tmp_path / "report.json"
    check_report(None, picture, overwrite=False)
    check_report(report, picture, overwrite=False)
    report.touch()
    with pytest.raises(OutputError, match="already exists; choose another --report"):
        check_report(report, picture, overwrite=False)
    check_report(report, picture, overwrite=True)
    for wrong in (picture, tmp_path):
        with pytest.raises(OutputError, match="for the report only"):
            check_report(wrong, picture, overwrite=True)
    with pytest.raises(OutputError, match="does not exist"):
        check_report(tmp_path / "absent" / "report.json", picture, overwrite=True)


def test_intermediate_images_never_replace_a_file_unasked(folder):
    (folder / "out-20.png").write_bytes(b"mine")
    found = request(RenderConfig(steps=40))
    with pytest.raises(OutputError, match=r"out-20\.png already exists"):
        check_intermediate(found, 10, overwrite=False)
    check_intermediate(found, 15, overwrite=False)
    check_intermediate(found, 50, overwrite=False)
    check_intermediate(found, 10, overwrite=True)
    check_intermediate(found, None, overwrite=False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_config_file_is_read_as_windows_writes_it(tmp_path, encoding, end):
    path = tmp_path / "options.toml"
    path.write_bytes(f'# für später{end}style-weights = [1, 2]{end}init = "Büro.jpg"{end}'.encode(encoding))
    assert read_options(path) == {"style_weights": [1, 2], "init": "Büro.jpg"}


def test_a_config_file_with_backslashes_in_double_quotes_gets_a_hint(tmp_path):
    (tmp_path / "options.toml").write_text('init = "in\\q.jpg"')
    with pytest.raises(ConfigError, match=r"is not TOML: .*single quotes"):
        read_options(tmp_path / "options.toml")


def test_the_part_of_a_painting_that_is_used_is_checked(folder):
    with pytest.raises(ConfigError, match=r"painting\.png, cropped by --style-crop, has 7x90 pixels"):
        request(RenderConfig(style_crop=((0.0, 0.0, 0.1, 1.0),)))
    halves = np.zeros((90, 70, 3), np.float32)
    halves[:, :35, 0] = halves[:, 35:, 2] = 1
    saved(folder / "mask.png", halves)
    saved(folder / "photo-mask.png", halves[:60, :80].repeat(2, 1)[:, 30:110])
    masks = {"content_mask": "photo-mask.png", "style_mask": ("mask.png",)}
    assert request(RenderConfig(**masks)).regions == 2
    with pytest.raises(ConfigError, match="#ff0000 is in none of them"):
        request(RenderConfig(**masks, style_crop=((0.5, 0.0, 1.0, 1.0),)))
