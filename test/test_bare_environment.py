"""The default profile without anything from pip: on the versions that Ubuntu has for Humble and for
Jazzy, and where nothing else can be imported. Its masks are those of the full environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from checkout import ROOT

from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scenes import mover_under_parallax
from motion_seg_ros.types import BoolArray

PROGRAM = ROOT / "test" / "support" / "bare_masks.py"
FROM_PIP = ("torch", "safetensors", "onnxruntime", "onnx", "rosbags", "mcap", "zstandard")
FROM_PIP += ("imageio_ffmpeg",)
FRAMES = 12
# As apt installs them. What is not named has no part in the masks.
VERSIONS = {
    "humble": ("numpy==1.21.6", "opencv-contrib-python-headless==4.5.4.60", "scipy==1.8.0"),
    "jazzy": ("numpy==1.26.4", "opencv-contrib-python-headless==4.6.0.66", "scipy==1.11.4"),
}
PYTHONS = {"humble": ("3.10",), "jazzy": ("3.12", "3.11", "3.10")}  # that have wheels of these
SAME = 0.95
"""Least intersection over union of masks with those of another OpenCV, whose flow is a little
different; .97 was found for 4.5.4 and 4.6.0 beside 5.0.0."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.npz"
    np.savez(
        path, images=[each.image_bgr for each in Renderer(mover_under_parallax(frames=FRAMES))]
    )
    return path


@pytest.fixture(scope="module")
def expected(clip: Path) -> BoolArray:
    return masks(sys.executable, clip, clip.with_name("expected.npz"))


def masks(python: str, clip: Path, path: Path, blocked: Sequence[str] = ()) -> BoolArray:
    """Return the moving pixels (N, h, w) that a Python finds without the packages `blocked`."""
    done = subprocess.run(
        [python, str(PROGRAM), str(clip), str(path), *blocked],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return np.load(path)["ids"] > 0


def overlap(one: BoolArray, other: BoolArray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_without_what_pip_brings_the_masks_are_the_same(clip: Path, expected: BoolArray) -> None:
    assert expected[4:].any(axis=(1, 2)).all()
    found = masks(sys.executable, clip, clip.with_name("bare.npz"), FROM_PIP)
    assert overlap(found, expected) > 0.999  # sums of the networks in another order


@pytest.mark.parametrize("distribution", VERSIONS)
def test_on_what_ubuntu_has_for_a_distribution_the_masks_are_the_same(
    distribution: str, clip: Path, expected: BoolArray, tmp_path: Path
) -> None:
    python = environment(tmp_path / distribution, distribution)
    found = masks(python, clip, tmp_path / "found.npz", FROM_PIP)
    assert overlap(found, expected) > SAME


def environment(folder: Path, distribution: str) -> str:
    """Return the Python of a new virtual environment, or skip the test."""
    base = next(filter(None, map(interpreter, PYTHONS[distribution])), None)
    if base is None:
        pytest.skip(f"no Python {' or '.join(PYTHONS[distribution])} here")
    subprocess.run([base, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    # PyYAML alone of the others: the settings import it.
    packages = [*VERSIONS[distribution], "PyYAML"]
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    options = ["install", "--quiet", "--no-compile", "--only-binary", ":all:"]
    done = subprocess.run([*pip, *options, *packages], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"pip found no {' '.join(packages)}: {done.stderr.strip().splitlines()[-1]}")
    return python


def interpreter(version: str) -> str | None:
    """Return a Python of a version that can make virtual environments: this one, one on the path,
    or one of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    own = sys.executable if sys.version_info[:2] == tuple(map(int, version.split("."))) else None
    places = [own, shutil.which(f"python{version}")]
    places += [str(each) for each in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    says = f"import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
    for place in filter(None, places):
        if subprocess.run([place, "-c", says], capture_output=True).returncode == 0:
            return place
    return None
