"""Command lines that cannot be carried out as given, with a piece of what is said about each.

They run in a folder with `photo.png`, `painting.png`, `taken.png`, `broken.png`, `thin.png`, `bad.toml` and
`odd.toml`, see `furnish`.
"""

from __future__ import annotations

from pathlib import Path

from support.image_files import header_only_png
from support.pictures import blobs, saved

PAIR = ("render", "photo.png", "painting.png")

REFUSALS: list[tuple[tuple[str, ...], str]] = [
    (("render", "absent.jpg", "painting.png"), "cannot read absent.jpg: No such file"),
    (("render", "photo.png", "absent.jpg"), "cannot read absent.jpg"),
    (("render", "broken.png", "painting.png"), "broken.png is not an image"),
    (("render", ".", "painting.png", "-o", "a.png"), "expected a file, got a folder"),
    (("render", "thin.png", "painting.png"), "at least 32 per side; choose a larger --size"),
    (("render", "photo.png"), "Missing argument 'STYLE'; see styler render --help"),
    ((*PAIR, "-o", "taken.png"), "taken.png already exists; choose another --output or pass --overwrite"),
    ((*PAIR, "-o", "absent/out.png"), "folder absent does not exist"),
    ((*PAIR, "-o", "out.gif"), "expected a suffix that names a format, .png, .jpg"),
    ((*PAIR, "-o", "out"), "it has none"),
    ((*PAIR, "-o", "."), "it is a folder; give a file in it, such as out.png"),
    ((*PAIR, "--report", "r", "--checkpoint", "./r"), "the checkpoint has the same name"),
    ((*PAIR, "-o", "a.png", "--report", "a-004.png", "--save-every", "2"), "an intermediate image has the same name"),
    ((*PAIR, "-o", "b.png", "--checkpoint", "b-partial.png"), "the image kept after an interrupt has the same name"),
    ((*PAIR, "--checkpoint", "bad.toml", "--overwrite"), "bad.toml: it exists and is not a checkpoint"),
    ((*PAIR, "-o", "out.webp", "--size", "20000"), "WEBP supports sides of up to 16383 pixels"),
    ((*PAIR, "--size", "63"), "size: expected a whole number from 64"),
    ((*PAIR, "--size", "big"), "--size: expected a number of pixels or 'original', got 'big'"),
    ((*PAIR, "--preset", "bset"), "Did you mean 'best'?"),
    ((*PAIR, "--strength", "1.5"), "strength: expected a number of at least 0 and at most 1"),
    ((*PAIR, "--strength", "much"), "--strength: expected a number of at least 0 and at most 1, got 'much'"),
    ((*PAIR, "--style-weights", "1,2"), "--style-weights: expected 1, one for each style image, got 2"),
    ((*PAIR, "--style-weights", "a"), "--style-weights: expected one number for each style image, got 'a'"),
    ((*PAIR, "--color-when", "after"), "--color-when after needs --color match or histogram"),
    ((*PAIR, "--color", "sepia"), "color: expected style or luminance or match or histogram"),
    ((*PAIR, "--network", "vgg18"), "unknown network 'vgg18'. Did you mean 'vgg1"),
    ((*PAIR, "--pooling", "mean"), "pooling: expected avg or max"),
    ((*PAIR, "--style-layers", "block4_conv9"), "unknown layer 'block4_conv9' of compact"),
    ((*PAIR, "--content-layers", "block1_conv1,block1_conv1"), "none twice"),
    (
        (*PAIR, "--style-layers", "block1_conv1:heavy"),
        "as the weight of block1_conv1, got 'heavy'",
    ),
    ((*PAIR, "--content-weight", "-1"), "--content-weight: expected a number of at least 0"),
    ((*PAIR, "--tv-weight", "nan"), "--tv-weight: expected a number"),
    ((*PAIR, "--init", "absent.png"), "cannot read absent.png"),
    ((*PAIR, "--optimizer", "sgd"), "optimizer: expected lbfgs or adam"),
    ((*PAIR, "--steps", "-1"), "steps: expected a whole number from 0 to"),
    ((*PAIR, "--steps", "0", "--views", "2"), "--views: only an optimizer obeys this option"),
    ((*PAIR, "-p", "instant", "--save-every", "2"), "--save-every: only an optimizer"),
    ((*PAIR, "-p", "instant", "--checkpoint", "state"), "--checkpoint: only an optimizer"),
    ((*PAIR, "-p", "instant", "--network", "vgg19"), "expected one with a decoder"),
    ((*PAIR, "--learning-rate", "0"), "--learning-rate: expected a number above 0"),
    ((*PAIR, "--scales", "0"), "scales: expected a whole number of at least 1"),
    ((*PAIR, "--seed", "-1"), "seed: expected a whole number of at least 0"),
    ((*PAIR, "--device", "tpu"), "device: expected auto, cpu, gpu or gpu:N"),
    ((*PAIR, "--save-every", "0"), "--save-every: expected a whole number of at least 1, got 0"),
    ((*PAIR, "--save-every", "7", "-o", "step.png", "--steps", "20"), "step-14.png already exists"),
    ((*PAIR, "--quality", "101"), "--quality: expected a whole number from 1 to 100, got 101"),
    ((*PAIR, "--depth", "10"), "depth: expected 8 or 16 bits per channel, got 10"),
    ((*PAIR, "--depth", "16", "-o", "out.jpg"), "JPEG supports 8 bits per channel, not 16; choose .png or .tif"),
    ((*PAIR, "--profile", "rgb"), "profile: expected keep or srgb, got 'rgb'"),
    ((*PAIR, "--max-pixels", "4799"), "photo.png has 80x60 pixels, more than the limit of 4799"),
    ((*PAIR, "--max-pixels", "0"), "--max-pixels: expected a whole number of at least 1"),
    ((*PAIR, "-o", "photo.png", "--overwrite"), "cannot write photo.png: it is the input photo.png"),
    ((*PAIR, "-o", "link.png", "--overwrite"), "cannot write link.png: it is the input painting.png"),
    ((*PAIR, "--init", "thin.png", "-o", "thin.png", "--overwrite"), "it is the input thin.png"),
    ((*PAIR, "--report", "painting.png", "--overwrite"), "it is the input painting.png"),
    (
        ("render", "out-002.png", "painting.png", "-o", "out.png", "--save-every", "2", "--overwrite"),
        "the input out-002.png",
    ),
    (("render", "a-partial.png", "painting.png", "-o", "a.png", "--overwrite"), "it is the input a-partial.png"),
    (("render", "huge.png", "painting.png", "-o", "a.png"), "huge.png has 100000x100000 pixels"),
    ((*PAIR, "--checkpoint", "absent/state"), "cannot write absent/state: folder absent does not exist"),
    ((*PAIR, "--checkpoint", "painting.png"), "cannot write painting.png: it is the input painting.png"),
    ((*PAIR, "--checkpoint", "bad.toml"), "bad.toml: it exists and is not a checkpoint"),
    ((*PAIR, "--checkpoint-every", "soon"), "--checkpoint-every: expected a time, such as 90s or 10m, got 'soon'"),
    (("resume", "absent"), "cannot read absent: No such file"),
    (("resume", "photo.png"), "photo.png is not a styler checkpoint, or its end is missing"),
    (("resume", "."), "cannot read .: expected a checkpoint file"),
    ((*PAIR, "--config", "absent.toml"), "cannot read absent.toml: No such file"),
    ((*PAIR, "--config", "bad.toml"), "bad.toml is not TOML"),
    ((*PAIR, "--config", "odd.toml"), "unknown option 'stength'. Did you mean 'strength'?"),
    ((*PAIR, "--report", "absent/report.json"), "folder absent does not exist"),
    ((*PAIR, "--report", "bad.toml"), "bad.toml already exists"),
    ((*PAIR, "-o", "out.png", "--report", "./out.png"), "a file used for the report only"),
    ((*PAIR, "--report", "."), "a file used for the report only"),
    ((*PAIR, "--sharpness", "3"), "No such option: --sharpness"),
    (("rendr", "photo.png", "painting.png"), "No such command 'rendr'"),
    (("layers", "vgg18"), "unknown network 'vgg18'"),
    (("layers", "--size", "10"), "--size: expected at least"),
]


def furnish(folder: Path) -> None:
    """Put what the command lines name into a folder that holds `photo.png` and `painting.png` already."""
    (folder / "broken.png").write_bytes(b"no image")
    (folder / "bad.toml").write_text("size = = 3")
    (folder / "odd.toml").write_text("stength = 0.3")
    saved(folder / "thin.png", blobs(10, 400, 0))
    header_only_png(folder / "huge.png", 100_000, 100_000)
    (folder / "link.png").hardlink_to(folder / "painting.png")
    for name in ("out-002", "a-partial"):
        (folder / f"{name}.png").write_bytes((folder / "photo.png").read_bytes())
    for name in ("taken", "step-14"):
        (folder / f"{name}.png").write_bytes(b"mine")
