"""Files of labelled tracks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.labels.track_files import read_tracks


def arrays(**changes: Any) -> dict[str, npt.NDArray[Any]]:
    """Five frames of three tracks: always seen, seen with a break, never seen."""
    xy_px = np.arange(30, dtype=np.float32).reshape(5, 3, 2)
    visible = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 1, 0], [1, 0, 0]], bool)
    xy_px[~visible] = np.nan
    motion = np.array([0, 2, -1], np.int8)
    made: dict[str, Any] = {
        "xy_px": xy_px,
        "visible": visible,
        "motion": motion,
        "size": np.array([30, 40]),
        **changes,
    }
    return {name: np.asarray(each) for name, each in made.items() if each is not None}


def written(path: Path, **changes: Any) -> Path:
    np.savez(path, **arrays(**changes))
    return path


def test_positions_are_held_where_a_track_is_hidden(tmp_path: Path) -> None:
    clip = read_tracks(written(tmp_path / "clip.npz")).sample
    assert clip.xy_px[:, 0].tolist() == [[0, 1], [6, 7], [12, 13], [18, 19], [24, 25]]
    assert clip.xy_px[:, 1].tolist() == [[8, 9], [8, 9], [8, 9], [20, 21], [20, 21]]
    assert np.isfinite(clip.xy_px).all()
    assert clip.xy_px.dtype == np.float32


def test_truth(tmp_path: Path) -> None:
    clip = read_tracks(written(tmp_path / "clip.npz")).sample
    assert clip.moving.tolist() == [False, True, False]
    assert clip.labelled.tolist() == [True, True, False]
    assert clip.size == (30, 40)
    assert (clip.confidence > 0).tolist() == clip.visible.tolist()


def test_intrinsics(tmp_path: Path) -> None:
    path = tmp_path / "clip.npz"
    matrix = np.array([[35.0, 0, 19], [0, 36, 14], [0, 0, 1]])
    numbers = {"fx": 35.0, "fy": 36, "cx": np.float32(19), "cy": 14.0}
    for given in ({"camera_matrix": matrix}, {"camera_matrix": matrix.astype("f4")}, numbers):
        assert read_tracks(written(path, **given)).sample.matrix.tolist() == matrix.tolist()
    assert read_tracks(written(path)).sample.matrix[0, 0] == 40  # the longer side


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"motion": None}, "expected an array motion, found size, visible, xy_px; see "),
        ({"visible": np.ones((5, 3), np.uint8)}, r"visible: expected \(T, N\) bool, found \(5, 3"),
        ({"visible": np.ones(3, bool)}, r"visible: expected \(T, N\) bool, found \(3,\) bool"),
        ({"visible": np.ones((0, 3), bool)}, "expected one frame at least, found none"),
        ({"xy_px": np.ones((5, 3, 3), np.float32)}, r"xy_px: expected \(5, 3, 2\) float, found"),
        ({"xy_px": np.full((5, 3, 2), np.inf)}, "xy_px: expected finite positions where visible"),
        ({"motion": np.zeros(4, np.int8)}, r"motion: expected \(3,\) integers, found \(4,\) int8"),
        ({"motion": np.array([0, 1, -2])}, "motion: expected -1 and more, found -2"),
        ({"size": np.array([30.0, 40.0])}, r"size: expected \(2,\) integers, found \(2,\) float64"),
        ({"fx": 35.0}, "expected an array fy, found fx, motion"),
        ({"fx": np.ones(2)}, r"fx: expected \(\) a number, found \(2,\) float64"),
        ({"camera_matrix": np.eye(4)}, r"camera_matrix: expected \(3, 3\) float, found \(4, 4\)"),
        ({"camera_matrix": -np.eye(3)}, "camera matrix: expected finite numbers with focal"),
        ({"size": np.array([0, 40])}, "size: expected 1 to 65535 pixels a side, found 40x0"),
    ],
)
def test_wrong_arrays(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=f"clip.npz: {words}"):
        read_tracks(written(tmp_path / "clip.npz", **changes))


def test_damaged_files(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.npz").read_bytes()
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, xy_px=np.array([None]), visible=np.ones((1, 1), bool))
    single = tmp_path / "single.npz"
    np.save(single.open("wb"), np.zeros(3))
    contents = [b"", b"nothing", whole[: len(whole) // 2], pickled.read_bytes()]
    for content in [*contents, single.read_bytes()]:
        (tmp_path / "clip.npz").write_bytes(content)
        with pytest.raises(InputError, match=r"clip\.npz: expected a file of labelled tracks") as e:
            read_tracks(tmp_path / "clip.npz")
        assert str(e.value).endswith("for the format")
