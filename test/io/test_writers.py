"""A sequence's folder holds what the results say, and is there only when it is whole."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
import recordings
import results
from rosbags.rosbag2 import Reader, StoragePlugin

from motion_seg_ros.errors import OutputError
from motion_seg_ros.io.image_messages import image_to_array
from motion_seg_ros.io.message_types import typestore
from motion_seg_ros.io.sources import open_source
from motion_seg_ros.io.writers import SequenceWriter
from motion_seg_ros.outputs.overlay import draw_overlay
from motion_seg_ros.types import FrameResult

BOXES = ({}, {1: (10, 4, 20, 10)}, {1: (12, 4, 20, 10), 7: (50, 30, 8, 8)})


def write(
    path: Path, recording: Path, *, overwrite: bool = False, boxes: tuple = BOXES
) -> tuple[SequenceWriter, list[FrameResult]]:
    source = open_source(recording)
    writer = SequenceWriter(path, source, overlay=True, overwrite=overwrite, dilation_px=3)
    answers = []
    with writer:
        for item, moving in zip(source, boxes, strict=True):
            frame = item.frame
            answers.append(results.result_with_boxes(frame.image_bgr, moving, frame.stamp_ns))
            writer.write(item, answers[-1])
    return writer, answers


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "walk"
    recordings.write_images(folder, recordings.pan(3, (97, 73)), "shot{}.png")
    return folder


def test_folder_has_one_mask_per_frame_tracks_and_video(tmp_path: Path, images: Path) -> None:
    write(tmp_path / "out", images)
    names = sorted(each.name for each in (tmp_path / "out").iterdir())
    assert names == ["overlay.mp4", "shot0.png", "shot1.png", "shot2.png", "tracks.npz"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out", "walk"]
    mask = cv2.imread(str(tmp_path / "out" / "shot2.png"))
    assert mask.any(axis=2).sum() == 20 * 10 + 8 * 8
    assert mask[33, 52].any()
    assert not cv2.imread(str(tmp_path / "out" / "shot0.png")).any()


def test_tracks_hold_every_frame_in_order(tmp_path: Path, images: Path) -> None:
    _, answers = write(tmp_path / "out", images)
    table = np.load(tmp_path / "out" / "tracks.npz")
    assert table["frame_name"].tolist() == ["shot0", "shot1", "shot2"]
    assert table["stamp_ns"].tolist() == [each.frame.stamp_ns for each in answers]
    assert table["first_row"].tolist() == [0, 6, 12, 18]
    rows = slice(6, 12)
    tracks = answers[1].tracks
    np.testing.assert_array_equal(table["id"][rows], tracks.ids)
    np.testing.assert_array_equal(table["xy_px"][rows], tracks.xy_px[-1])
    np.testing.assert_array_equal(table["visible"][rows], tracks.visible[-1])
    np.testing.assert_array_equal(table["confidence"][rows], tracks.confidence[-1])
    np.testing.assert_array_equal(
        table["moving_probability"][rows], answers[1].labels.moving_probability
    )
    # at y = 5, x = 0, 19.2, 38.4, ...: the second lies in the box from 10 to 29
    assert table["object_id"][rows].tolist() == [0, 1, 0, 0, 0, 0]


def test_video_plays_everywhere_and_shows_the_overlay(tmp_path: Path, images: Path) -> None:
    _, answers = write(tmp_path / "out", images)
    reader = imageio_ffmpeg.read_frames(tmp_path / "out" / "overlay.mp4", pix_fmt="bgr24")
    about = next(reader)
    assert (about["codec"], about["pix_fmt"].split("(")[0]) == ("h264", "yuv420p")
    assert about["size"] == (98, 74)  # even
    assert about["fps"] == 30
    pictures = [np.frombuffer(each, np.uint8).reshape(74, 98, 3) for each in reader]
    assert len(pictures) == 3
    for picture, answer in zip(pictures, answers, strict=True):
        expected = draw_overlay(answer).astype(float)
        assert np.abs(picture[:73, :97] - expected).mean() < 12


def test_summary_counts(tmp_path: Path, images: Path) -> None:
    writer, _ = write(tmp_path / "out", images)
    summary = writer.summary
    assert (summary.source, summary.frames, summary.size_px) == ("walk", 3, (97, 73))
    assert (summary.objects, summary.frames_with_motion) == (2, 2)
    assert summary.mean_moving_share == pytest.approx((0 + 200 + 264) / 3 / (97 * 73))
    assert summary.mean_tracks == pytest.approx(5)
    assert summary.duration_s == pytest.approx(2 / 30, abs=1e-8)


def test_warns_once_when_ids_exceed_the_palette(
    tmp_path: Path, images: Path, caplog: pytest.LogCaptureFixture
) -> None:
    boxes = ({255: (0, 0, 9, 9)}, {256: (0, 0, 9, 9)}, {300: (0, 0, 9, 9)})
    with caplog.at_level(logging.WARNING):
        write(tmp_path / "out", images, boxes=boxes)
    assert len([each for each in caplog.messages if "255" in each]) == 1
    assert cv2.imread(str(tmp_path / "out" / "shot1.png")).any()


@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_bag_gets_a_bag_with_the_nodes_topics(tmp_path: Path, storage: StoragePlugin) -> None:
    bag = recordings.image_bag(tmp_path / "drive", recordings.pan(3), storage)
    _, answers = write(tmp_path / "out", bag)
    suffix = ".mcap" if storage is StoragePlugin.MCAP else ".db3"
    assert (tmp_path / "out" / "masks" / f"masks{suffix}").is_file()
    types = typestore()
    found: dict[str, list] = {}
    with Reader(tmp_path / "out" / "masks") as reader:
        for connection, recorded_ns, raw in reader.messages():
            message = types.deserialize_cdr(raw, connection.msgtype)
            found.setdefault(connection.topic.removeprefix("/motion_seg/"), []).append(message)
            stamp = message.header.stamp
            index = len(found[connection.topic.removeprefix("/motion_seg/")]) - 1
            sent_ns = recordings.START_NS + index * recordings.STEP_NS
            assert stamp.sec * 10**9 + stamp.nanosec == sent_ns
            assert recorded_ns == sent_ns + recordings.RECORDING_DELAY_NS
            assert message.header.frame_id == "camera_optical"
    of_node = ("moving_mask", "static_mask", "instance_mask", "objects", "tracks")
    assert {topic: len(each) for topic, each in found.items()} == dict.fromkeys(
        ("/camera/image_raw", *of_node), 3
    )
    for index, answer in enumerate(answers):
        ids = answer.masks.id_map
        np.testing.assert_array_equal(image_to_array(found["instance_mask"][index]), ids)
        moving = image_to_array(found["moving_mask"][index])
        np.testing.assert_array_equal(moving, np.where(ids > 0, 255, 0))
        kept = image_to_array(found["static_mask"][index])
        assert set(np.unique(kept)) <= {0, 255}
        assert not (kept[ids > 0]).any()
        assert [each.id for each in found["objects"][index].objects] == [
            each.id for each in answer.masks.objects
        ]
    second = found["objects"][2].objects[1]
    assert (second.id, second.area, second.source) == (7, 64, 0)
    assert (second.box.x_offset, second.box.y_offset) == (50, 30)
    assert second.velocity.tolist() == [1.5, -2.0]
    track = found["tracks"][1].tracks[1]
    assert (track.id, track.visible, track.object_id) == (101, True, 1)
    assert track.moving_probability == pytest.approx(0.1)
    assert np.isnan(found["tracks"][1].tracks[5].moving_probability)


class TestStaging:
    def test_leaves_nothing_after_an_error(self, tmp_path: Path, images: Path) -> None:
        with pytest.raises(ValueError, match="zip"):
            write(tmp_path / "out", images, boxes=BOXES[:2])  # fails at the third frame
        assert [each.name for each in tmp_path.iterdir()] == ["walk"]

    def test_leaves_nothing_after_an_interrupt(self, tmp_path: Path, images: Path) -> None:
        source = open_source(images)
        writer = SequenceWriter(
            tmp_path / "out", source, overlay=True, overwrite=False, dilation_px=0
        )

        def interrupted() -> None:
            with writer:
                item = next(iter(source))
                writer.write(item, results.result_with_boxes(item.frame.image_bgr, {}))
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert [each.name for each in tmp_path.iterdir()] == ["walk"]

    def test_refuses_what_is_there(self, tmp_path: Path, images: Path) -> None:
        write(tmp_path / "out", images)
        before = (tmp_path / "out" / "tracks.npz").read_bytes()
        with pytest.raises(OutputError, match=r"out: already exists; .*--overwrite"):
            write(tmp_path / "out", images)
        assert (tmp_path / "out" / "tracks.npz").read_bytes() == before

    def test_overwrites_an_earlier_output(self, tmp_path: Path, images: Path) -> None:
        write(tmp_path / "out", images)
        (tmp_path / "out" / "old.png").write_bytes(b"")
        write(tmp_path / "out", images, overwrite=True)
        assert not (tmp_path / "out" / "old.png").exists()
        assert (tmp_path / "out" / "shot2.png").exists()
        assert sorted(each.name for each in tmp_path.iterdir()) == ["out", "walk"]

    def test_never_overwrites_anything_else(self, tmp_path: Path, images: Path) -> None:
        with pytest.raises(OutputError, match="expected an earlier output to overwrite"):
            write(images, images, overwrite=True)
        assert len(list(images.iterdir())) == 3

    def test_failed_overwrite_keeps_the_earlier_output(self, tmp_path: Path, images: Path) -> None:
        write(tmp_path / "out", images)
        with pytest.raises(ValueError, match="zip"):
            write(tmp_path / "out", images, overwrite=True, boxes=BOXES[:1])
        assert (tmp_path / "out" / "shot2.png").exists()

    def test_clears_away_what_a_killed_run_left(self, tmp_path: Path, images: Path) -> None:
        left = tmp_path / f".out.partial-{'0c' * 16}"
        left.mkdir()
        (left / "half.png").write_bytes(b"")
        write(tmp_path / "out", images)
        assert sorted(each.name for each in tmp_path.iterdir()) == ["out", "walk"]

    def test_says_so_where_nothing_can_be_written(self, tmp_path: Path, images: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(OutputError, match="cannot write the output: Not a directory"):
            write(tmp_path / "file" / "out", images)
