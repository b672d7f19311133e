"""Labelled tracks in the layouts of their publishers, written here by scipy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.labels.mat_files import read_mat
from motion_seg_ros.lab.evaluation.labels.sources import recorded_tracks, track_clips

FRAMES, COUNT = 5, 8
# Motion 2 spans the image, motion 1 has more tracks, the last track is an outlier.
LABEL = np.array([1, 1, 1, 1, 2, 2, 2, 0])
MOTION = [1, 1, 1, 1, 0, 0, 0, -1]


def positions() -> np.ndarray:
    """(F, P, 2) positions in an image of 100x60."""
    rng = np.random.default_rng(0)
    near = 40 + rng.uniform(0, 5, (COUNT - 4, 2))
    wide = np.array([[3.0, 4.0], [96.0, 5.0], [50.0, 57.0], [60.0, 30.0]])
    start = np.concatenate((near, wide))
    return start + np.arange(FRAMES)[:, None, None] * 0.5


def visible() -> np.ndarray:
    """(F, P) bool: the first track is hidden for a while."""
    seen = np.ones((FRAMES, COUNT), bool)
    seen[2:4, 0] = False
    return seen


def homogeneous(xy_px: np.ndarray, seen: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """(3, P, F), zero where hidden."""
    ones = np.ones((*xy_px.shape[:2], 1))
    y = scale * np.concatenate((xy_px, ones), axis=2) * seen[..., None]
    return y.transpose(2, 1, 0)


def kt3dmoseg(path: Path, **changes: Any) -> Path:
    data: dict[str, Any] = {
        "ySparse": homogeneous(positions(), visible()),
        "visibleSparse": visible().T,
        "GtLabel": LABEL[:, None].astype(np.uint8),
        "nFrames": FRAMES,
        "nSparsePoints": COUNT,
        "height": 60,
        "width": 100,
        **changes,
    }
    savemat(path, {"Data": {name: each for name, each in data.items() if each is not None}})
    return path


def hopkins(path: Path, **changes: Any) -> Path:
    xy_px = positions()
    content: dict[str, Any] = {
        "y": homogeneous(xy_px, np.ones((FRAMES, COUNT), bool), scale=2.0),
        "x": np.zeros((3, COUNT, FRAMES)),
        "K": np.array([[50.0, 0, 50], [0, 50, 50], [0, 0, 1]]),
        "s": LABEL[:, None].astype(np.float64),
        "width": 100,
        "height": 60,
        "points": COUNT,
        "frames": FRAMES,
        **changes,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {name: each for name, each in content.items() if each is not None})
    return path


def mtpv(path: Path, **changes: Any) -> Path:
    x = np.where(visible()[..., None], positions() + 0j, 1j).transpose(1, 2, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"X": x, "labels": LABEL, **changes})
    return path


def test_kt3dmoseg(tmp_path: Path) -> None:
    clip = read_mat(kt3dmoseg(tmp_path / "Seq005_Clip01_Tracks.mat"))
    seen = visible()
    assert clip.motion.tolist() == MOTION
    assert clip.sample.visible.tolist() == seen.tolist()
    np.testing.assert_allclose(clip.sample.xy_px[seen], positions()[seen], rtol=1e-6)
    assert (clip.sample.size, clip.sized) == ((60, 100), True)
    assert clip.sample.moving.tolist() == [each > 0 for each in MOTION]
    assert clip.sample.labelled.tolist() == [each >= 0 for each in MOTION]
    # Hidden positions are held, not those of the file.
    assert clip.sample.xy_px[3, 0].tolist() == clip.sample.xy_px[1, 0].tolist()


def test_dense_tracks_are_tracks_that_are_not_judged(tmp_path: Path) -> None:
    dense = np.concatenate((positions()[:, :3], positions()[:, :2] + 7), axis=1)
    shown = np.concatenate((visible()[:, :3], np.ones((FRAMES, 2), bool)), axis=1)
    path = tmp_path / "a_Tracks.mat"
    clip = read_mat(kt3dmoseg(path, yAll=homogeneous(dense, shown), visibleAll=shown.T))
    assert clip.motion.tolist() == [*MOTION, -1, -1]  # three are sparse ones, too
    np.testing.assert_allclose(clip.sample.xy_px[:, -2:], positions()[:, :2] + 7, rtol=1e-6)


def test_without_visibility_and_size(tmp_path: Path) -> None:
    y = homogeneous(positions(), np.ones((FRAMES, COUNT), bool))
    path = tmp_path / "a_Tracks.mat"
    clip = read_mat(kt3dmoseg(path, ySparse=y, visibleSparse=None, height=None, width=None))
    assert clip.sample.visible.all()
    assert (clip.sample.size, clip.sized) == ((60, 99), False)  # the farthest is at 98, 59


def test_hopkins(tmp_path: Path) -> None:
    path = tmp_path / "1R2RC" / "1R2RC_truth.mat"
    clip = read_mat(hopkins(path))
    assert clip.motion.tolist() == MOTION
    assert clip.sample.visible.all()
    np.testing.assert_allclose(clip.sample.xy_px, positions(), rtol=1e-6)
    assert clip.sample.size == (60, 100)
    assert clip.sample.matrix[0, 0] == 100  # guessed: K is not a calibration
    clip = read_mat(hopkins(path, m=visible().T.astype(float)))
    assert clip.sample.visible.tolist() == visible().tolist()


def test_mtpv(tmp_path: Path) -> None:
    clip = read_mat(mtpv(tmp_path / "Raft" / "raft_gt.mat"))
    seen = visible()
    assert clip.motion.tolist() == MOTION
    assert clip.sample.visible.tolist() == seen.tolist()
    np.testing.assert_allclose(clip.sample.xy_px[seen], positions()[seen], rtol=1e-6)


def test_a_single_frame(tmp_path: Path) -> None:
    y = homogeneous(positions(), visible())[:, :, 0]
    clip = read_mat(hopkins(tmp_path / "a_truth.mat", y=y))
    assert clip.sample.xy_px.shape == (1, COUNT, 2)


def test_folders_as_published(tmp_path: Path) -> None:
    kitti = tmp_path / "KT3DMoSeg"
    (kitti / "Data").mkdir(parents=True)
    kt3dmoseg(kitti / "Data" / "Seq005_Clip01_Tracks.mat")
    savemat(kitti / "Data" / "SeqList.mat", {"SeqList": np.zeros(1)})
    assert list(track_clips(kitti)) == ["Seq005_Clip01"]
    assert list(track_clips(kitti / "Data")) == ["Seq005_Clip01"]
    hopkins(tmp_path / "Hopkins155" / "1R2RC" / "1R2RC_truth.mat")
    hopkins(tmp_path / "Hopkins155" / "cars2" / "cars2_truth.mat")
    assert list(track_clips(tmp_path / "Hopkins155")) == ["1R2RC", "cars2"]
    both = tmp_path / "MTPV62"
    hopkins(both / "Hopkins50" / "cars9" / "cars9_truth.mat")
    mtpv(both / "MTPV_data" / "Raft" / "raft_gt.mat")
    mtpv(both / "PerspectiveNViewsData" / "boxes.mat")
    assert sorted(track_clips(both)) == ["boxes", "cars9", "raft"]
    streams = list(recorded_tracks(both, None, window=4))
    assert [each.motion.tolist() for each in streams if each.motion is not None] == [MOTION] * 3


def test_no_tracks_and_two_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="or MTPV62, found none; check"):
        track_clips(tmp_path)
    mtpv(tmp_path / "MTPV_data" / "Raft" / "raft_gt.mat")
    mtpv(tmp_path / "PerspectiveNViewsData" / "raft.mat")
    with pytest.raises(InputError, match="expected another name than that of"):
        track_clips(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ySparse": None}, "expected ySparse, found GtLabel, "),
        ({"ySparse": np.zeros((2, COUNT, FRAMES))}, r"ySparse: expected \(3, P, F\) numbers"),
        ({"ySparse": np.zeros((4, COUNT, FRAMES))}, "ySparse: expected coordinates of tracks"),
        ({"ySparse": np.zeros((3, COUNT, FRAMES))}, "expected finite positions where visible"),
        ({"visibleSparse": np.ones((FRAMES, COUNT))}, r"visibleSparse: expected \(8, 5\) of 0 and"),
        ({"GtLabel": np.ones(3)}, "GtLabel: expected 8 whole numbers"),
        ({"GtLabel": np.full(COUNT, 0.5)}, "GtLabel: expected 8 whole numbers"),
        ({"width": 0}, "expected 1 to 65535 pixels a side, found 0x60"),
        ({"width": 99.5}, "height, width: expected a number of pixels"),
        ({"yAll": np.ones((3, 2, 4))}, "yAll: expected 5 frames, found 4"),
    ],
)
def test_wrong_fields(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=f"a_Tracks.mat: (size: )?{words}"):
        read_mat(kt3dmoseg(tmp_path / "a_Tracks.mat", **changes))


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    savemat(path, {"Data": np.zeros(3)})
    with pytest.raises(InputError, match="Data: expected a struct"):
        read_mat(path)
    savemat(path, {"lines": np.zeros(3)})
    with pytest.raises(InputError, match=r"\(X, labels\), found lines; give"):
        read_mat(path)
    whole = hopkins(path).read_bytes()
    for content in (b"", b"nothing", whole[: len(whole) // 2], whole[:300]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"a\.mat: expected "):
            read_mat(path)
    with pytest.raises(InputError, match=r"b\.mat: expected a MATLAB 5 file, found "):
        read_mat(tmp_path / "b.mat")


def test_version_73_names_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124, b" ") + b"\x00\x02IM"
    path.write_bytes(header + b"\x89HDF\r\n\x1a\n".ljust(512, b"\0"))
    with pytest.raises(InputError, match=r"found version 7\.3 \(HDF5\); save it again .*-v7"):
        read_mat(path)
