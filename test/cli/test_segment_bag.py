"""The bag that `motion_seg segment BAG` writes: the camera as it was, and what the node says."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recordings
import results
import yaml
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import Reader, StoragePlugin, Writer

from motion_seg_ros.cli import main
from motion_seg_ros.cli import segment as segment_command
from motion_seg_ros.types import Frame, FrameResult

STORAGES = (StoragePlugin.MCAP, StoragePlugin.SQLITE3)
IMAGE, INFO = "/front/image_raw", "/front/camera_info"
ANSWERS = {
    f"/motion_seg/{name}"
    for name in ("moving_mask", "static_mask", "instance_mask", "objects", "tracks")
}
FOREVER = QosTime(9223372036, 854775807)
SENSOR = Qos(
    *(QosHistory.KEEP_LAST, 5, QosReliability.BEST_EFFORT, QosDurability.VOLATILE),
    *(FOREVER, FOREVER, QosLiveliness.AUTOMATIC, FOREVER, False),
)


def drive(path: Path, storage: StoragePlugin) -> Path:
    """Five images with calibration 1 ms after them and at the end, beside topics of others."""
    types = recordings.TYPES
    with Writer(path, version=8, storage_plugin=storage) as writer:

        def topic(name: str, kind: str, **options: Any) -> Any:
            return writer.add_connection(name, kind, typestore=types, **options)

        def write(connection: Any, message: Any, time_ns: int) -> None:
            writer.write(connection, time_ns, types.serialize_cdr(message, connection.msgtype))

        images = topic(IMAGE, "sensor_msgs/msg/Image", offered_qos_profiles=[SENSOR])
        infos = topic(INFO, "sensor_msgs/msg/CameraInfo")
        others = topic("/rear/camera_info", "sensor_msgs/msg/CameraInfo")
        talk = topic("/talk", "std_msgs/msg/String")
        for index, image in enumerate(recordings.pan(5)):
            stamp = recordings.START_NS + index * recordings.STEP_NS
            recorded = stamp + recordings.RECORDING_DELAY_NS
            write(images, recordings.image_message(image, stamp), recorded)
            write(infos, recordings.camera_info_message(stamp), recorded + 10**6)
            write(others, recordings.camera_info_message(stamp), recorded)
            write(talk, types.types["std_msgs/msg/String"](data="hello"), recorded)
        write(infos, recordings.camera_info_message(stamp), recorded + 10**9)
    return path


def segment(bag: Path, out: Path, *options: str) -> Path:
    """The output bag."""
    assert main.main(["segment", str(bag), "-o", str(out), "--no-overlay", *options]) == 0
    return out / bag.name / "masks"


def messages(bag: Path, *topics: str) -> list[tuple[str, int, bytes]]:
    with Reader(bag) as reader:
        chosen = [each for each in reader.connections if not topics or each.topic in topics]
        return [(each.topic, time_ns, bytes(raw)) for each, time_ns, raw in reader.messages(chosen)]


@pytest.mark.parametrize("storage", STORAGES)
def test_camera_topics_are_as_they_were(tmp_path: Path, storage: StoragePlugin) -> None:
    bag = drive(tmp_path / "drive", storage)
    written = segment(bag, tmp_path / "out")
    assert {topic for topic, _, _ in messages(written)} == {IMAGE, INFO, *ANSWERS}
    assert messages(written, IMAGE, INFO) == messages(bag, IMAGE, INFO)
    with Reader(written) as reader:
        qos = {each.topic: each.ext.offered_qos_profiles for each in reader.connections}
        assert (reader.storage.metadata.message_count, reader.duration) == (36, 1_400_000_001)
    assert qos[IMAGE] == [SENSOR]
    assert qos[INFO] == []
    for topic in ANSWERS:
        (offered,) = qos[topic]
        assert (offered.reliability, offered.durability) == (
            QosReliability.RELIABLE,
            QosDurability.VOLATILE,
        )


def test_answers_have_stamps_and_times_of_their_images(tmp_path: Path) -> None:
    bag = drive(tmp_path / "drive", StoragePlugin.MCAP)
    written = segment(bag, tmp_path / "out")
    images = messages(bag, IMAGE)
    for topic in ANSWERS:
        answers = messages(written, topic)
        assert [time_ns for _, time_ns, _ in answers] == [time_ns for _, time_ns, _ in images]
        for (_, _, answer), (_, _, image) in zip(answers, images, strict=True):
            assert answer[4:12] == image[4:12]  # the header's stamp


@pytest.mark.parametrize("storage", STORAGES)
def test_same_bytes_on_every_run(tmp_path: Path, storage: StoragePlugin) -> None:
    bag = drive(tmp_path / "drive", storage)
    one, two = (segment(bag, tmp_path / name) for name in ("one", "two"))
    files = sorted(each.name for each in one.iterdir())
    assert len(files) == 2
    for name in files:
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_images_can_be_left_out(tmp_path: Path) -> None:
    bag = drive(tmp_path / "drive", StoragePlugin.MCAP)
    written = segment(bag, tmp_path / "out", "--no-bag-images")
    assert {topic for topic, _, _ in messages(written)} == {INFO, *ANSWERS}
    assert messages(written, INFO) == messages(bag, INFO)


def test_depth_is_used_and_copied(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[float | None] = []

    class Watching(results.StubSegmenter):
        def push(self, frame: Frame) -> FrameResult:
            seen.append(None if frame.depth_m is None else float(frame.depth_m[5, 5]))
            return super().push(frame)

    monkeypatch.setattr(segment_command, "build", lambda plan: Watching())
    stamps = [recordings.START_NS + i * recordings.STEP_NS for i in range(4)]
    deep = [np.full((72, 96), 1000 * (i + 1), np.uint16) for i in range(3)]
    topics = {
        IMAGE: [recordings.image_message(*e) for e in zip(recordings.pan(4), stamps, strict=True)],
        "/depth/compressedDepth": [
            recordings.compressed_depth_message(*each)
            for each in zip(deep, stamps[:3], strict=True)
        ],
    }
    bag = recordings.write_bag(tmp_path / "drive", topics)
    options = ("--depth-topic", "/depth/compressedDepth")
    written = segment(bag, tmp_path / "out", *options)
    assert seen == [1.0, 2.0, 3.0, None]
    assert messages(written, *topics) == messages(bag, *topics)
    assert "4 frames, " in (said := capsys.readouterr().out)
    assert "3 with depth, " in said
    record = json.loads((tmp_path / "out" / "drive" / "sequence.json").read_text())
    assert record["summary"]["frames_with_depth"] == 3
    assert record["settings"]["depth_topic"] == "/depth/compressedDepth"
    assert record["settings"]["depth.backend"] == "topic"
    # Named as depth, but not given: said.
    segment(bag, tmp_path / "flat", "--topic", IMAGE, "--set", "depth.backend=topic")
    assert "drive: expected recorded depth" in caplog.text
    assert seen[4:] == [None] * 4


def test_compressed_images_stay_compressed(tmp_path: Path) -> None:
    stamps = [recordings.START_NS + i * recordings.STEP_NS for i in range(3)]
    images = [
        recordings.compressed_message(*each) for each in zip(recordings.pan(3), stamps, strict=True)
    ]
    infos = [recordings.camera_info_message(each) for each in stamps]
    topics = {"/front/image_raw/compressed": images, INFO: infos}
    bag = recordings.write_bag(tmp_path / "drive", topics)
    written = segment(bag, tmp_path / "out")
    assert messages(written, *topics) == messages(bag, *topics)


def test_definitions_of_all_messages_are_inside(tmp_path: Path) -> None:
    """Foxglove knows no message but by the definitions in the file."""
    written = segment(drive(tmp_path / "drive", StoragePlugin.MCAP), tmp_path / "out")
    with Reader(written) as reader:
        definitions = {each.msgtype: each.msgdef.data for each in reader.connections}
        digests = {each.msgtype: each.digest for each in reader.connections}
    assert (
        "motion_seg_ros/MovingObject[] objects"
        in definitions["motion_seg_ros/msg/MovingObjectArray"]
    )
    for nested in (
        "std_msgs/Header",
        "motion_seg_ros/MovingObject",
        "sensor_msgs/RegionOfInterest",
    ):
        assert f"MSG: {nested}\n" in definitions["motion_seg_ros/msg/MovingObjectArray"]
    assert "MSG: motion_seg_ros/Track\n" in definitions["motion_seg_ros/msg/TrackArray"]
    assert all(each.startswith("RIHS01_") for each in digests.values())


def test_metadata_is_of_the_version_that_humble_reads(tmp_path: Path) -> None:
    written = segment(drive(tmp_path / "drive", StoragePlugin.SQLITE3), tmp_path / "out")
    content = yaml.safe_load((written / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert (content["version"], content["storage_identifier"]) == (8, "sqlite3")
    (mask,) = (
        each["topic_metadata"]
        for each in content["topics_with_message_count"]
        if each["topic_metadata"]["name"] == "/motion_seg/moving_mask"
    )
    (qos,) = yaml.safe_load(mask["offered_qos_profiles"])
    # rmw's numbers: keep last, reliable, volatile
    assert (qos["history"], qos["reliability"], qos["durability"]) == (1, 1, 2)


def test_a_camera_under_the_nodes_own_name_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = recordings.mask_message(np.zeros((72, 96)), 5, "mono8")
    bag = recordings.write_bag(tmp_path / "drive", {"/motion_seg/moving_mask": [message]})
    assert main.main(["segment", str(bag), "-o", str(tmp_path / "out")]) == 2
    assert "would mix with those written" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, storage: StoragePlugin, capfd: pytest.CaptureFixture[str]
) -> None:
    images = recordings.pan(2, (1200, 900))  # more than sqlite3 keeps in memory
    bag = recordings.image_bag(tmp_path / "drive", images, storage)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limit[1]))
    try:
        out = tmp_path / "out"
        assert main.main(["segment", str(bag), "-o", str(out), "--no-overlay"]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    said = capfd.readouterr().err
    assert said.startswith(f"motion_seg: error: {out / 'drive'}: cannot write the output: ")
    assert said.count("\n") == 1
    assert not out.exists()
