"""Files of track samples: what comes back, and how precisely."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from random_samples import random_samples

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.track_samples import read_samples, write_samples


def test_samples_come_back_as_precise_as_promised(tmp_path: Path) -> None:
    samples = random_samples(2)
    write_samples(tmp_path / "samples.npz", samples)
    back = read_samples(tmp_path / "samples.npz")
    assert len(back) == len(samples)
    for one, other in zip(samples, back, strict=True):
        assert one.depth is not None
        assert other.depth is not None
        assert np.abs(one.xy_px - other.xy_px).max() < 427 / 52_000
        np.testing.assert_allclose(other.confidence, one.confidence, atol=0.5 / 255 + 1e-6)
        np.testing.assert_allclose(other.depth, one.depth, rtol=1e-3, atol=1e-6)
        for name in ("visible", "moving", "labelled", "matrix"):
            np.testing.assert_array_equal(getattr(other, name), getattr(one, name))
        assert (other.size, other.tags) == (one.size, one.tags)
        for name in ("xy_px", "confidence", "depth"):
            assert getattr(other, name).dtype == np.float32
        assert other.matrix.dtype == np.float64


def test_positions_a_little_outside_the_image_are_kept(tmp_path: Path) -> None:
    sample = random_samples(0)[0]
    beside = sample.xy_px.copy()
    beside[..., 0] -= 290.0
    shifted = dataclasses.replace(sample, xy_px=np.maximum(beside, -50.0))
    write_samples(tmp_path / "samples.npz", [shifted])
    (back,) = read_samples(tmp_path / "samples.npz")
    assert np.abs(back.xy_px - shifted.xy_px).max() < 0.01


def test_unknown_depth_stays_unknown_and_none_stays_none(tmp_path: Path) -> None:
    sample = random_samples(0)[0]
    assert sample.depth is not None
    holes = sample.depth.copy()
    holes[1] = np.nan
    write_samples(tmp_path / "holes.npz", [dataclasses.replace(sample, depth=holes)])
    found = read_samples(tmp_path / "holes.npz")[0].depth
    assert found is not None
    np.testing.assert_array_equal(np.isnan(found), np.isnan(holes))
    write_samples(tmp_path / "none.npz", [dataclasses.replace(sample, depth=None)])
    assert read_samples(tmp_path / "none.npz")[0].depth is None


def test_files_of_an_older_format_are_refused(tmp_path: Path) -> None:
    write_samples(tmp_path / "samples.npz", random_samples(2))
    with np.load(tmp_path / "samples.npz") as file:
        arrays = {name: array for name, array in file.items() if name != "matrix"}
    np.savez(tmp_path / "old.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"old.npz: .*matrix.* make it again"):
        read_samples(tmp_path / "old.npz")
