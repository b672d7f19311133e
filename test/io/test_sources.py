"""Folders, videos and bags give the frames that were put into them, or say what is wrong."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
import recordings
from rosbags.rosbag2 import StoragePlugin

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.sources import open_source, open_sources

STORAGES = (StoragePlugin.MCAP, StoragePlugin.SQLITE3)


def assert_frames(path: Path, images: list[np.ndarray], **options: object) -> None:
    items = list(open_source(path, **options))
    assert len(items) == len(images)
    for item, image in zip(items, images, strict=True):
        np.testing.assert_array_equal(item.frame.image_bgr, image)


class TestFolder:
    def test_gives_images_in_natural_order_with_even_stamps(self, tmp_path: Path) -> None:
        images = recordings.pan(12)
        recordings.write_images(tmp_path, images, "frame{}.png")  # frame10 sorts after frame9
        source = open_source(tmp_path, fps=20)
        assert (source.name, source.length, source.fps) == (tmp_path.name, 12, 20)
        items = list(source)
        assert [each.name for each in items] == [f"frame{i}" for i in range(12)]
        assert [each.frame.stamp_ns for each in items] == [i * 50_000_000 for i in range(12)]
        assert_frames(tmp_path, images)

    def test_leaves_other_files_out(self, tmp_path: Path) -> None:
        images = recordings.pan(2)
        recordings.write_images(tmp_path, images)
        (tmp_path / "notes.txt").write_text("no image")
        (tmp_path / ".hidden.png").write_bytes(b"")
        assert_frames(tmp_path, images)

    def test_gray_images_have_three_equal_channels(self, tmp_path: Path) -> None:
        gray = recordings.pan(1)[0][..., 0]
        recordings.write_images(tmp_path, [gray])
        assert_frames(tmp_path, [np.repeat(gray[..., None], 3, axis=2)])

    def test_can_be_read_twice(self, tmp_path: Path) -> None:
        recordings.write_images(tmp_path, recordings.pan(3))
        source = open_source(tmp_path)
        assert len(list(source)) == len(list(source)) == 3

    def test_folder_of_folders_is_several_sequences(self, tmp_path: Path) -> None:
        for name, count in (("bear", 2), ("ant", 3)):
            recordings.write_images(tmp_path / name, recordings.pan(count))
        (tmp_path / "empty").mkdir()
        sources = open_sources(tmp_path)
        assert [(each.name, each.length) for each in sources] == [("ant", 3), ("bear", 2)]
        with pytest.raises(InputError, match="expected one sequence, found 2"):
            open_source(tmp_path)

    def test_names_the_image_of_another_size(self, tmp_path: Path) -> None:
        recordings.write_images(tmp_path, recordings.pan(2))
        cv2.imwrite(str(tmp_path / "00002.png"), np.zeros((10, 20, 3), np.uint8))
        with pytest.raises(InputError, match=r"00002\.png: expected 96x72 .* found 20x10"):
            list(open_source(tmp_path))

    @pytest.mark.parametrize("kind", ["png", "jpg"])
    @pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
    def test_names_the_image_that_is_cut_off(self, tmp_path: Path, kind: str, share: float) -> None:
        files = recordings.write_images(tmp_path, recordings.pan(3), f"{{:05d}}.{kind}")
        whole = files[1].read_bytes()
        files[1].write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InputError, match=rf"00001\.{kind}: expected an image, found \w+"):
            list(open_source(tmp_path))

    def test_names_the_image_that_does_not_decode(self, tmp_path: Path) -> None:
        files = recordings.write_images(tmp_path, recordings.pan(3))
        files[1].write_bytes(b"no picture")
        with pytest.raises(InputError, match=r"00001\.png: .* found no image that decodes"):
            list(open_source(tmp_path))

    def test_names_the_image_that_went_away(self, tmp_path: Path) -> None:
        files = recordings.write_images(tmp_path, recordings.pan(3))
        source = open_source(tmp_path)
        files[1].unlink()
        with pytest.raises(InputError, match=r"00001\.png: cannot read the image: No such file"):
            list(source)

    def test_refuses_two_images_of_one_name(self, tmp_path: Path) -> None:
        recordings.write_images(tmp_path, recordings.pan(1), "a.png")
        recordings.write_images(tmp_path, recordings.pan(1), "a.jpg")
        with pytest.raises(InputError, match=r"one image per frame name.*a\.jpg and a\.png"):
            open_source(tmp_path)

    def test_says_so_when_there_is_no_image(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"expected a folder of images .* found none"):
            open_source(tmp_path)

    def test_says_so_when_there_are_only_folders_of_something_else(self, tmp_path: Path) -> None:
        recordings.image_bag(tmp_path / "drive", recordings.pan(1))
        (tmp_path / "walk.MP4").write_bytes(b"")
        with pytest.raises(
            InputError, match=r"found a folder of 2 bags or videos \(drive, \.\.\.\)"
        ):
            open_source(tmp_path)

    def test_says_so_when_it_is_a_device(self) -> None:
        with pytest.raises(InputError, match="/dev/null: expected a file or folder, found a dev"):
            open_source(Path("/dev/null"))

    def test_says_so_when_there_is_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no such file or folder"):
            open_source(tmp_path / "missing")

    def test_refuses_a_topic(self, tmp_path: Path) -> None:
        recordings.write_images(tmp_path, recordings.pan(1))
        with pytest.raises(InputError, match="--topic /a: expected a rosbag2"):
            open_source(tmp_path, topic="/a")


class TestVideo:
    def test_gives_all_frames_with_their_times(self, tmp_path: Path) -> None:
        images = recordings.pan(15)
        path = recordings.write_video(tmp_path / "walk.mkv", images, fps=10)
        source = open_source(path)
        assert (source.name, source.fps) == ("walk", 10)
        assert [each.frame.stamp_ns for each in source] == [i * 100_000_000 for i in range(15)]
        assert [each.name for each in source][:2] == ["000000", "000001"]
        assert_frames(path, images)

    @pytest.mark.parametrize(
        ("suffix", "codec"),
        [
            ("avi", ("-c:v", "mjpeg", "-q:v", "2")),
            ("mkv", ("-c:v", "libx264", "-pix_fmt", "yuv420p")),
            ("mp4", ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart")),
        ],
    )
    def test_uses_every_whole_frame_of_one_that_is_cut_off(
        self,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
        suffix: str,
        codec: tuple[str, ...],
    ) -> None:
        images = recordings.pan(40)
        whole = recordings.write_video(tmp_path / f"whole.{suffix}", images, *codec)
        complete = {each.frame.image_bgr.tobytes() for each in open_source(whole)}
        cut = tmp_path / f"cut.{suffix}"
        for share in (0.6, 0.613, 0.63):  # somewhere within a frame, for one of them at least
            content = whole.read_bytes()
            cut.write_bytes(content[: int(len(content) * share)])
            caplog.clear()
            with caplog.at_level(logging.WARNING):
                frames = [each.frame for each in open_source(cut)]
            assert 0 < len(frames) < 40
            # none is made up in part
            assert {each.image_bgr.tobytes() for each in frames} <= complete
            (warning,) = caplog.messages
            assert f"{len(frames)} whole frames of 40" in warning

    @pytest.mark.parametrize("content", [b"", b"not a video at all" * 100])
    def test_refuses_other_files(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "film.mp4"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"film\.mp4: expected .* a video"):
            list(open_source(path))


class TestBag:
    @pytest.mark.parametrize("storage", STORAGES)
    @pytest.mark.parametrize("kind", [recordings.image_message, recordings.compressed_message])
    def test_gives_images_with_header_and_recording_time(
        self, tmp_path: Path, storage: StoragePlugin, kind: object
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
    def test_reads_a_bare_storage_file_too(self, tmp_path: Path, storage: StoragePlugin) -> None:
        images = recordings.pan(3)
        bag = recordings.image_bag(tmp_path / "drive", images, storage)
        (file,) = (each for each in bag.iterdir() if each.suffix != ".yaml")
        assert open_source(file).name == "drive"
        assert_frames(file, images)
        (bag / "metadata.yaml").unlink()  # as a killed recorder leaves it
        assert_frames(bag, images)

    def test_takes_the_topic_that_is_asked_for(self, tmp_path: Path) -> None:
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

    def test_refuses_a_topic_of_another_type(self, tmp_path: Path) -> None:
        text = recordings.TYPES.types["std_msgs/msg/String"](data="hello")
        images = [recordings.image_message(each, 5) for each in recordings.pan(2)]
        bag = recordings.write_bag(tmp_path / "bag", {"/talk": [text], "/cam": images})
        with pytest.raises(InputError, match="expected images on /talk, found std_msgs/msg/String"):
            open_source(bag, topic="/talk")
        assert open_source(bag).length == 2

    def test_says_so_when_there_is_no_image_topic(self, tmp_path: Path) -> None:
        text = recordings.TYPES.types["std_msgs/msg/String"](data="hello")
        bag = recordings.write_bag(tmp_path / "bag", {"/talk": [text]})
        with pytest.raises(InputError, match="found 0: none"):
            open_source(bag)

    @pytest.mark.parametrize("storage", STORAGES)
    @pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
    def test_refuses_a_bag_that_is_cut_off(
        self, tmp_path: Path, storage: StoragePlugin, share: float
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
            ({"step": 3}, "step"),
            ({"height": 0, "data": np.zeros(0, np.uint8)}, "at least one pixel"),
        ],
    )
    def test_names_the_message_that_is_damaged(
        self, tmp_path: Path, changes: dict[str, object], words: str
    ) -> None:
        first, second = recordings.pan(2)
        messages = [
            recordings.image_message(first, 5),
            recordings.image_message(second, 6, **changes),
        ]
        bag = recordings.write_bag(tmp_path / "bag", {"/cam": messages})
        with pytest.raises(InputError, match=f"/cam, message 1: .*{words}"):
            list(open_source(bag))

    def test_names_the_message_of_another_size(self, tmp_path: Path) -> None:
        images = [*recordings.pan(1), *recordings.pan(1, (40, 30))]
        bag = recordings.image_bag(tmp_path / "bag", images)
        with pytest.raises(InputError, match=r"message 1: expected 96x72 .* found 40x30"):
            list(open_source(bag))
