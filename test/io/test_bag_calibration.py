"""Which recorded calibration belongs to an image of a bag."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import recordings
from rosbags.rosbag2 import Writer

from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.base import SourceFrame

IMAGE, INFO, OTHER = "/front/image_raw", "/front/camera_info", "/rear/camera_info"
INFO_TYPE = "sensor_msgs/msg/CameraInfo"
D = (-0.2, 0.05, 0.001, 0.0, 0.0)
IMAGES = recordings.pan(3)
STAMPS = [recordings.START_NS + i * recordings.STEP_NS for i in range(3)]


def info(stamp_ns: int, focal: float = 80.0, **changes: Any) -> Any:
    k = np.array([focal, 0, 48, 0, focal, 36, 0, 0, 1], np.float64)
    return recordings.camera_info_message(stamp_ns, **{"k": k, **changes})


def read(
    path: Path, infos: Sequence[tuple[int, Any]], *, image: str = IMAGE, topic: str = INFO
) -> list[SourceFrame]:
    """Read a bag whose images are recorded 5 ms after their stamps.

    Args:
        path: where to write the bag.
        infos: time of recording in nanoseconds, and message or bytes.
        image: topic of the images.
        topic: of `infos`.
    """
    stored: list[tuple[int, str, Any]] = [(at, topic, each) for at, each in infos]
    for each, stamp in zip(IMAGES, STAMPS, strict=True):
        stored.append((stamp + 5_000_000, image, recordings.image_message(each, stamp)))
    kinds = {image: "sensor_msgs/msg/Image", topic: INFO_TYPE}
    with Writer(path, version=8) as writer:
        connections = {
            name: writer.add_connection(name, kind, typestore=recordings.TYPES)
            for name, kind in kinds.items()
        }
        for at, name, message in sorted(stored, key=lambda each: each[0]):
            if not isinstance(message, bytes):
                message = bytes(recordings.TYPES.serialize_cdr(message, kinds[name]))
            writer.write(connections[name], at, message)
    return list(BagTopic(path, image))


def focals(frames: Sequence[SourceFrame]) -> list[float | None]:
    cameras = [each.frame.camera for each in frames]
    return [None if each is None else float(each.matrix[0, 0]) for each in cameras]


def test_messages_of_the_same_stamp_recorded_after_their_image(tmp_path: Path) -> None:
    infos = [(stamp + 6_000_000, info(stamp, 80 + i)) for i, stamp in enumerate(STAMPS)]
    assert focals(read(tmp_path / "bag", infos)) == [80, 81, 82]


def test_messages_of_the_same_stamp_recorded_before_their_image(tmp_path: Path) -> None:
    infos = [(stamp + 1_000_000, info(stamp, 80 + i)) for i, stamp in enumerate(STAMPS)]
    assert focals(read(tmp_path / "bag", infos)) == [80, 81, 82]


def test_one_message_serves_all_images_after_it(tmp_path: Path) -> None:
    frames = read(tmp_path / "bag", [(STAMPS[0], info(0, d=np.array(D)))])
    assert focals(frames) == [80, 80, 80]
    first, *others = (each.frame.camera for each in frames)
    assert first is not None
    assert (first.distortion_model, first.distortion) == ("plumb_bob", D)
    assert all(each is first for each in others)
    said = "/front/camera_info: fits the images, focal length 80.0 px, plumb_bob"
    assert {each.calibration for each in frames} == {said}


def test_images_before_the_first_message_have_no_camera(tmp_path: Path) -> None:
    frames = read(tmp_path / "bag", [(STAMPS[1], info(STAMPS[1]))])
    assert focals(frames) == [None, 80, 80]
    assert frames[0].calibration == ""


def test_equal_messages_give_one_camera(tmp_path: Path) -> None:
    infos = [(stamp, info(stamp, d=np.array(D))) for stamp in STAMPS]
    first, *others = (each.frame.camera for each in read(tmp_path / "bag", infos))
    assert first is not None
    assert all(each is first for each in others)


def test_rectified_images_by_the_name_of_their_topic(tmp_path: Path) -> None:
    p = np.array([70.0, 0, 40, 0, 0, 70, 30, 0, 0, 0, 1, 0])
    infos = [(STAMPS[0], info(0, d=np.array(D), p=p))]
    frames = read(tmp_path / "bag", infos, image="/front/image_rect_color")
    camera = frames[0].frame.camera
    assert camera is not None
    np.testing.assert_array_equal(camera.matrix, [[70, 0, 40], [0, 70, 30], [0, 0, 1]])
    assert camera.distortion_model == "none"


def test_the_calibration_of_another_camera_is_none_of_ours(tmp_path: Path) -> None:
    frames = read(tmp_path / "bag", [(STAMPS[0], info(0))], topic=OTHER)
    assert focals(frames) == [None] * 3


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    infos = [
        (STAMPS[0], info(STAMPS[0], k=np.zeros(9), p=np.zeros(12))),
        (STAMPS[1], bytes(recordings.TYPES.serialize_cdr(info(STAMPS[1]), INFO_TYPE))[:40]),
        (STAMPS[2], info(STAMPS[2], width=1280)),
    ]
    frames = read(tmp_path / "bag", infos)
    assert focals(frames) == [None] * 3
    zeros, damaged, other = (each.calibration for each in frames)
    assert zeros == "/front/camera_info: not used: all zeros: the camera is not calibrated"
    assert damaged.startswith(f"/front/camera_info: not used: bytes that are no whole {INFO_TYPE}")
    assert other == "/front/camera_info: not used: for 1280x72, the images are 96x72"


def test_a_message_without_a_header_is_told(tmp_path: Path) -> None:
    frames = read(tmp_path / "bag", [(STAMPS[0], b"\0\1\0\0")])
    assert focals(frames) == [None] * 3
    assert "no whole" in frames[0].calibration
