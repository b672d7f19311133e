"""Recordings for Rerun's viewer, read back by Rerun's library."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from results import result_with_boxes

pytest.importorskip("rerun", reason="needs the extra for Rerun, of Python 3.11 and later")

import rerun_files

from motion_seg_ros.camera import Camera
from motion_seg_ros.errors import OutputError
from motion_seg_ros.io.rerun_writer import RerunWriter
from motion_seg_ros.outputs.palette import id_palette
from motion_seg_ros.types import CameraMotion, Frame, FrameResult, Source, UInt8Array

SIZE = (48, 64)
STEP_NS = 40_000_000
BOXES = ({}, {1: (10, 4, 20, 10)}, {1: (12, 4, 20, 10), 300: (40, 30, 8, 8)})
MATRIX = np.array([[70.0, 0, 30], [0, 71, 25], [0, 0, 1]])


def image(index: int) -> UInt8Array:
    """A smooth picture, which JPEG keeps."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.stack([x * 3, y * 4, np.full_like(x, 40 * index)], axis=2).astype(np.uint8)


def place(index: int) -> tuple[np.ndarray, np.ndarray]:
    """Orientation and position of a camera that turns to the right and goes along its first axis of
    sight."""
    turn = cv2.Rodrigues(np.array([0, 0.1 * index, 0]))[0]
    return turn, np.array([0, 0, 0.1 * index])


def motion(index: int) -> CameraMotion:
    """How it moved over a window of all frames so far."""
    turn, position = place(index)
    linear, translation = [], []
    for each in range(index + 1):
        earlier, there = place(each)
        linear.append(earlier.T @ turn)
        translation.append(earlier.T @ (position - there))
    known = np.arange(index + 1) < index
    return CameraMotion(np.array(linear), np.array(translation), known, True, True)


def depth_m(index: int) -> np.ndarray:
    depth = np.full(SIZE, 1.5 + index, np.float32)
    depth[:4] = np.nan
    depth[4:8] = 70.0  # beyond what is kept
    return depth


def results(start_ns: int = 0) -> list[FrameResult]:
    """Three frames of a calibrated depth camera."""
    made = []
    for index, boxes in enumerate(BOXES):
        found = result_with_boxes(image(index), boxes, start_ns + index * STEP_NS)
        frame = dataclasses.replace(
            found.frame, depth_m=depth_m(index), camera=Camera(SIZE, MATRIX)
        )
        made.append(dataclasses.replace(found, frame=frame, camera_motion=motion(index)))
    return made


def written(path: Path, made: list[FrameResult]) -> rerun_files.Recording:
    with RerunWriter(path, "walk") as writer:
        for each in made:
            writer.write(each)
    return rerun_files.read(path)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> rerun_files.Recording:
    return written(tmp_path_factory.mktemp("rerun") / "walk.rrd", results())


TIMES = [index * STEP_NS for index in range(3)]


def test_there_is_one_time_line_and_a_layout(recording: rerun_files.Recording) -> None:
    assert recording.time_lines == {"stamp"}
    assert recording.blueprints == 1
    name = recording.at("/__properties", "RecordingInfo:name")
    assert name == {None: ["walk"]}


def test_frames(recording: rerun_files.Recording) -> None:
    found = recording.at("/world/camera/image", "EncodedImage:blob")
    assert list(found) == TIMES
    for index, (blob,) in enumerate(found.values()):
        picture = cv2.imdecode(np.array(blob, np.uint8), cv2.IMREAD_COLOR)
        assert np.abs(picture.astype(int) - image(index)).mean() < 3
    kinds = recording.at("/world/camera/image", "EncodedImage:media_type")
    assert set(map(tuple, kinds.values())) == {("image/jpeg",)}


def test_masks_and_their_colours(recording: rerun_files.Recording) -> None:
    found = recording.at("/world/camera/mask", "SegmentationImage:buffer")
    assert list(found) == TIMES
    for boxes, (buffer,) in zip(BOXES, found.values(), strict=True):
        ids = np.array(buffer, np.uint8).view("<u2").reshape(SIZE)
        expected = result_with_boxes(image(0), boxes).masks.id_map
        assert (ids == expected).all()
    (context,) = recording.at("/world/camera", "AnnotationContext:context")[None]
    classes = {each["class_id"]: each["class_description"]["info"] for each in context}
    assert {key: each["label"] for key, each in classes.items()} == {
        0: "static",
        1: "object 1",
        300: "object 300",
    }
    assert classes[0]["color"] == 0  # nothing is tinted
    red, green, blue = id_palette()[1].tolist()
    assert classes[1]["color"] == (red << 24) | (green << 16) | (blue << 8) | 255


def test_tracks_have_the_colour_of_their_label(recording: rerun_files.Recording) -> None:
    positions = recording.at("/world/camera/tracks", "Points2D:positions")
    colours = recording.at("/world/camera/tracks", "Points2D:colors")
    expected = results()[0].tracks
    for time in TIMES:
        np.testing.assert_allclose(positions[time], expected.xy_px[-1, :5])  # the sixth is hidden
        assert len(colours[time]) == 5
        assert len(set(colours[time][:3])) == 1  # static
        assert len(set(colours[time][3:])) == 1  # moving
        assert colours[time][0] != colours[time][3]
        strips = recording.at("/world/camera/tails", "LineStrips2D:strips")[time]
        np.testing.assert_allclose(strips, expected.xy_px[:, 3:5].swapaxes(0, 1))


