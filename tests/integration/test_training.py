"""The training script runs, learns, stops and continues; on teachers and images made here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
REAL = {"conv11": (3, 64), "conv12": (64, 64), "conv21": (64, 128), "conv22": (128, 128), "conv31": (128, 256)}
WIDTHS = (16, 32, 64, 128, 128)
BLOCKS = ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1))


def compressed_shapes() -> dict[str, tuple[int, int]]:
    shapes, channels = {}, 3
    for (block, count), width in zip(BLOCKS, WIDTHS, strict=True):
        for index in range(1, count + 1):
            shapes[f"conv{block}{index}"], channels = (channels, width), width
    return shapes


def write_teacher(path: Path, shapes: dict[str, tuple[int, int]]) -> None:
    random = np.random.default_rng(1)
    arrays = {"conv0/kernel": np.eye(3, dtype=np.float32)[None, None], "conv0/bias": np.zeros(3, np.float32)}
    for name, (inner, outer) in shapes.items():
        scale = (2 / (9 * inner)) ** 0.5
        arrays[f"{name}/kernel"] = np.float32(random.normal(0, scale, (3, 3, inner, outer)))
        arrays[f"{name}/bias"] = np.zeros(outer, np.float32)
    np.savez(path, **arrays)


def write_images(folder: Path, seed: int) -> None:
    folder.mkdir()
    random = np.random.default_rng(seed)
    for index in range(6):
        coarse = Image.fromarray(random.integers(0, 256, (9, 12, 3), dtype=np.uint8))
        coarse.resize((160, 120), Image.Resampling.BICUBIC).save(folder / f"{index}.jpg")


@pytest.fixture
def materials(tmp_path: Path) -> list[str]:
    write_images(tmp_path / "photos", 1)
    write_images(tmp_path / "paintings", 2)
    (tmp_path / "teachers").mkdir()
    write_teacher(tmp_path / "teachers" / "vgg19_to_conv31.npz", REAL)
    write_teacher(tmp_path / "teachers" / "vgg19_16x.npz", compressed_shapes())
    folders = [f"--{name}={tmp_path / name}" for name in ("photos", "paintings", "teachers")]
    return [*folders, f"--work={tmp_path / 'work'}", "--batch=8", "--crop=48", "--pool=8", "--plain-steps=6"]


def train(materials: list[str], steps: int) -> list[dict[str, float]]:
    command = [sys.executable, str(ROOT / "weights" / "train_compact.py"), *materials, "--report-every=10"]
    done = subprocess.run([*command, f"--steps={steps}"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.training
def test_twenty_steps_learn_and_continue(materials: list[str], tmp_path: Path) -> None:
    rows = train(materials, 20)
    assert [row["step"] for row in rows] == [10, 20]
    assert rows[-1]["block1_conv1"] < rows[0]["block1_conv1"] < 1.0
    with np.load(tmp_path / "work" / "compact.npz", allow_pickle=False) as archive:
        before = {name: archive[name] for name in archive.files}
    assert all(array.dtype == np.float16 for array in before.values())

    more = train(materials, 30)
    assert [row["step"] for row in more] == [30]
    with np.load(tmp_path / "work" / "compact.npz", allow_pickle=False) as archive:
        assert any(not np.array_equal(archive[name], before[name]) for name in archive.files)
