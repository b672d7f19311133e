"""Evaluation of a single sequence."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_seg_ros.lab.evaluation.datasets.catalogue import Place, open_dataset
from motion_seg_ros.lab.evaluation.evaluate import SequenceTask, evaluate_sequence
from motion_seg_ros.lab.evaluation.predictions import Predictions


@pytest.mark.parametrize(("travel_px", "fast"), [(5, False), (20, True)])
def test_speed_between_masks_is_that_of_a_frame(tmp_path: Path, travel_px: int, fast: bool) -> None:
    """Of six images of 128 columns the first and the last have a mask: 1 or 4 px per frame."""
    for index in range(6):
        image = np.full((96, 128, 3), 40 * index, np.uint8)
        mask = np.zeros((96, 128), np.uint8)
        mask[30:60, 20 + index * travel_px // 5 :][:, :30] = 1
        for kind, pixels in (("images", image), ("masks", mask)):
            (tmp_path / kind).mkdir(exist_ok=True)
            if kind == "images" or index in (0, 5):
                cv2.imwrite(str(tmp_path / kind / f"{index:05d}.png"), pixels)
    (sequence,) = open_dataset("folder", Place(tmp_path)).sequences
    shutil.copytree(tmp_path / "masks", tmp_path / "said" / sequence.name)
    task = SequenceTask(sequence, Predictions(tmp_path / "said", False), tmp_path / "out", "said")
    found = evaluate_sequence(task, lambda done: None)
    assert found.J_mean == 1
    assert found.tags.get("fast", ()) == (("00005",) if fast else ())