def test_poses_and_intrinsics(recording: rerun_files.Recording) -> None:
    places = recording.at("/world/camera", "Transform3D:translation")
    np.testing.assert_allclose(
        [each[0] for each in places.values()], [[0, 0, 0.1 * k] for k in range(3)], atol=1e-6
    )
    assert list(places) == TIMES
    turns = recording.at("/world/camera", "Transform3D:mat3x3")
    for index, (turn,) in enumerate(turns.values()):
        np.testing.assert_allclose(turn, place(index)[0].T.ravel(), atol=1e-6)  # by columns
    pinhole = recording.at("/world/camera", "Pinhole:image_from_camera")
    np.testing.assert_allclose(next(iter(pinhole.values()))[0], MATRIX.T.ravel())  # by columns
    assert len(pinhole) == 1
    assert recording.at("/world/camera", "Pinhole:resolution") == {0: [[64.0, 48.0]]}
    axes = recording.at("/world", "ViewCoordinates:xyz")[None]
    assert axes == [[3, 2, 5]]  # right, down, forward
    path = recording.at("/world/path", "LineStrips3D:strips")[None][0]
    np.testing.assert_allclose(path, [[0, 0, 0.1 * k] for k in range(3)], atol=1e-6)


def test_depth(recording: rerun_files.Recording) -> None:
    found = recording.at("/world/camera/depth", "EncodedDepthImage:blob")
    for index, (blob,) in enumerate(found.values()):
        units = cv2.imdecode(np.array(blob, np.uint8), cv2.IMREAD_UNCHANGED)
        assert units.dtype == np.uint16
        assert not units[:8].any()
        assert (units[8:] == 1500 + 1000 * index).all()
    meters = recording.at("/world/camera/depth", "EncodedDepthImage:meter")
    assert list(meters.values()) == [[1000.0]] * 3


def test_without_calibration_depth_and_motion(tmp_path: Path) -> None:
    made = [result_with_boxes(image(0), {}, each) for each in TIMES]
    found = written(tmp_path / "a.rrd", made)
    assert "/world/camera/depth" not in found.rows
    assert "/world/path" not in found.rows
    assert "Transform3D:translation" not in found.rows["/world/camera"]
    (pinhole,) = found.at("/world/camera", "Pinhole:image_from_camera").values()
    assert pinhole[0][0] == 64  # the longer side


def test_depth_that_is_missing_is_not_that_of_the_frame_before(tmp_path: Path) -> None:
    made = results()
    frame = dataclasses.replace(made[1].frame, depth_m=None)
    made[1] = dataclasses.replace(made[1], frame=frame)
    found = written(tmp_path / "a.rrd", made)
    assert list(found.at("/world/camera/depth", "EncodedDepthImage:blob")) == [TIMES[0], TIMES[2]]
    cleared = [key for key in found.rows["/world/camera/depth"] if key.startswith("Clear")]
    assert [list(found.at("/world/camera/depth", each)) for each in cleared] == [[TIMES[1]]]


def test_tracks_of_an_earlier_frame_are_left_out(tmp_path: Path) -> None:
    late = dataclasses.replace(results()[0], source=Source.PROPAGATED, camera_motion=None)
    found = written(tmp_path / "a.rrd", [late])
    assert found.at("/world/camera/tracks", "Points2D:positions") == {0: []}


def test_stamps_of_a_clock_are_dates(tmp_path: Path) -> None:
    start = 1_700_000_000_123_456_789
    found = written(tmp_path / "a.rrd", results(start))
    stamps = [start + each for each in TIMES]
    assert list(found.at("/world/camera/image", "EncodedImage:blob")) == stamps


def test_a_size_that_changes(tmp_path: Path) -> None:
    small = image(0)[:40, :50].copy()
    found = written(
        tmp_path / "a.rrd",
        [result_with_boxes(image(0), {}, 0), result_with_boxes(small, {}, STEP_NS)],
    )
    assert found.at("/world/camera", "Pinhole:resolution") == {
        0: [[64.0, 48.0]],
        STEP_NS: [[50.0, 40.0]],
    }


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_a_file_that_is_cut_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    path = tmp_path / "a.rrd"
    check = RerunWriter._check

    def cut(writer: RerunWriter) -> None:
        whole = path.read_bytes()
        path.write_bytes(whole[: round(share * len(whole))])
        check(writer)

    monkeypatch.setattr(RerunWriter, "_check", cut)
    with pytest.raises(OutputError, match=r"a\.rrd: expected a whole recording for Rerun, found "):
        written(path, results())


def test_frames_of_one_pixel(tmp_path: Path) -> None:
    frame = Frame(np.zeros((1, 1, 3), np.uint8), 0)
    result = result_with_boxes(frame.image_bgr, {})
    assert written(tmp_path / "a.rrd", [result]).time_lines == {"stamp"}
