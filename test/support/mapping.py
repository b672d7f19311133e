"""Programs with pycolmap for the tests, each in a process of its own: it and Pillow crash each
other within one."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EVO = importlib.util.find_spec("evo") is not None
INSTALLED = EVO and importlib.util.find_spec("pycolmap") is not None
needs_colmap = pytest.mark.skipif(
    not INSTALLED, reason="pycolmap, evo: not installed (pip install 'motion_seg_ros[trajectory]')"
)

_KEYPOINTS = """
import json, sys, pycolmap
with pycolmap.Database.open(sys.argv[1]) as database:
    found = {
        image.name: database.read_keypoints(image.image_id)[:, :2].tolist()
        for image in database.read_all_images()
    }
print(json.dumps(found))
"""


def run_program(program: str, *arguments: object) -> str:
    """Run Python code; what it prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def keypoints(database: Path) -> dict[str, list[Any]]:
    """Image name -> x, y of each of its features; the centre of the top-left pixel is
    (0.5, 0.5)."""
    return json.loads(run_program(_KEYPOINTS, database))
