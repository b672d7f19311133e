"""Maps of a small spoiled scene, with masks of which it is known what they must do."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import mapping
import numpy as np
import pytest
import recordings

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.io.image_folder import ImageFolder
from motion_seg_ros.lab.evaluation.datasets.rendered import RenderedFrames, RenderedSequence
from motion_seg_ros.lab.evaluation.trajectory import mapping as colmap_mapping
from motion_seg_ros.lab.evaluation.trajectory.comparison import (
    NONE,
    OURS,
    TRUE,
    ClipMaps,
    MappingSettings,
    MapScores,
    PosedSequence,
    TrajectoryTask,
    compare,
)
from motion_seg_ros.lab.evaluation.trajectory.errors import PathErrors
from motion_seg_ros.lab.evaluation.trajectory.mapping import (
    MappingJob,
    MappingProcess,
    check_installed,
)
from motion_seg_ros.lab.evaluation.trajectory.poses import Poses, scene_poses
from motion_seg_ros.lab.evaluation.trajectory.scenes import trajectory_scene
from motion_seg_ros.types import Frame, UInt16Array

SETTINGS = MappingSettings(max_features=400, overlap=3)


class Oracle:
    """Answers with the truth, whichever way the clip is played."""

    def __init__(self, sequence: RenderedSequence) -> None:
        self._truths = {
            item.frame.image_bgr.tobytes(): sequence.truth(item.name).id_map
            for item in sequence.frames
        }

    def push(self, frame: Frame) -> UInt16Array:
        return self._truths[frame.image_bgr.tobytes()]


class Blind:
    """Says that nothing moves."""

    def push(self, frame: Frame) -> UInt16Array:
        return np.zeros(frame.size, np.uint16)


@mapping.needs_colmap
def test_movers_spoil_a_map_and_their_masks_mend_it() -> None:
    scene = trajectory_scene("container_lifted", size=(240, 180), frames=8)
    sequence = RenderedSequence(RenderedFrames(scene))
    task = TrajectoryTask(
        PosedSequence(sequence.frames, scene_poses(scene), sequence),
        lambda: Oracle(sequence),
        SETTINGS,
    )
    done: list[int] = []
    scores = compare(task, done.append)
    assert list(scores.maps) == [NONE, OURS, TRUE]
    assert scores.maps[TRUE].registered == scores.frames == 8
    assert scores.spoiled
    errors = {masks: each.errors for masks, each in scores.maps.items()}
    # Nothing is left to chance: the same masks make the same map.
    assert errors[NONE].ate_all_m > 0.02 * scores.path_m
    assert errors[TRUE].ate_all_m < 0.01 * scores.path_m
    assert errors[OURS] == errors[TRUE]
    assert scores.recovered == 1
    assert sum(done) == task.size == 40


@mapping.needs_colmap
def test_a_clip_without_features_is_a_row_and_not_a_crash(tmp_path: Path) -> None:
    grey = np.full((48, 64, 3), 128, np.uint8)
    recordings.write_images(tmp_path / "grey", [grey] * 4)
    rng = np.random.default_rng(0)
    poses = np.tile(np.eye(4), (4, 1, 1))
    poses[:, :3, 3] = rng.normal(size=(4, 3))
    truth = Poses(np.arange(4) / 10, poses)
    sequence = PosedSequence(ImageFolder(tmp_path / "grey", 10.0), truth)
    scores = compare(TrajectoryTask(sequence, Blind, SETTINGS), lambda count: None)
    assert set(scores.maps) == {NONE, OURS}
    assert scores.spoiled is None
    assert scores.recovered is None
    for each in scores.maps.values():
        assert each.registered == 0
        assert each.failure is not None
        assert each.errors.ate_m is None
        xyz = poses[:, :3, 3]
        spread = np.sqrt(((xyz - xyz.mean(axis=0)) ** 2).sum(axis=1).mean())
        assert each.errors.ate_all_m == pytest.approx(spread)


@mapping.needs_colmap
def test_every_other_frame_is_mapped_and_all_are_masked(tmp_path: Path) -> None:
    recordings.write_images(tmp_path / "walk", recordings.pan(7, (64, 48)))
    seen: list[int] = []

    class Watching(Blind):
        def push(self, frame: Frame) -> UInt16Array:
            seen.append(frame.stamp_ns)
            return super().push(frame)

    truth = Poses(np.arange(7) / 10, np.tile(np.eye(4), (7, 1, 1)))
    sequence = PosedSequence(ImageFolder(tmp_path / "walk", 10.0), truth)
    settings = dataclasses.replace(SETTINGS, every=2)
    scores = compare(TrajectoryTask(sequence, Watching, settings), lambda count: None)
    # There and back, the second time as if the clip went on.
    assert seen == [k * 100_000_000 for k in range(7)] * 2
    assert scores.frames == len(scores.true_positions_m) == 4
    with pytest.raises(InputError, match="at least 3 frames to map, found 2"):
        compare(
            TrajectoryTask(sequence, Blind, dataclasses.replace(settings, every=5)),
            lambda count: None,
        )


def job(folder: Path) -> MappingJob:
    (folder / "work").mkdir()
    names = tuple(f"{index:05d}.png" for index in range(12))
    return MappingJob(
        images=str(folder / "images"),
        names=names,
        masks=None,
        camera=None,
        workspace=str(folder / "work"),
        seed=0,
        max_features=1000,
        overlap=6,
    )


@mapping.needs_colmap
def test_a_process_that_fails_tells_its_last_words(tmp_path: Path) -> None:
    with MappingProcess(job(tmp_path)) as process:
        result = process.result()
    assert result.poses == {}
    assert result.failure is not None
    assert result.failure.startswith("COLMAP ended ")
    assert str(tmp_path / "images") in result.failure


@mapping.needs_colmap
def test_a_process_does_not_outlive_its_block(tmp_path: Path) -> None:
    recordings.write_images(tmp_path / "images", recordings.pan(12, (320, 240)))
    running = MappingProcess(job(tmp_path))
    with running:
        os.kill(running.pid, 0)  # it lives
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)


def test_what_is_not_installed_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colmap_mapping.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install .*\[trajectory\]"):
        check_installed("pycolmap")


@pytest.mark.parametrize(
    ("none", "ours", "true", "spoiled", "recovered"),
    [
        (0.9, 0.3, 0.1, True, 0.75),
        (0.9, 1.1, 0.1, True, -0.25),
        (0.9, 0.1, 0.1, True, 1.0),
        (0.29, 0.2, 0.1, False, None),
    ],
)
def test_what_is_won_back(
    none: float, ours: float, true: float, spoiled: bool, recovered: float | None
) -> None:
    maps = {
        masks: MapScores(8, 100, 1, PathErrors(ate, ate), 1.0)
        for masks, ate in ((NONE, none), (OURS, ours), (TRUE, true))
    }
    scores = ClipMaps("clip", 8, 2.0, ((0.0, 0.0, 0.0),), maps)
    assert scores.spoiled is spoiled
    assert scores.recovered == (None if recovered is None else pytest.approx(recovered))
