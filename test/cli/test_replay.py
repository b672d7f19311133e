"""`motion_seg replay`: a bag through the live node over real topics gives what `segment` gives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recordings
from PIL import Image

pytest.importorskip("rclpy")

from processes import processes_in
from rosbags.rosbag2 import Reader, StoragePlugin

from motion_seg_ros.cli import live_node, main, replay
from motion_seg_ros.io.bag_files import raw_messages
from motion_seg_ros.io.message_types import typestore
from motion_seg_ros.io.video_packets import FFMPEG_PACKET
from motion_seg_ros.lab.evaluation.metrics import boundary_accuracy, region_similarity
from motion_seg_ros.lab.evaluation.results import read_results

FRAMES, SIZE = 8, (160, 120)
INFO = "/cam/camera_info"
RAW, PACKED = "/cam/image_raw", "/cam/image_raw/compressed"


def truth(index: int) -> np.ndarray:
    mask = np.zeros(SIZE[::-1], np.uint16)
    mask[40:80, 20 + 6 * index : 50 + 6 * index] = 1
    return mask


def drive(path: Path, *, compressed: bool, storage: StoragePlugin) -> Path:
    """A red box before a panning camera, its calibration, and the true masks."""
    images = recordings.pan(FRAMES, SIZE)
    for index, image in enumerate(images):
        image[truth(index) > 0] = (0, 200, 255)
    stamps = [recordings.START_NS + i * recordings.STEP_NS for i in range(FRAMES)]
    make = recordings.compressed_message if compressed else recordings.image_message
    topics: dict[str, Any] = {
        PACKED if compressed else RAW: [make(*e) for e in zip(images, stamps, strict=True)],
        INFO: [recordings.camera_info_message(each, SIZE) for each in stamps],
        "/truth": [
            recordings.mask_message(truth(i), stamp, "mono16") for i, stamp in enumerate(stamps)
        ],
    }
    return recordings.write_bag(path, topics, storage)


def test_a_bag_of_video_packets_is_refused_with_a_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "TYPES", typestore())
    header = recordings.image_message(recordings.pan(1)[0], recordings.START_NS).header
    packet = typestore().types[FFMPEG_PACKET](
        header, 96, 72, "libx264", 1, 0, False, np.zeros(9, np.uint8)
    )
    bag = recordings.write_bag(tmp_path / "drive", {"/cam/image_raw/ffmpeg": [packet]})
    assert main.main(["replay", str(bag), "-o", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert f"found {FFMPEG_PACKET}" in told
    assert "ros2 run image_transport republish" in told
    assert not (tmp_path / "out").exists()


def masks_of(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in sorted(folder.glob("*.png"))}


def replayed(bag: Path, out: Path, *options: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """replay.json and the masks."""
    assert main.main(["replay", str(bag), "-o", str(out), *options]) == 0
    found = json.loads((out / replay.REPLAY_FILE).read_text())
    return found, masks_of(out / "masks" / "motion_seg" / bag.name)


def segmented(bag: Path, out: Path, topic: str) -> dict[str, bytes]:
    """Return the masks that `motion_seg segment` writes."""
    assert main.main(["segment", str(bag), "--topic", topic, "-o", str(out), "--no-overlay"]) == 0
    return masks_of(out / bag.name)


def assert_scores(found: Mapping[str, Any], masks: Path) -> None:
    """J and F are those of these masks."""
    region, boundary = [], []
    for index in range(FRAMES):
        with Image.open(masks / f"{index:06d}.png") as picture:
            mask = np.asarray(picture) > 0
        region.append(region_similarity(mask, truth(index) > 0))
        boundary.append(boundary_accuracy(mask, truth(index) > 0))
    assert found["J_mean"] == pytest.approx(np.mean(region), abs=1e-9)
    assert found["F_mean"] == pytest.approx(np.mean(boundary), abs=1e-9)
    assert found["J_mean"] > 0.3  # it is no comparison of nothing with nothing


def test_lockstep_gives_the_masks_of_segment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = drive(tmp_path / "drive", compressed=False, storage=StoragePlugin.MCAP)
    out = tmp_path / "out"
    found, masks = replayed(bag, out, "--lockstep", "--truth-topic", "/truth")
    said = capsys.readouterr().out
    expected = segmented(bag, tmp_path / "offline", RAW)
    assert list(expected) == [f"{i:06d}.png" for i in range(FRAMES)]
    assert masks == expected
    assert_scores(found, tmp_path / "offline" / "drive")
    assert (found["lockstep"], found["rate"], found["qos"]) == (True, None, "reliable")
    assert [found[each] for each in ("sent", "answered", "propagated", "dropped")] == [8, 8, 0, 0]
    assert 0 < found["age_p50_ms"] <= found["age_p95_ms"]
    assert "frames sent 8, answered 8 (8 inferred, 0 propagated), dropped 0" in said
    assert f"live J {found['J_mean']:.3f}, F {found['F_mean']:.3f}, J&F" in said
    assert "over 8 frames with truth, all answered" in said
    assert found["offline_JF_mean"] is None  # it would be the same
    results = read_results(out)
    assert results.dataset == "bag"
    assert results.configuration["replay.lockstep"] is True
    assert results.configuration["masks.sam2.discovery"] == "in_step"
    assert results.versions["python"]
    timing = results.scores.per_sequence["drive"].timing
    assert timing is not None
    assert (len(timing.age_ms), timing.answered, timing.dropped) == (8, 8, 0)
    assert "<html" in (out / "report.html").read_text()
    assert_bag(bag, out / "bag")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["drive", "offline", "out"]


def test_lockstep_with_depth_gives_the_masks_of_segment(tmp_path: Path) -> None:
    stamps = [recordings.START_NS + i * recordings.STEP_NS for i in range(FRAMES)]
    deep = [np.full(SIZE[::-1], 2000, np.uint16) for _ in stamps]
    for index, each in enumerate(deep):
        each[truth(index) > 0] = 1000
    bag = recordings.write_bag(
        tmp_path / "drive",
        {
            RAW: [
                recordings.image_message(*each)
                for each in zip(recordings.pan(FRAMES, SIZE), stamps, strict=True)
            ],
            "/cam/depth": [
                recordings.depth_message(*each) for each in zip(deep, stamps, strict=True)
            ],
        },
    )
    options = ("--topic", RAW, "--depth-topic", "/cam/depth")
    found, masks = replayed(bag, tmp_path / "out", "--lockstep", *options)
    offline = ["segment", str(bag), *options, "-o", str(tmp_path / "offline"), "--no-overlay"]
    assert main.main(offline) == 0
    assert masks == masks_of(tmp_path / "offline" / "drive")
    assert (found["answered"], found["depth_topic"]) == (FRAMES, "/cam/depth")
    assert (found["J_mean"], found["scored"], found["JF_difference"]) == (None, None, None)
    depths = {"/cam/depth"}
    recorded = [each.data for each in raw_messages(tmp_path / "out" / "bag", depths)]
    assert recorded == [each.data for each in raw_messages(bag, depths)]


def test_lockstep_with_bad_frames_gives_the_masks_of_segment(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stamps = [recordings.START_NS + i * recordings.STEP_NS for i in range(11)]
    images = [*recordings.pan(FRAMES, SIZE), *recordings.pan(3, (128, 96))]
    messages = [recordings.image_message(*each) for each in zip(images, stamps, strict=True)]
    messages[2] = recordings.image_message(images[0][:0, :0], stamps[2], encoding="")
    messages[4], messages[5] = messages[5], messages[4]
    bag = recordings.write_bag(tmp_path / "drive", {RAW: messages})
    found, masks = replayed(bag, tmp_path / "out", "--lockstep")
    assert "message 2: image: expected at least one pixel" in caplog.text
    assert masks == segmented(bag, tmp_path / "offline", RAW)
    assert list(masks) == [f"{i:06d}.png" for i in range(11) if i != 2]
    assert [found[each] for each in ("sent", "answered", "propagated", "dropped")] == [10, 10, 0, 0]
    assert list(found["bad_frames"]) == ["000002", "000008"]
    summary = json.loads((tmp_path / "offline" / "summary.json").read_text())
    assert summary["sequences"]["drive"]["bad_frames"] == found["bad_frames"]
    assert list(summary["sequences"]["drive"]["resets"]) == ["000008"]


def assert_bag(played: Path, recorded: Path) -> None:
    """The camera as it was; in lockstep every answer at the time of its image."""
    assert list(raw_messages(recorded, {RAW, INFO})) == list(raw_messages(played, {RAW, INFO}))
    times = [each.recorded_ns for each in raw_messages(played, {RAW})]
    with Reader(recorded) as reader:
        answers = [each.topic for each in reader.connections if "/motion_seg/" in each.topic]
    assert len(answers) == 5
    for topic in answers:
        assert [each.recorded_ns for each in raw_messages(recorded, {topic})] == times


def test_slow_and_reliable_gives_the_masks_of_segment_too(tmp_path: Path) -> None:
    bag = drive(tmp_path / "drive", compressed=True, storage=StoragePlugin.SQLITE3)
    (tmp_path / "truth").mkdir()
    for index in range(FRAMES):
        Image.fromarray(truth(index).astype(np.uint8)).save(tmp_path / "truth" / f"{index}.png")
    options = ("--topic", PACKED, "--qos", "reliable", "--truth", str(tmp_path / "truth"))
    started = time.monotonic()
    found, masks = replayed(bag, tmp_path / "out", "--rate", "0.2", *options)
    assert time.monotonic() - started > (FRAMES - 1) * recordings.STEP_NS * 1e-9 / 0.2
    assert (found["sent"], found["dropped"]) == (FRAMES, 0)
    if found["propagated"]:
        pytest.skip("this machine could not answer two frames a second; nothing to compare")
    offline = segmented(bag, tmp_path / "offline", PACKED)
    assert masks == offline
    assert masks_of(tmp_path / "out/masks/offline/drive") == offline
    assert_scores(found, tmp_path / "offline" / "drive")
    assert found["offline_J_mean"] == found["J_mean"]
    assert (found["JF_difference"], found["never_came"]) == (0, 0)
    assert list(read_results(tmp_path / "out").against) == ["offline"]
    assert "at this machine’s speed" in (tmp_path / "out/report.html").read_text()
    assert list((tmp_path / "out" / "bag").glob("*.db3"))


def test_faster_than_the_node_loses_no_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = drive(tmp_path / "drive", compressed=False, storage=StoragePlugin.MCAP)
    options = ("--topic", RAW, "--rate", "50", "--no-bag-images", "--truth-topic", "/truth")
    found, masks = replayed(bag, tmp_path / "out", *options)
    assert found["answered"] + found["dropped"] == found["sent"] == FRAMES
    assert len(masks) == found["answered"] > 0
    assert (found["qos"], found["rate"]) == ("recorded", 50)
    # What came is scored, propagated or not, and what did not come as empty.
    assert (found["scored"], found["never_came"]) == (FRAMES, FRAMES - len(masks))
    scores = read_results(tmp_path / "out").scores.per_sequence["drive"].per_frame
    came = {name.removesuffix(".png") for name in masks}
    assert all(J == 0 for name, J in zip(scores.name, scores.J, strict=True) if name not in came)
    assert found["J_mean"] == pytest.approx(np.mean(scores.J))
    offline = segmented(bag, tmp_path / "offline", RAW)
    assert masks_of(tmp_path / "out/masks/offline/drive") == offline
    assert_scores(
        {name: found[f"offline_{name}"] for name in ("J_mean", "F_mean")},
        tmp_path / "offline/drive",
    )
    assert f"J&F {found['offline_JF_mean']:.3f}; live {found['JF_difference']:+.3f}" in (
        capsys.readouterr().out
    )
    assert list(raw_messages(tmp_path / "out" / "bag", {RAW})) == []
    assert len(list(raw_messages(tmp_path / "out" / "bag", {INFO}))) == FRAMES


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "expected one image topic to take, found 2"),
        (("--topic", "/nothing"), "no topic /nothing in it"),
        (("--topic", RAW, "--truth", "/nowhere"), "/nowhere: expected a folder of masks"),
        (("--topic", RAW, "--set", "depth.backend=topic"), "replay: expected recorded depth"),
        (("--topic", RAW, "--set", "window.size=1"), "window.size"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], words: str
) -> None:
    bag = drive(tmp_path / "drive", compressed=False, storage=StoragePlugin.MCAP)
    out = tmp_path / "out"
    assert main.main(["replay", str(bag), "-o", str(out), *options]) == 2
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
    assert not out.exists()


def test_output_that_would_replace_the_bag(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    bag = drive(out / "bag", compressed=False, storage=StoragePlugin.MCAP)
    (out / replay.REPLAY_FILE).touch()  # as an earlier replay has it
    arguments = ["replay", str(bag), "--topic", RAW, "-o", str(out), "--overwrite"]
    assert main.main(arguments) == 2
    assert "expected an output apart from the input" in capsys.readouterr().err
    assert sorted(each.name for each in out.iterdir()) == ["bag", replay.REPLAY_FILE]


def test_images_are_no_bag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recordings.write_images(tmp_path / "walk", recordings.pan(2))
    assert main.main(["replay", str(tmp_path / "walk"), "-o", str(tmp_path / "out")]) == 2
    assert "expected a rosbag2 (mcap or sqlite3) to replay" in capsys.readouterr().err


def test_a_node_that_dies_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dying_node.py").write_text("import sys; sys.exit('out of memory')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(live_node, "NODE", "dying_node")
    bag = drive(tmp_path / "drive", compressed=False, storage=StoragePlugin.MCAP)
    out = tmp_path / "out"
    assert main.main(["replay", str(bag), "--topic", RAW, "-o", str(out)]) == 2
    said = capsys.readouterr().err
    assert "the node process ended with status 1" in said
    assert "node: out of memory" in said
    assert not out.exists()


def test_a_node_that_cannot_configure_itself_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = drive(tmp_path / "drive", compressed=False, storage=StoragePlugin.MCAP)
    out = tmp_path / "out"
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(bytes(64))
    options = ("--topic", RAW, "--set", f"masks.learned.weights={damaged}")
    assert main.main(["replay", str(bag), "-o", str(out), *options]) == 2
    said = capsys.readouterr().err
    assert f"{damaged}: expected" in said
    assert "expected an active node, found it unconfigured" in said
    assert not out.exists()


def test_without_ros_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live_node.importlib.util, "find_spec", lambda name: None)
    assert main.main(["replay", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert "replay: expected ROS 2, found no rclpy; run `make setup`" in capsys.readouterr().err


def test_interrupt_ends_all_processes_and_leaves_nothing(tmp_path: Path) -> None:
    bag = drive(tmp_path / "drive", compressed=False, storage=StoragePlugin.MCAP)
    work = tmp_path / "tmp"
    work.mkdir()
    command = [sys.executable, "-m", "motion_seg_ros.cli.main", "replay", str(bag)]
    process = subprocess.Popen(
        [*command, "--topic", RAW, "-o", str(tmp_path / "out")],
        env={**os.environ, "TMPDIR": str(work)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("playing 8 frames")
    deadline = time.monotonic() + 30
    while len(processes_in(tmp_path)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(processes_in(tmp_path)) == 3  # itself, the node and the player
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said.splitlines()[-1]) == (130, "motion_seg: interrupted")
    assert processes_in(tmp_path) == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["drive", "tmp"]
    assert list(work.iterdir()) == []
