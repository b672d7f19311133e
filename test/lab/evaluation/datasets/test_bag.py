"""Bags with truth, from a topic of theirs or a folder: each frame gets its own mask, or it is said
why not."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import recordings
from PIL import Image

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.io.indexed_png import encode_id_map
from motion_seg_ros.lab.evaluation.datasets.bag import open_bag_dataset

CAMERA, TRUTH = "/cam/image_raw", "/truth"
FRAMES = 5
SIZE = (72, 96)


def stamp(index: int) -> int:
    return recordings.START_NS + index * recordings.STEP_NS


def truth(index: int) -> np.ndarray:
    """A mover 1 and a mover 2, that go to the right."""
    ids = np.zeros(SIZE, np.uint16)
    ids[10:20, 5 * index : 5 * index + 10] = 1
    ids[40:50, 5 * index : 5 * index + 10] = 2
    return ids


def bag(path: Path, **topics: list[Any]) -> Path:
    """Frames on CAMERA and what else is given, by the name of the topic without slash."""
    images = enumerate(recordings.pan(FRAMES))
    camera = [recordings.image_message(each, stamp(index)) for index, each in images]
    others = {f"/{name}": messages for name, messages in topics.items()}
    return recordings.write_bag(path, {CAMERA: camera, **others})


def masks(indices: list[int], encoding: str = "mono16") -> list[Any]:
    return [recordings.mask_message(truth(i), stamp(i), encoding) for i in indices]


def open_one(root: Path, **options: Any) -> Any:
    defaults = {"topic": None, "truth_topic": None, "truth_folder": None}
    (sequence,) = open_bag_dataset(root, **{**defaults, **options})
    return sequence


class TestTopic:
    @pytest.mark.parametrize("encoding", ["mono8", "8UC1", "mono16", "16UC1"])
    def test_masks_belong_to_the_frames_of_their_stamps(
        self, tmp_path: Path, encoding: str
    ) -> None:
        # In another order, one missing, and one of no frame.
        given = [*masks([3, 0, 1, 4], encoding), *masks([7], encoding)]
        sequence = open_one(bag(tmp_path / "drive", truth=given), truth_topic=TRUTH)
        assert (sequence.name, sequence.frames.topic) == ("drive", CAMERA)
        assert [each.name for each in sequence.frames] == [f"{i:06d}" for i in range(FRAMES)]
        assert sequence.scored == ("000000", "000001", "000003", "000004")
        assert sequence.separate
        for name in sequence.scored:
            found = sequence.truth(name)
            np.testing.assert_array_equal(found.id_map, truth(int(name)))
            assert (found.id_map.dtype, found.ignored) == (np.uint16, None)

    def test_void_does_not_count(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        ids = truth(1)
        ids[20:23] = 255
        given = [recordings.mask_message(ids, stamp(1), "mono8")]
        path = bag(tmp_path / "drive", truth=given)
        found = open_one(path, truth_topic=TRUTH, void=255).truth("000001")
        np.testing.assert_array_equal(found.ignored, ids == 255)
        np.testing.assert_array_equal(found.id_map, truth(1) * (ids != 255))
        assert not caplog.messages
        sequence = open_one(path, truth_topic=TRUTH)
        assert sequence.truth("000001").ignored is None
        (warning,) = caplog.messages
        assert "drive: found 255 beside other numbers" in warning

    def test_can_be_sent_to_another_process(self, tmp_path: Path) -> None:
        sequence = open_one(bag(tmp_path / "drive", truth=masks([2])), truth_topic=TRUTH)
        again = pickle.loads(pickle.dumps(sequence))
        np.testing.assert_array_equal(again.truth("000002").id_map, truth(2))
        assert len(list(again.frames)) == FRAMES

    def test_one_mover_is_none_apart(self, tmp_path: Path) -> None:
        mask = recordings.mask_message((truth(0) > 0) * 255, stamp(0), "mono8")
        sequence = open_one(bag(tmp_path / "drive", truth=[mask]), truth_topic=TRUTH)
        assert not sequence.separate

    @pytest.mark.parametrize(
        ("messages", "words"),
        [
            (masks([8, 9]), "found none whose stamp is that of a frame"),
            (
                [recordings.mask_message(truth(0)[:9], stamp(0), "mono8")],
                "expected truth of 96x72 for frame 000000, like the images, found 96x9",
            ),
            (
                [recordings.image_message(recordings.pan(1)[0], stamp(0))],
                "message 0: expected a mask in mono8, 8UC1, mono16, 16UC1, found 'bgr8'",
            ),
            (
                [recordings.compressed_message(recordings.pan(1)[0], stamp(0))],
                "expected masks on /truth as sensor_msgs/msg/Image, found .*CompressedImage",
            ),
        ],
    )
    def test_what_is_no_truth_is_refused(
        self, tmp_path: Path, messages: list[Any], words: str
    ) -> None:
        drive = bag(tmp_path / "drive", truth=messages)
        with pytest.raises(InputError, match=words):
            open_one(drive, topic=CAMERA, truth_topic=TRUTH)

    def test_no_such_topic(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=f"no topic /truth in it .* {CAMERA}"):
            open_one(bag(tmp_path / "drive"), truth_topic=TRUTH)

    def test_frames_of_one_stamp_have_no_truth_of_their_own(self, tmp_path: Path) -> None:
        camera = [recordings.image_message(each, stamp(0)) for each in recordings.pan(2)]
        drive = recordings.write_bag(tmp_path / "drive", {CAMERA: camera, TRUTH: masks([0])})
        with pytest.raises(InputError, match="found 000001 with that of 000000"):
            open_one(drive, truth_topic=TRUTH)


class TestFolder:
    def write(self, folder: Path, names: dict[str, int]) -> Path:
        folder.mkdir()
        for name, index in names.items():
            (folder / name).write_bytes(encode_id_map(truth(index)))
        return folder

    def test_masks_named_like_frames(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path / "masks", {"000004.png": 4, "000001.png": 1})
        sequence = open_one(bag(tmp_path / "drive"), truth_folder=folder)
        assert sequence.scored == ("000001", "000004")
        np.testing.assert_array_equal(sequence.truth("000004").id_map, truth(4))

    def test_one_mask_for_each_frame_in_the_order_of_their_names(self, tmp_path: Path) -> None:
        names = {f"mask{i + 8}.png": i for i in range(FRAMES)}  # mask10 comes behind mask9
        sequence = open_one(
            bag(tmp_path / "drive"), truth_folder=self.write(tmp_path / "masks", names)
        )
        assert sequence.scored == tuple(f"{i:06d}" for i in range(FRAMES))
        for index in range(FRAMES):
            np.testing.assert_array_equal(sequence.truth(f"{index:06d}").id_map, truth(index))

    def test_gray_and_colour_pictures(self, tmp_path: Path) -> None:
        (tmp_path / "masks").mkdir()
        gray = (truth(0) * 100).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "masks" / "000000.png"), gray)
        colour = np.repeat((truth(1) > 0)[..., None] * np.uint8(9), 3, axis=2)
        Image.fromarray(np.dstack([colour, np.full(SIZE, 255, np.uint8)])).save(
            tmp_path / "masks" / "000001.png"  # opaque
        )
        cv2.imwrite(str(tmp_path / "masks" / "000002.png"), truth(2) * 1000)  # of 16 bit
        sequence = open_one(bag(tmp_path / "drive"), truth_folder=tmp_path / "masks")
        np.testing.assert_array_equal(sequence.truth("000000").id_map, truth(0) * 100)
        np.testing.assert_array_equal(sequence.truth("000001").id_map, truth(1) > 0)
        np.testing.assert_array_equal(sequence.truth("000002").id_map, truth(2) * 1000)

    @pytest.mark.parametrize(
        ("names", "words"),
        [
            (("a.png", "b.png"), r"masks named 000000 to 000004, or one for each of the 5 frames"),
            ((), "expected mask images, found none"),
        ],
    )
    def test_masks_that_do_not_fit_the_frames(
        self, tmp_path: Path, names: tuple[str, ...], words: str
    ) -> None:
        folder = self.write(tmp_path / "masks", dict.fromkeys(names, 0))
        with pytest.raises(InputError, match=words):
            open_one(bag(tmp_path / "drive"), truth_folder=folder)

    def test_a_damaged_mask(self, tmp_path: Path) -> None:
        folder = self.write(tmp_path / "masks", {"000001.png": 1})
        (folder / "000001.png").write_bytes(b"no picture")
        with pytest.raises(InputError, match=r"000001\.png: expected a mask image, found no"):
            open_one(bag(tmp_path / "drive"), truth_folder=folder)

    def test_a_mask_of_another_size(self, tmp_path: Path) -> None:
        (tmp_path / "masks").mkdir()
        (tmp_path / "masks" / "000001.png").write_bytes(encode_id_map(truth(1)[:50]))
        with pytest.raises(InputError, match=r"expected 96x72 like its frame, found 96x50"):
            open_one(bag(tmp_path / "drive"), truth_folder=tmp_path / "masks")

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="expected a folder of masks, found none"):
            open_one(bag(tmp_path / "drive"), truth_folder=tmp_path / "masks")


def test_a_folder_of_bags_is_several_sequences(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    for name, index in (("drive2", 2), ("drive10", 3)):
        bag(tmp_path / "bags" / name)
        folder = tmp_path / "masks" / name
        TestFolder().write(folder, {f"{index:06d}.png": index})
    found = open_bag_dataset(
        tmp_path / "bags", topic=None, truth_topic=None, truth_folder=tmp_path / "masks"
    )
    assert [(each.name, each.scored) for each in found] == [
        ("drive2", ("000002",)),
        ("drive10", ("000003",)),
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "found none; give --truth-topic or --truth"),
        ({"truth_topic": TRUTH, "truth_folder": Path()}, "found two; give --truth-topic or"),
    ],
)
def test_truth_comes_from_one_place(tmp_path: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        open_one(bag(tmp_path / "drive", truth=masks([0])), **options)


def test_what_is_no_bag(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        open_one(tmp_path / "missing", truth_topic=TRUTH)
    with pytest.raises(InputError, match=r"a rosbag2 .* or a folder of them, found none"):
        open_one(tmp_path, truth_topic=TRUTH)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"txt: expected a rosbag2 "):
        open_one(tmp_path / "notes.txt", truth_topic=TRUTH)


def test_depth_is_that_of_its_topic(tmp_path: Path) -> None:
    deep = [np.full(SIZE, 1000 * (i + 1), np.uint16) for i in range(FRAMES)]
    depths = [recordings.depth_message(each, stamp(i)) for i, each in enumerate(deep)]
    path = bag(tmp_path / "drive", truth=masks([0, 2]), depth=depths)
    choice = DepthChoice("/depth", 0.02)
    sequence = open_one(path, topic=CAMERA, truth_topic=TRUTH, depth=choice)
    assert [each.frame.depth_m[5, 5] for each in sequence.frames] == [1, 2, 3, 4, 5]
    assert sequence.scored == ("000000", "000002")
