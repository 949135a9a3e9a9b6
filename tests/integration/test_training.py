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
def images(tmp_path: Path) -> list[str]:
    write_images(tmp_path / "photos", 1)
    write_images(tmp_path / "paintings", 2)
    folders = [f"--{name}={tmp_path / name}" for name in ("photos", "paintings")]
    return [*folders, f"--work={tmp_path / 'work'}", "--report-every=1000", "--crop=48"]


@pytest.fixture
def materials(images: list[str], tmp_path: Path) -> list[str]:
    (tmp_path / "teachers").mkdir()
    write_teacher(tmp_path / "teachers" / "vgg19_to_conv31.npz", REAL)
    write_teacher(tmp_path / "teachers" / "vgg19_16x.npz", compressed_shapes())
    return [*images, f"--teachers={tmp_path / 'teachers'}", "--batch=12", "--pool=12", "--plain-steps=3"]


def train(script: str, options: list[str], steps: int) -> dict[str, float]:
    """The last row printed."""
    command = [sys.executable, str(ROOT / "weights" / script), *options, f"--steps={steps}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads([line for line in done.stdout.splitlines() if line.startswith("{")][-1])


def unexplained(row: dict[str, float]) -> float:
    """All layers together; shallow ones are explained by their first heads."""
    return sum(share for name, share in row.items() if name.startswith("block"))


def archive(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@pytest.mark.training
def test_the_network_learns_and_training_continues(materials: list[str], tmp_path: Path) -> None:
    early = train("train_compact.py", materials, 4)
    before = archive(tmp_path / "work" / "compact.npz")
    assert all(array.dtype == np.float16 for array in before.values())

    late = train("train_compact.py", materials, 30)
    assert (early["step"], late["step"]) == (4, 30)
    assert unexplained(late) < unexplained(early)
    after = archive(tmp_path / "work" / "compact.npz")
    assert any(not np.array_equal(after[name], before[name]) for name in before)


@pytest.mark.training
def test_the_decoder_learns_and_training_continues(images: list[str], tmp_path: Path) -> None:
    early = train("train_decoder.py", [*images, "--batch=2"], 4)
    late = train("train_decoder.py", [*images, "--batch=2"], 30)
    assert (early["step"], late["step"]) == (4, 30)
    assert late["decibels"] > early["decibels"]
    assert archive(tmp_path / "work" / "decoder.npz")["colors/kernel"].shape == (3, 3, 32, 3)
