"""Folders of photographs for tests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np

from motion_seg_ros.lab.training.photographs.folder import LIST


def photograph_folder(folder: Path, *, seed: int) -> Path:
    """Fill a folder with one photograph in shades of red, and with a thing and a plant."""
    rng = np.random.default_rng(seed)
    red = np.zeros((300, 400, 3), np.uint8)
    red[..., 2] = cv2.resize(rng.integers(120, 255, (60, 80), np.uint8), (400, 300))
    cut_out = np.zeros((120, 160, 4), np.uint8)
    cut_out[20:100, 30:130] = (20, 20, 200, 255)
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for kind, image in (("photograph", red), ("mover", cut_out), ("plant", cut_out)):
        file = f"{kind}.png"
        cv2.imwrite(str(folder / file), image)
        listed.append(
            {
                "file": file,
                "kind": kind,
                "sha256": hashlib.sha256((folder / file).read_bytes()).hexdigest(),
                "package": "made-up",
                "version": "1",
                "source": file,
                "authors": ["nobody"],
                "licence": "CC0-1.0",
            }
        )
    (folder / LIST).write_text(json.dumps({"photographs": listed}))
    return folder
