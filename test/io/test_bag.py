"""Image topics of rosbags as sequences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import recordings
from rosbags.rosbag2 import StoragePlugin, Writer

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import DEFAULT_FPS
from motion_seg_ros.io.sources import open_source

STORAGES = (StoragePlugin.MCAP, StoragePlugin.SQLITE3)


def assert_frames(path: Path, images: list[np.ndarray], **options: object) -> None:
    items = list(open_source(path, **options))
    assert len(items) == len(images)
    for item, image in zip(items, images, strict=True):
        np.testing.assert_array_equal(item.frame.image_bgr, image)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kind", [recordings.image_message, recordings.compressed_message])
def test_gives_images_with_header_and_recording_time(
    tmp_path: Path, storage: StoragePlugin, kind: object
) -> None:
    images = recordings.pan(4)
    stamps = [recordings.START_NS + i * 1000 for i in range(4)]
    messages = [kind(image, stamp) for image, stamp in zip(images, stamps, strict=True)]
    bag = recordings.write_bag(tmp_path / "drive", {"/cam": messages}, storage)
    source = open_source(bag)
    assert (source.name, source.length) == ("drive", 4)
    assert source.fps == pytest.approx(1e9 / recordings.STEP_NS)
    items = list(source)
    assert [each.frame.stamp_ns for each in items] == stamps
    assert {each.frame_id for each in items} == {"camera_optical"}
    assert [each.recorded_ns - recordings.START_NS for each in items] == [
        i * recordings.STEP_NS + recordings.RECORDING_DELAY_NS for i in range(4)
    ]
    assert_frames(bag, images)


@pytest.mark.parametrize("storage", STORAGES)
def test_reads_a_bare_storage_file_too(tmp_path: Path, storage: StoragePlugin) -> None:
    images = recordings.pan(3)
    bag = recordings.image_bag(tmp_path / "drive", images, storage)
    (file,) = (each for each in bag.iterdir() if each.suffix != ".yaml")
    assert open_source(file).name == "drive"
    assert_frames(file, images)
    (bag / "metadata.yaml").unlink()  # as a killed recorder leaves it
    assert_frames(bag, images)


def test_takes_the_topic_that_is_asked_for(tmp_path: Path) -> None:
    left, right = recordings.pan(2, seed=1), recordings.pan(2, seed=2)
    bag = recordings.write_bag(
        tmp_path / "bag",
        {
            "/left": [recordings.image_message(each, 5) for each in left],
            "/right": [recordings.image_message(each, 5) for each in right],
        },
    )
    assert_frames(bag, right, topic="/right")
    with pytest.raises(InputError, match=r"found 2: /left, /right; choose one with --topic"):
        open_source(bag)
    with pytest.raises(InputError, match=r"no topic /front in it; .*: /left, /right"):
        open_source(bag, topic="/front")


def test_refuses_a_topic_of_another_type(tmp_path: Path) -> None:
    text = recordings.TYPES.types["std_msgs/msg/String"](data="hello")
    images = [recordings.image_message(each, 5) for each in recordings.pan(2)]
    bag = recordings.write_bag(tmp_path / "bag", {"/talk": [text], "/cam": images})
    with pytest.raises(InputError, match="expected images on /talk, found std_msgs/msg/String"):
        open_source(bag, topic="/talk")
    assert open_source(bag).length == 2


def test_says_so_when_there_is_no_image_topic(tmp_path: Path) -> None:
    text = recordings.TYPES.types["std_msgs/msg/String"](data="hello")
    bag = recordings.write_bag(tmp_path / "bag", {"/talk": [text]})
    with pytest.raises(InputError, match=r"found 0: none .*, but /talk \(std_msgs/msg/String\); "):
        open_source(bag)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_refuses_a_bag_that_is_cut_off(
    tmp_path: Path, storage: StoragePlugin, share: float
) -> None:
    bag = recordings.image_bag(tmp_path / "bag", recordings.pan(20), storage)
    (file,) = (each for each in bag.iterdir() if each.suffix != ".yaml")
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match="bag: expected a whole rosbag2"):
        list(open_source(bag))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": np.zeros(10, np.uint8)}, "truncated"),
        ({"encoding": "nonsense"}, "encoding"),
        ({"step": 3, "data": np.zeros(10, np.uint8)}, "step"),
        ({"height": 0, "data": np.zeros(0, np.uint8)}, "at least one pixel"),
    ],
)
def test_leaves_out_the_message_that_is_damaged(
    tmp_path: Path, changes: dict[str, object], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = recordings.image_message(recordings.pan(1)[0], 6, **changes)
    whole = [recordings.image_message(each, 5 + i) for i, each in enumerate(recordings.pan(3))]
    for place in range(3):
        messages = [*whole[:place], damaged, *whole[place + 1 :]]
        source = open_source(recordings.write_bag(tmp_path / f"bag{place}", {"/cam": messages}))
        caplog.clear()
        left = [name for name in ("000000", "000001", "000002") if name != f"00000{place}"]
        assert [each.name for each in source] == left
        (warning,) = caplog.messages
        assert f"/cam, message {place}: image: expected" in warning
        assert words in warning
        ((name, problem),) = source.bad_frames.items()
        assert name == f"00000{place}"
        assert words in problem
        assert str(tmp_path) not in problem
    bag = recordings.write_bag(tmp_path / "bag", {"/cam": [damaged, damaged]})
    with pytest.raises(InputError, match=f"/cam, message 0: .*{words}.*no frame of 2 can be used"):
        list(open_source(bag))


def test_leaves_out_bytes_that_are_no_message(tmp_path: Path) -> None:
    images = [recordings.image_message(each, 5 + i) for i, each in enumerate(recordings.pan(4))]
    kind = images[0].__msgtype__
    raw = [bytes(recordings.TYPES.serialize_cdr(each, kind)) for each in images]
    with Writer(tmp_path / "bag", version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection("/cam", kind, typestore=recordings.TYPES)
        for number, data in enumerate((raw[0], raw[1][:7], raw[2][:500], raw[3])):
            writer.write(connection, 10 + number, data)
    source = open_source(tmp_path / "bag")
    assert [each.name for each in source] == ["000000", "000003"]
    assert list(source.bad_frames) == ["000001", "000002"]


def test_frames_that_were_overtaken_come_in_the_order_of_their_stamps(tmp_path: Path) -> None:
    images = recordings.pan(12)
    order = [0, 2, 1, 3, 6, 4, 5, 7, 8, 11, 10, 9]
    stamps = [recordings.START_NS + i * recordings.STEP_NS for i in range(12)]
    messages = [recordings.image_message(images[i], stamps[i]) for i in order]
    infos = [recordings.camera_info_message(stamps[i]) for i in order]
    bag = recordings.write_bag(
        tmp_path / "bag", {"/cam/image_raw": messages, "/cam/camera_info": infos}
    )
    items = list(open_source(bag))
    assert [each.frame.stamp_ns for each in items] == stamps
    assert_frames(bag, images)
    # A frame keeps the name of its place in the bag.
    assert [int(each.name) for each in items] == [order.index(i) for i in range(12)]
    assert all(each.frame.camera is not None for each in items)


def test_a_depth_topic_is_no_picture(tmp_path: Path) -> None:
    depths = [recordings.depth_message(np.full((12, 16), 900, np.uint16), i) for i in range(3)]
    bag = recordings.write_bag(tmp_path / "bag", {"/cam/depth/image_raw": depths})
    with pytest.raises(InputError, match=r"found depth .* choose the colour topic"):
        list(open_source(bag))


def test_an_image_without_a_stamp_stays_where_it_was_recorded(tmp_path: Path) -> None:
    images = recordings.pan(5)
    stamps = [7_000_000_000, 7_100_000_000, 0, 7_200_000_000, 7_300_000_000]
    messages = [recordings.image_message(*each) for each in zip(images, stamps, strict=True)]
    bag = recordings.write_bag(tmp_path / "bag", {"/cam": messages})
    frames = [each.frame for each in open_source(bag)]
    assert [each.stamp_ns for each in frames] == stamps
    for found, image in zip(frames, images, strict=True):
        np.testing.assert_array_equal(found.image_bgr, image)


@pytest.mark.parametrize("times_ns", [(0, 1_700_000_000 * 10**9), (5, 5)])
def test_times_of_recording_that_cannot_be_give_no_rate(
    tmp_path: Path, times_ns: tuple[int, int]
) -> None:
    """As of https://github.com/ros2/rosbag2/issues/1276."""
    kind = "sensor_msgs/msg/Image"
    with Writer(tmp_path / "bag", version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        topic = writer.add_connection("/cam", kind, typestore=recordings.TYPES)
        for index, image in enumerate(recordings.pan(4)):
            data = recordings.TYPES.serialize_cdr(recordings.image_message(image, index), kind)
            writer.write(topic, times_ns[index > 0], data)
    assert open_source(tmp_path / "bag").fps in (1.0, DEFAULT_FPS)
