"""Files of track samples keep the names of their arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from random_samples import random_samples

from motion_seg_ros.lab.track_samples import read_samples, write_samples


def test_residuals_keep_their_older_name_in_files(tmp_path: Path) -> None:
    samples = random_samples(2)
    write_samples(tmp_path / "samples.npz", samples)
    with np.load(tmp_path / "samples.npz") as file:
        assert "hints" in file
        assert "residuals" not in file
    for one, other in zip(samples, read_samples(tmp_path / "samples.npz"), strict=True):
        np.testing.assert_array_equal(one.residuals, other.residuals)
