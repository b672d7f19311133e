"""Bags that are cut off, without index, compressed, in several files or none at all: they work, or
are named with the remedy."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import recordings
import yaml
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from motion_seg_ros.cli import main
from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.bag_files import is_bag
from motion_seg_ros.io.message_types import header_stamp_ns
from motion_seg_ros.io.sources import open_source

STORAGES = (StoragePlugin.MCAP, StoragePlugin.SQLITE3)
MAGIC = b"\x89MCAP0\r\n"
TOPIC = "/camera/image_raw"


def storage_file(bag: Path) -> Path:
    (file,) = (each for each in bag.iterdir() if each.name != "metadata.yaml")
    return file


def assert_gives(bag: Path, images: list[np.ndarray]) -> None:
    items = list(open_source(bag))
    assert len(items) == len(images)
    for index, (item, image) in enumerate(zip(items, images, strict=True)):
        np.testing.assert_array_equal(item.frame.image_bgr, image)
        assert item.frame.stamp_ns == recordings.START_NS + index * recordings.STEP_NS


def compressed_bag(
    path: Path, images: list[np.ndarray], storage: StoragePlugin, mode: CompressionMode
) -> Path:
    writer = Writer(path, version=8, storage_plugin=storage)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        kind = "sensor_msgs/msg/Image"
        connection = writer.add_connection(TOPIC, kind, typestore=recordings.TYPES)
        for index, image in enumerate(images):
            stamp = recordings.START_NS + index * recordings.STEP_NS
            raw = recordings.TYPES.serialize_cdr(recordings.image_message(image, stamp), kind)
            writer.write(connection, stamp, raw)
    return path


class TestCompressed:
    @pytest.mark.parametrize("storage", STORAGES)
    @pytest.mark.parametrize("mode", [CompressionMode.FILE, CompressionMode.MESSAGE])
    def test_by_rosbag2(
        self, tmp_path: Path, storage: StoragePlugin, mode: CompressionMode
    ) -> None:
        images = recordings.pan(4)
        assert_gives(compressed_bag(tmp_path / "bag", images, storage, mode), images)

    def test_chunks_of_mcap_in_zstd(self, tmp_path: Path) -> None:
        images = recordings.pan(4)
        mode = CompressionMode.STORAGE
        assert_gives(compressed_bag(tmp_path / "bag", images, StoragePlugin.MCAP, mode), images)

    def test_chunks_of_mcap_in_lz4(self, tmp_path: Path) -> None:
        lz4 = pytest.importorskip("lz4.frame", reason="lz4: comes with rosbags")
        images = recordings.pan(4)
        bag = recordings.image_bag(tmp_path / "bag", images)
        file = storage_file(bag)
        file.write_bytes(unindexed(file.read_bytes(), lambda data: ("lz4", lz4.compress(data))))
        assert_gives(bag, images)

    @pytest.mark.parametrize("storage", STORAGES)
    def test_a_file_alone_is_to_be_unpacked(self, tmp_path: Path, storage: StoragePlugin) -> None:
        bag = compressed_bag(tmp_path / "bag", recordings.pan(2), storage, CompressionMode.FILE)
        for path in (storage_file(bag), bag):
            (bag / "metadata.yaml").unlink(missing_ok=True)
            with pytest.raises(InputError, match=r"found a compressed file alone; .* `unzstd`"):
                open_source(path)

    def test_one_that_is_cut_off(self, tmp_path: Path) -> None:
        bag = compressed_bag(
            tmp_path / "bag", recordings.pan(9), StoragePlugin.MCAP, CompressionMode.FILE
        )
        file = storage_file(bag)
        file.write_bytes(file.read_bytes()[:-200])
        with pytest.raises(InputError, match="bag: expected a whole rosbag2"):
            open_source(bag)


def unindexed(whole: bytes, pack: object = None, *, unpack: bool = False) -> bytes:
    """An mcap file without summary, by the specification: https://mcap.dev/spec; with `pack` its
    chunks packed, with `unpack` their content without chunks."""
    out, at = bytearray(MAGIC), len(MAGIC)
    while True:
        op, (length,) = whole[at], struct.unpack_from("<Q", whole, at + 1)
        content = whole[at + 9 : at + 9 + length]
        at += 9 + length
        if op in (0x07, 0x0C):  # index of the messages of a chunk, metadata
            continue
        if op == 0x06 and pack is not None:
            head, (name_length,) = content[:28], struct.unpack_from("<I", content, 28)
            assert name_length == 0
            name, packed = pack(content[40:])
            content = head + struct.pack("<I", len(name)) + name.encode()
            content += struct.pack("<Q", len(packed)) + packed
        record = bytes([op]) + struct.pack("<Q", len(content)) + content
        out += content[40:] if op == 0x06 and unpack else record
        if op == 0x0F:  # end of the data
            break
    return bytes(out) + b"\x02" + struct.pack("<QQQI", 20, 0, 0, 0) + MAGIC


class TestIndex:
    def test_mcap_without_summary(self, tmp_path: Path) -> None:
        images = recordings.pan(30, (320, 240))  # several chunks
        bag = recordings.image_bag(tmp_path / "bag", images)
        file = storage_file(bag)
        file.write_bytes(unindexed(file.read_bytes()))
        assert_gives(bag, images)
        assert_gives(file, images)

    @pytest.mark.parametrize("chunks", [True, False])
    def test_mcap_without_summary_out_of_order(self, tmp_path: Path, chunks: bool) -> None:
        kind = "sensor_msgs/msg/Image"
        images = recordings.pan(4, (320, 240))
        with Writer(tmp_path / "bag", version=8, storage_plugin=StoragePlugin.MCAP) as writer:
            connection = writer.add_connection(TOPIC, kind, typestore=recordings.TYPES)
            for index in (2, 0, 3, 1):
                time_ns = recordings.START_NS + index * recordings.STEP_NS
                message = recordings.image_message(images[index], time_ns)
                raw = recordings.TYPES.serialize_cdr(message, kind)
                writer.write(connection, time_ns, raw)
        file = storage_file(tmp_path / "bag")
        file.write_bytes(unindexed(file.read_bytes(), unpack=not chunks))
        assert_gives(file, images)

    def test_promises_more_than_there_is(self, tmp_path: Path) -> None:
        bag = recordings.image_bag(tmp_path / "bag", recordings.pan(3))
        file = bag / "metadata.yaml"
        content = yaml.safe_load(file.read_text())
        content["rosbag2_bagfile_information"]["topics_with_message_count"][0]["message_count"] = 5
        file.write_text(yaml.safe_dump(content))
        with pytest.raises(InputError, match=r"expected 5 messages .* found 3; `ros2 bag reindex`"):
            list(open_source(bag))

    @pytest.mark.parametrize(
        "content", ["", "a: [", "rosbag2_bagfile_information: {version: 99}", "[]"]
    )
    def test_metadata_that_is_none(self, tmp_path: Path, content: str) -> None:
        bag = recordings.image_bag(tmp_path / "bag", recordings.pan(2))
        (bag / "metadata.yaml").write_text(content)
        with pytest.raises(InputError, match="bag: expected a whole rosbag2"):
            open_source(bag)


class TestSeveralFiles:
    @pytest.fixture
    def split(self, tmp_path: Path) -> tuple[Path, list[np.ndarray]]:
        """A bag of two files, as `ros2 bag record --max-bag-size` makes it."""
        images = recordings.pan(6)
        bag = tmp_path / "drive"
        bag.mkdir()
        parts = []
        for number in range(2):
            messages = [
                recordings.image_message(images[i], recordings.START_NS + i * recordings.STEP_NS)
                for i in range(3 * number, 3 * number + 3)
            ]
            part = recordings.write_bag(tmp_path / f"part{number}", {TOPIC: messages})
            storage_file(part).rename(bag / f"drive_{number}.mcap")
            parts.append(yaml.safe_load((part / "metadata.yaml").read_text()))
        whole = parts[0]["rosbag2_bagfile_information"]
        whole["relative_file_paths"] = ["drive_0.mcap", "drive_1.mcap"]
        whole["message_count"] = 6
        whole["topics_with_message_count"][0]["message_count"] = 6
        (bag / "metadata.yaml").write_text(yaml.safe_dump(parts[0]))
        return bag, images

    def test_are_one_bag(self, split: tuple[Path, list[np.ndarray]]) -> None:
        assert_gives(*split)

    def test_one_is_missing(self, split: tuple[Path, list[np.ndarray]]) -> None:
        (split[0] / "drive_1.mcap").unlink()
        with pytest.raises(InputError, match=r"missing: .*drive_1\.mcap"):
            open_source(split[0])

    def test_without_metadata_their_order_is_not_known(
        self, split: tuple[Path, list[np.ndarray]]
    ) -> None:
        (split[0] / "metadata.yaml").unlink()
        with pytest.raises(InputError, match=r"expected metadata\.yaml, .* 2 files.*reindex"):
            open_source(split[0])


class TestMetadataEditedByHand:
    """The storage says what there is; people change metadata.yaml to get round QoS trouble."""

    PROFILES = Qos(
        *(QosHistory.KEEP_LAST, 5, QosReliability.BEST_EFFORT, QosDurability.VOLATILE),
        *(QosTime(0, 0), QosTime(0, 0), QosLiveliness.AUTOMATIC, QosTime(0, 0), False),
    )

    def bag(self, path: Path, storage: StoragePlugin, change: Callable[[dict], None]) -> Path:
        kind = "sensor_msgs/msg/Image"
        with Writer(path, version=8, storage_plugin=storage) as writer:
            connection = writer.add_connection(
                TOPIC, kind, typestore=recordings.TYPES, offered_qos_profiles=[self.PROFILES]
            )
            for index, image in enumerate(recordings.pan(3)):
                stamp = recordings.START_NS + index * recordings.STEP_NS
                message = recordings.image_message(image, stamp)
                raw = recordings.TYPES.serialize_cdr(message, kind)
                writer.write(connection, stamp, raw)
        file = path / "metadata.yaml"
        content = yaml.safe_load(file.read_text())
        change(content["rosbag2_bagfile_information"])
        file.write_text(yaml.safe_dump(content))
        return path

    @pytest.mark.parametrize("storage", STORAGES)
    @pytest.mark.parametrize(
        ("key", "value", "reliability"),
        [
            ("offered_qos_profiles", "", None),
            ("offered_qos_profiles", [], None),
            ("offered_qos_profiles", "reliable", QosReliability.BEST_EFFORT),
            ("offered_qos_profiles", [{"reliability": 1}], QosReliability.BEST_EFFORT),
            ("type_description_hash", "RIHS01_0", QosReliability.BEST_EFFORT),
            ("type", "sensor_msgs/Image", QosReliability.BEST_EFFORT),
            ("serialization_format", "", QosReliability.BEST_EFFORT),
        ],
    )
    def test_a_topic(
        self,
        tmp_path: Path,
        storage: StoragePlugin,
        key: str,
        value: object,
        reliability: QosReliability | None,
    ) -> None:
        def change(information: dict) -> None:
            information["topics_with_message_count"][0]["topic_metadata"][key] = value

        bag = self.bag(tmp_path / "bag", storage, change)
        assert_gives(bag, recordings.pan(3))
        qos = BagTopic(bag, None).image.qos
        assert [each.reliability for each in qos] == [reliability] * (reliability is not None)

    def test_quality_of_service(self, tmp_path: Path) -> None:
        def change(information: dict) -> None:
            noted = information["topics_with_message_count"][0]["topic_metadata"]
            old = noted["offered_qos_profiles"]
            assert "reliability: 2" in old
            noted["offered_qos_profiles"] = old.replace("reliability: 2", "reliability: 1")

        bag = self.bag(tmp_path / "bag", StoragePlugin.MCAP, change)
        assert_gives(bag, recordings.pan(3))
        (profile,) = BagTopic(bag, None).image.qos
        assert profile.reliability == QosReliability.RELIABLE

    @pytest.mark.parametrize(
        "changes",
        [
            {"topics_with_message_count": []},
            {"topics_with_message_count": None},
            {"topics_with_message_count": ["/camera"]},
            {"message_count": 0, "duration": None},
            {"compression_mode": None, "compression_format": None},
            {"version": 12, "storage_identifier": "my_plugin"},
        ],
    )
    def test_the_rest(self, tmp_path: Path, changes: dict) -> None:
        for storage in STORAGES:
            path = tmp_path / storage.name
            assert_gives(self.bag(path, storage, lambda e: e.update(changes)), recordings.pan(3))

    def test_a_renamed_file(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        bag = self.bag(tmp_path / "bag", StoragePlugin.MCAP, lambda _: None)
        storage_file(bag).rename(bag / "drive.mcap")
        assert_gives(bag, recordings.pan(3))
        assert "metadata.yaml names bag.mcap, which are not there; drive.mcap" in caplog.messages[0]


class TestLeftovers:
    @pytest.mark.parametrize("storage", STORAGES)
    def test_of_other_systems(self, tmp_path: Path, storage: StoragePlugin) -> None:
        bag = recordings.image_bag(tmp_path / "bag", recordings.pan(3), storage)
        for each in list(bag.iterdir()):
            (bag / f"._{each.name}").write_bytes(b"\0\5\x16\7")
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._old.db3"):
            (bag / name).write_bytes(b"\0")
        assert_gives(bag, recordings.pan(3))
        assert BagTopic(bag, None).sqlite3 == (storage is StoragePlugin.SQLITE3)
        (bag / "metadata.yaml").unlink()
        assert_gives(bag, recordings.pan(3))

    def test_alone_are_no_bag(self, tmp_path: Path) -> None:
        (tmp_path / "._drive.mcap").touch()
        assert not is_bag(tmp_path)
        assert not is_bag(tmp_path / "._drive.mcap")


class TestCutOff:
    def test_a_database(self, tmp_path: Path) -> None:
        bag = recordings.image_bag(tmp_path / "bag", recordings.pan(9), StoragePlugin.SQLITE3)
        file = storage_file(bag)
        file.write_bytes(file.read_bytes()[:-5000])
        with pytest.raises(InputError, match=r"cut off; `sqlite3 bag\.db3 \.recover \| ") as raised:
            open_source(bag)
        assert "mcap" not in str(raised.value).partition(";")[2]

    def test_damage_is_something_else(self, tmp_path: Path) -> None:
        bag = recordings.image_bag(tmp_path / "bag", recordings.pan(9))
        file = storage_file(bag)
        content = bytearray(file.read_bytes())
        chunk = content.index(b"sensor_msgs/msg/Image") - 60  # its head, and its first record
        content[chunk : chunk + 40] = bytes(40)
        file.write_bytes(content)
        with pytest.raises(InputError) as raised:
            list(open_source(bag))
        assert "recover" not in str(raised.value)


class TestOthers:
    @pytest.mark.parametrize("name", ["bag.mcap", "bag.db3"])
    @pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"nothing of the sort" * 99])
    def test_files_that_only_have_the_name(self, tmp_path: Path, name: str, content: bytes) -> None:
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"{name}: expected a whole rosbag2"):
            open_source(path)

    def test_a_database_of_something_else(self, tmp_path: Path) -> None:
        with sqlite3.connect(tmp_path / "bag.db3") as database:
            database.execute("CREATE TABLE people (name TEXT)")
        with pytest.raises(InputError, match="missing tables"):
            open_source(tmp_path / "bag.db3")

    def test_a_database_that_was_not_closed(self, tmp_path: Path) -> None:
        bag = recordings.image_bag(tmp_path / "bag", recordings.pan(2), StoragePlugin.SQLITE3)
        file = storage_file(bag)
        file.with_name(f"{file.name}-wal").write_bytes(b"messages")
        for path in (bag, file):
            with pytest.raises(InputError, match=r"found messages left in .*-wal; `sqlite3 "):
                open_source(path)

    def test_ros_1(self, tmp_path: Path) -> None:
        (tmp_path / "old.bag").write_bytes(b"#ROSBAG V2.0\n")
        with pytest.raises(InputError, match="found one of ROS 1; `rosbags-convert"):
            open_source(tmp_path / "old.bag")

    def test_a_bag_of_nothing(self, tmp_path: Path) -> None:
        for storage in STORAGES:
            with Writer(tmp_path / storage.name, version=8, storage_plugin=storage):
                pass
            with pytest.raises(InputError, match="expected one image topic to take, found 0"):
                open_source(tmp_path / storage.name)

    def test_a_topic_of_nothing(self, tmp_path: Path) -> None:
        with Writer(tmp_path / "bag", version=8, storage_plugin=StoragePlugin.MCAP) as writer:
            writer.add_connection(TOPIC, "sensor_msgs/msg/Image", typestore=recordings.TYPES)
        with pytest.raises(InputError, match=f"expected images on {TOPIC}, found no message on it"):
            open_source(tmp_path / "bag")

    def test_a_message_of_no_such_type(self, tmp_path: Path) -> None:
        with Writer(tmp_path / "bag", version=8, storage_plugin=StoragePlugin.MCAP) as writer:
            kind = "sensor_msgs/msg/Image"
            connection = writer.add_connection(TOPIC, kind, typestore=recordings.TYPES)
            writer.write(connection, 5, b"\0\1\0\0no image")
        with pytest.raises(InputError, match="message 0: expected a whole sensor_msgs/msg/Image"):
            list(open_source(tmp_path / "bag"))

    def test_the_command_says_it_in_a_line_and_leaves_nothing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bag = recordings.image_bag(tmp_path / "bag", recordings.pan(9, (320, 240)))
        file = storage_file(bag)
        file.write_bytes(file.read_bytes()[:-999])
        assert main.main(["segment", str(bag), "-o", str(tmp_path / "out")]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert "the recording was cut off; `mcap recover bag.mcap -o whole.mcap` saves" in said
        assert not (tmp_path / "out").exists()


def test_what_looks_like_a_bag(tmp_path: Path) -> None:
    recordings.write_images(tmp_path / "images", recordings.pan(1))
    assert not is_bag(tmp_path / "images")
    (tmp_path / "images" / "clip.mcap").touch()
    assert is_bag(tmp_path / "images")
    assert not is_bag(tmp_path / "film.mp4")


@pytest.mark.parametrize("order", ["<", ">"])
def test_stamp_of_a_stored_message(order: str) -> None:
    whole = bytes([0, int(order == "<"), 0, 0]) + struct.pack(f"{order}iI", 12, 345) + b"rest"
    assert header_stamp_ns(whole, "here") == 12_000_000_345
    with pytest.raises(InputError, match="here: expected a message with a header, found 11 bytes"):
        header_stamp_ns(whole[:11], "here")
