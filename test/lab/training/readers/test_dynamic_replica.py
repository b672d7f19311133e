"""Dynamic Replica splits of ours: a walker, a sitter and a room, in the publisher's layout."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.training.readers.dynamic_replica import (
    FRAME_STRIDE,
    MIN_STEP,
    DynamicReplicaReader,
    moving_points,
)

SIZE = (72, 128)
FRAMES = 40
ROOM, SITTER, WALKER = 0, 3, 7
POINTS = {ROOM: 400, SITTER: 60, WALKER: 60}


def frame_tensors(frame: int) -> dict[str, torch.Tensor]:
    """The room and the sitter rest, but for a third of the sitter, an arm; the walker walks. The
    camera pans: all points pass to the left by 1 px per frame."""
    rng = np.random.default_rng(0)
    instance = np.repeat(list(POINTS), list(POINTS.values()))
    world = rng.uniform(-2, 2, (len(instance), 3))
    xy = rng.uniform([0, 0], [128, 72], (len(instance), 2))
    walks = instance == WALKER
    arm = np.flatnonzero(instance == SITTER)[:20]
    world[walks, 0] += 0.01 * frame
    world[arm, 1] += 0.02 * frame
    xy[walks, 0] += 2.0 * frame
    xy[:, 0] -= frame
    image_plane = np.concatenate([xy, np.ones((len(xy), 1))], axis=1)
    return {
        "traj_2d": torch.tensor(image_plane, dtype=torch.float32),
        "traj_3d_world": torch.tensor(world, dtype=torch.float32),
        "verts_inds_vis": torch.tensor(np.arange(len(xy)) % 10 != frame % 10),
        "instances": torch.tensor(instance),
        "img": torch.zeros((*SIZE, 3), dtype=torch.uint8),
    }


def entry(sequence: str, frame: int, camera: str) -> dict[str, Any]:
    path = f"{sequence}/trajectories/{frame:06d}.pth"
    return {
        "sequence_name": sequence,
        "frame_number": frame,
        "frame_timestamp": frame / 30,
        "camera_name": camera,
        "image": {"path": f"{sequence}/images/{frame:06d}.png", "size": list(SIZE)},
        "trajectories": {"path": path} if camera == "left" else None,
    }


def write_split(root: Path, split: str = "train", sequences: tuple[str, ...] = ("a",)) -> Path:
    folder = root / split
    entries = []
    for sequence in sequences:
        (folder / sequence / "trajectories").mkdir(parents=True)
        for frame in reversed(range(FRAMES)):  # the order in the file does not matter
            path = folder / sequence / "trajectories" / f"{frame:06d}.pth"
            torch.save(frame_tensors(frame), path)
            entries += [entry(sequence, frame, camera) for camera in ("left", "right")]
    write_annotations(folder, split, entries)
    return root


def write_annotations(folder: Path, split: str, entries: object) -> None:
    with gzip.open(folder / f"frame_annotations_{split}.jgz", "wt", encoding="utf-8") as file:
        json.dump(entries, file)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_split(tmp_path_factory.mktemp("dynamic_replica"), "train", ("a", "b"))


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    return write_split(tmp_path)


def test_every_fourth_frame(root: Path) -> None:
    reader = DynamicReplicaReader(root, frames=6)
    samples = list(reader.samples(0))
    assert len(reader.recordings) == len(samples) == 2
    for sample in samples:
        assert sample.size == SIZE
        assert sample.tags == ("dynamic_replica",)
        both = sample.visible[1:] & sample.visible[:-1]
        step = np.diff(sample.xy_px[..., 0], axis=0)
        rests, walks = both & ~sample.moving, both & sample.moving
        np.testing.assert_allclose(step[rests], -FRAME_STRIDE, atol=1e-4)
        np.testing.assert_allclose(step[walks], FRAME_STRIDE, atol=1e-4)
        assert walks.any()


def test_who_moves(root: Path) -> None:
    # a window over nearly the whole sequence: half of the sitter would have to move, not a third
    sample = next(DynamicReplicaReader(root, frames=10).samples(0))
    assert sample.visible.shape[0] == 10
    assert sample.labelled.all()
    assert 0 < np.count_nonzero(sample.moving) <= POINTS[WALKER]


def test_track_counts(root: Path) -> None:
    reader = DynamicReplicaReader(root, frames=6)
    counts = {len(each) for seed in range(8) for each in reader.samples(seed)}
    assert 256 in counts
    assert max(counts) <= sum(POINTS.values())


def test_points_outside_the_image_are_not_visible(root: Path) -> None:
    sample = next(DynamicReplicaReader(root, frames=10).samples(3))
    assert (sample.xy_px >= 0).all()
    assert (sample.xy_px <= [SIZE[1] - 1, SIZE[0] - 1]).all()
    # a tenth is hidden; of those that stay in the room, 36 px of 128 have left
    assert 0.2 < (~sample.visible[-1, ~sample.moving]).mean() < 0.5


def test_moving_is_more_than_half_of_an_object() -> None:
    still = np.zeros((3, 4, 3))
    for count, expected in ((1, False), (2, False), (3, True), (4, True)):
        world = still.copy()
        world[1:, :count, 0] = MIN_STEP * 1.01  # one step, then at rest again
        assert (moving_points(world, np.zeros(4, int)) == expected).all()
    world = still.copy()
    world[1:, :, 0] = MIN_STEP * 0.9
    assert not moving_points(world, np.zeros(4, int)).any()
    world[1:, 2:, 0] = 1
    assert moving_points(world, np.array([5, 5, -1, -1])).tolist() == [False, False, True, True]


class TestBrokenFiles:
    def test_no_annotations(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"frame_annotations_train\.jgz: expected"):
            DynamicReplicaReader(tmp_path, frames=4)

    @pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b"[{]")])
    def test_annotations(self, broken: Path, content: bytes) -> None:
        (broken / "train/frame_annotations_train.jgz").write_bytes(content)
        with pytest.raises(InputError, match=r"jgz: expected gzipped JSON"):
            DynamicReplicaReader(broken, frames=16)

    def test_annotations_cut_off(self, broken: Path) -> None:
        path = broken / "train/frame_annotations_train.jgz"
        path.write_bytes(path.read_bytes()[:-40])
        with pytest.raises(InputError, match=r"jgz: expected gzipped JSON"):
            DynamicReplicaReader(broken, frames=16)

    def test_annotations_of_another_kind(self, broken: Path) -> None:
        write_annotations(broken / "train", "train", [{"sequence_name": "a"}])
        with pytest.raises(InputError, match="KeyError: 'camera_name'"):
            DynamicReplicaReader(broken, frames=16)

    def test_without_trajectories(self, broken: Path) -> None:
        write_annotations(broken / "train", "train", [entry("a", 0, "right")])
        with pytest.raises(InputError, match="expected frames of the left camera"):
            DynamicReplicaReader(broken, frames=16)

    @pytest.mark.parametrize("content", [None, b"", b"no archive", "other tensors", "pickled"])
    def test_trajectories(self, broken: Path, content: bytes | str | None) -> None:
        for path in (broken / "train/a/trajectories").glob("*.pth"):
            if content is None:
                path.unlink()
            elif content == "other tensors":
                torch.save({"traj_2d": torch.zeros(3, 3)}, path)
            elif content == "pickled":
                torch.save({"traj_2d": Path("code that must not run")}, path)
            else:
                assert isinstance(content, bytes)
                path.write_bytes(content)
        with pytest.raises(InputError, match=r"0000\d\d\.pth: expected"):
            next(DynamicReplicaReader(broken, frames=16).samples(0))

    def test_frames_with_other_numbers_of_points(self, broken: Path) -> None:
        for frame in range(0, FRAMES, 8):
            tensors = frame_tensors(frame)
            fewer = {key: each[:-1] for key, each in tensors.items()}
            for near in range(frame, frame + 4):
                torch.save(fewer, broken / f"train/a/trajectories/{near:06d}.pth")
        with pytest.raises(InputError, match="as many points in all frames"):
            next(DynamicReplicaReader(broken, frames=16).samples(0))
