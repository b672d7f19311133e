"""Depth of recorded images: each has its own, whatever the order of recording."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recordings

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.io.sources import open_source

IMAGE, DEPTH = "/cam/image_raw", "/cam/depth"
CHOICE = DepthChoice(DEPTH, 0.02)
COUNT = 6


def stamp(index: float) -> int:
    return recordings.START_NS + round(index * recordings.STEP_NS)


def depth(number: int, at: float, make: Any = recordings.depth_message) -> Any:
    """Depth image `number`, which is so many metres deep, but not known in its first row."""
    stored = np.full((72, 96), 1000 * number, np.uint16)
    stored[0] = 0
    return make(stored, stamp(at))


def bag(path: Path, depths: list[Any], topic: str = DEPTH) -> Path:
    images = [recordings.image_message(e, stamp(i)) for i, e in enumerate(recordings.pan(COUNT))]
    return recordings.write_bag(path, {IMAGE: images, topic: depths})


def seen(path: Path, choice: DepthChoice = CHOICE) -> list[float | None]:
    """Depth of each frame in metres, which must be the same all over it but for its first row."""
    found: list[float | None] = []
    for item in open_source(path, topic=IMAGE, depth=choice):
        depth_m = item.frame.depth_m
        if depth_m is None:
            found.append(None)
            continue
        assert np.isnan(depth_m[0]).all()
        (value,) = np.unique(depth_m[1:])
        found.append(float(value))
    return found


def test_each_image_has_the_nearest_depth(tmp_path: Path) -> None:
    path = bag(tmp_path / "bag", [depth(i + 1, i + 0.1) for i in range(COUNT)])
    assert seen(path) == [1, 2, 3, 4, 5, 6]
    with pytest.raises(InputError, match=r"within 0\.005 s .* the nearest 0\.010 s away"):
        seen(path, DepthChoice(DEPTH, 0.005))


@pytest.mark.parametrize("make", [recordings.depth_message, recordings.compressed_depth_message])
def test_depth_that_is_missing(tmp_path: Path, make: Any) -> None:
    path = bag(tmp_path / "bag", [depth(i + 1, i, make) for i in (0, 2, 3)])
    assert seen(path) == [1, None, 3, 4, None, None]


def test_depth_that_was_recorded_before_and_after_all_images(tmp_path: Path) -> None:
    # Message i is recorded at the time of image i: image 4's depth with image 0, and so on.
    path = bag(tmp_path / "bag", [depth(i + 1, i) for i in (4, 5, 0, 2)])
    assert seen(path) == [1, None, 3, None, 5, 6]


def test_one_depth_image_for_several(tmp_path: Path) -> None:
    path = bag(tmp_path / "bag", [depth(1, 0.5), depth(2, 4.1)])
    assert seen(path, DepthChoice(DEPTH, 0.06)) == [1, 1, None, None, 2, None]


def test_it_can_be_read_twice_and_in_another_process(tmp_path: Path) -> None:
    path = bag(tmp_path / "bag", [depth(i + 1, i) for i in range(COUNT)])
    source = BagTopic(path, IMAGE, depth=CHOICE)
    first, again = ([e.frame.depth_m[5, 5] for e in source] for _ in range(2))
    there = pickle.loads(pickle.dumps(source))
    assert first == again == [e.frame.depth_m[5, 5] for e in there] == [1, 2, 3, 4, 5, 6]


def test_the_depth_topic_is_no_image_topic_to_choose(tmp_path: Path) -> None:
    path = bag(tmp_path / "bag", [depth(i + 1, i) for i in range(COUNT)])
    assert open_source(path, depth=CHOICE).length == COUNT
    assert BagTopic(path, None).topic == IMAGE
    assert next(iter(open_source(path))).frame.depth_m is None


def test_a_depth_topic_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = bag(tmp_path / "bag", [depth(i + 1, i) for i in range(COUNT)])
    with pytest.raises(InputError, match="no topic /nope in it; its image topics: /cam/depth, "):
        open_source(path, depth=DepthChoice("/nope", 0.06))


def test_in_lockstep_depth_comes_right_before_its_image(tmp_path: Path) -> None:
    path = bag(tmp_path / "bag", [depth(i + 1, i) for i in (4, 5, 0, 2)])
    source = BagTopic(path, IMAGE, depth=CHOICE)
    topics = [each.topic for each in source.depth_first()]
    assert topics == [DEPTH, IMAGE, IMAGE, DEPTH, IMAGE, IMAGE, DEPTH, IMAGE, DEPTH, IMAGE]
    assert len(list(source.camera_messages())) == COUNT + 4


@pytest.mark.parametrize(
    ("topic", "base", "live", "make"),
    [
        ("/d", "/d", "/d", recordings.depth_message),
        ("/d/compressedDepth", "/d", "/d/compressedDepth", recordings.compressed_depth_message),
        ("/small", "/small", "/small/compressedDepth", recordings.compressed_depth_message),
    ],
)
def test_live_topics(tmp_path: Path, topic: str, base: str, live: str, make: Any) -> None:
    path = bag(tmp_path / "bag", [depth(1, 0, make)], topic)
    source = BagTopic(path, IMAGE, depth=DepthChoice(topic, 0.02))
    assert source.live_depth == (base, live)


def test_depth_that_is_damaged_costs_its_image_the_depth_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    depths = [depth(i + 1, i) for i in range(COUNT)]
    depths[0] = recordings.depth_message(np.ones((36, 48), np.uint16), stamp(0))
    depths[3].data = depths[3].data[:100]
    assert seen(bag(tmp_path / "bag", depths)) == [None, 2, 3, None, 5, 6]
    assert len(caplog.messages) == 2
    assert all("the image is used without depth" in each for each in caplog.messages)


def test_what_is_refused(tmp_path: Path) -> None:
    path = bag(tmp_path / "bag", [depth(1, 100)])
    with pytest.raises(InputError, match=r"the nearest 9\.500 s away; raise depth\.slop_s"):
        seen(path)
    with pytest.raises(InputError, match="no topic /nothing in it"):
        seen(path, DepthChoice("/nothing", 0.02))
    small = recordings.depth_message(np.ones((36, 48), np.uint16), stamp(0))
    with pytest.raises(InputError, match=r"message 0: depth: expected \(72, 96\).*register it"):
        seen(bag(tmp_path / "small", [small]))
    colour = recordings.image_message(recordings.pan(1)[0], stamp(0))
    with pytest.raises(InputError, match="expected an encoding out of 16UC1"):
        seen(bag(tmp_path / "colour", [colour]))
    recordings.write_images(tmp_path / "images", recordings.pan(1))
    with pytest.raises(InputError, match="--depth-topic /cam/depth: expected a rosbag2"):
        open_source(tmp_path / "images", depth=CHOICE)
