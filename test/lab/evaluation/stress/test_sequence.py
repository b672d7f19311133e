"""Sequences under a condition, in the layouts of data sets and in other processes."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path

import annotated_folders
import numpy as np
import pytest
import recordings
from camera_files import write_camera
from made_up_sequence import made_up

from motion_seg_ros.io.camera_file import read_camera_file
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence
from motion_seg_ros.lab.evaluation.datasets.catalogue import Place, open_dataset
from motion_seg_ros.lab.evaluation.stress.conditions import CONDITIONS
from motion_seg_ros.lab.evaluation.stress.sequence import StressedSequence


@pytest.mark.parametrize(
    ("dataset", "condition"),
    [
        *itertools.product(("davis2016", "davis2017", "fbms59", "bag"), CONDITIONS),
        ("synthetic", "every_3rd"),  # rendering takes long
        ("synthetic", "half_size"),
    ],
)
def test_frames_and_truth_fit_in_each_data_set(
    dataset: str, condition: str, tmp_path: Path
) -> None:
    sequence = opened(dataset, tmp_path)
    found = StressedSequence(sequence, CONDITIONS[condition])
    assert found.scored
    annotated_folders.check_frames(found, len(found.names))


def opened(dataset: str, folder: Path) -> AnnotatedSequence:
    if dataset == "synthetic":
        return open_dataset(dataset, Place(None, ("one_mover_still_camera",))).sequences[0]
    if dataset == "bag":
        images = recordings.pan(5)
        stamps = [recordings.START_NS + each * recordings.STEP_NS for each in range(5)]
        ids = np.eye(*images[0].shape[:2], dtype=np.uint16)
        frames = list(map(recordings.image_message, images, stamps))
        masks = [recordings.mask_message(ids, each, "mono16") for each in stamps]
        path = recordings.write_bag(folder / "drive", {"/image": frames, "/truth": masks})
        return open_dataset(dataset, Place(path, truth_topic="/truth")).sequences[0]
    if dataset == "fbms59":
        annotated_folders.fbms(folder, "one", labelled=(1, 3))
    else:
        annotated_folders.davis(folder, "one", several=dataset == "davis2017")
    return annotated_folders.opened(dataset, folder, "one").sequences[0]


def test_frames_of_a_process_are_the_same() -> None:
    image = np.random.default_rng(1).integers(0, 255, (40, 60, 3), np.uint8)
    found = StressedSequence(made_up(image, 3), CONDITIONS["noise"], 2)
    sent = pickle.loads(pickle.dumps(found))
    for one, other in zip(found.frames, sent.frames, strict=True):
        np.testing.assert_array_equal(one.frame.image_bgr, other.frame.image_bgr)


def test_a_calibration_file_is_of_the_images_before_they_are_made_smaller(tmp_path: Path) -> None:
    camera = read_camera_file(write_camera(tmp_path / "camera.yaml"))  # of 96x72
    sequence = made_up(np.zeros((72, 96, 3), np.uint8), 2)
    found = StressedSequence(sequence, CONDITIONS["half_size"], camera=camera)
    for each in found.frames:
        assert each.frame.camera is not None
        assert each.frame.camera.size == each.frame.size == (36, 48)
        assert each.frame.camera.matrix[0, 0] == pytest.approx(80.5 / 2)
