"""`motion_seg segment`, run as a user runs it."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import recordings
import results
from rosbags.rosbag2 import Reader

from motion_seg_ros.cli import main, segment

SIZE = (160, 120)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast answers, where the test is not about them."""
    monkeypatch.setattr(segment, "build", lambda config: results.StubSegmenter())


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    recordings.write_images(tmp_path / "walk", recordings.pan(6, SIZE))
    return tmp_path / "walk"


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "motion_seg_ros.cli.main", *map(str, arguments)]


def obey_file_modes() -> None:
    """Take the right to ignore file modes from root, before a program starts."""
    drop_from_bounding_set, dac_override = 24, 1  # linux/prctl.h, linux/capability.h
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(drop_from_bounding_set, dac_override, 0, 0, 0)


def contents(folder: Path) -> dict[str, bytes]:
    files = (each for each in folder.rglob("*") if each.is_file())
    return {str(each.relative_to(folder)): each.read_bytes() for each in files}


def assert_fails(capsys: pytest.CaptureFixture[str], *arguments: object, words: str) -> None:
    """Status 2, and one line on stderr with the words."""
    status = main.main([str(each) for each in arguments])
    captured = capsys.readouterr()
    assert status == 2
    assert captured.err.startswith("motion_seg: error: ")
    assert captured.err.count("\n") == 1
    assert words in captured.err


@pytest.mark.usefixtures("stub")
class TestOutput:
    def test_every_frame_gets_its_mask(
        self, tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main.main(["segment", str(walk), "-o", str(tmp_path / "out")]) == 0
        masks = sorted((tmp_path / "out" / "walk").glob("*.png"))
        assert [each.stem for each in masks] == [f"{i:05d}" for i in range(6)]
        for index, each in enumerate(masks, start=1):
            expected = np.zeros((120, 160), bool)
            expected[4:12, 2 * index : 2 * index + 10] = True
            np.testing.assert_array_equal(cv2.imread(str(each)).any(axis=2), expected)
        assert "1 sequence, 6 frames, 6 with motion" in capsys.readouterr().out

    def test_summary_tells_what_was_done(self, tmp_path: Path, walk: Path) -> None:
        main.main(["segment", str(walk), "-o", str(tmp_path / "out"), "--set", "window.size=9"])
        summary = json.loads((tmp_path / "out" / "summary.json").read_text())
        assert summary["configuration"]["window.size"] == 9
        assert summary["sequences"]["walk"]["frames"] == 6
        assert summary["sequences"]["walk"]["size_px"] == [160, 120]

    def test_many_inputs_of_many_kinds(self, tmp_path: Path, walk: Path) -> None:
        video = recordings.write_video(tmp_path / "film.mkv", recordings.pan(4, SIZE))
        bag = recordings.image_bag(tmp_path / "drive", recordings.pan(3, SIZE))
        out = tmp_path / "out"
        inputs = [str(walk), str(video), str(bag)]
        assert main.main(["segment", *inputs, "-o", str(out), "--jobs", "1"]) == 0
        assert sorted(each.name for each in out.iterdir()) == [
            "drive",
            "film",
            "summary.json",
            "walk",
        ]
        assert len(list((out / "film").glob("*.png"))) == 4
        with Reader(out / "drive" / "masks") as reader:
            ours = [each for each in reader.connections if each.topic.startswith("/motion_seg/")]
            assert {each.topic: each.msgcount for each in ours} == {
                f"/motion_seg/{name}": 3
                for name in ("moving_mask", "static_mask", "instance_mask", "objects", "tracks")
            }

    def test_no_overlay(self, tmp_path: Path, walk: Path) -> None:
        main.main(["segment", str(walk), "-o", str(tmp_path / "out"), "--no-overlay"])
        assert not (tmp_path / "out" / "walk" / "overlay.mp4").exists()
        assert (tmp_path / "out" / "walk" / "tracks.npz").exists()

    def test_runs_again_only_with_overwrite(
        self, tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ["segment", str(walk), "-o", str(tmp_path / "out")]
        assert main.main(arguments) == 0
        before = contents(tmp_path / "out")
        assert_fails(capsys, *arguments, words="already exists")
        assert contents(tmp_path / "out") == before
        assert main.main([*arguments, "--overwrite"]) == 0


@pytest.mark.usefixtures("stub")
class TestErrors:
    def test_input_that_is_not_there(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        assert_fails(capsys, "segment", tmp_path / "x", "-o", out, words="no such file")
        assert not out.exists()

    def test_folder_without_images(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "empty").mkdir()
        out = tmp_path / "out"
        assert_fails(capsys, "segment", tmp_path / "empty", "-o", out, words="found none")
        assert not out.exists()

    def test_second_of_two_inputs_is_checked_before_the_first_is_begun(
        self, tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        assert_fails(capsys, "segment", walk, tmp_path / "x", "-o", out, words="no such file")
        assert not out.exists()

    def test_damaged_image_in_the_middle_leaves_nothing(
        self, tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (walk / "00003.png").write_bytes(b"damaged")
        out = tmp_path / "new" / "out"
        assert_fails(capsys, "segment", walk, "-o", out, words="00003.png: expected an image")
        assert not (tmp_path / "new").exists()

    def test_two_sequences_of_one_name(
        self, tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        recordings.write_images(tmp_path / "other" / "walk", recordings.pan(2))
        arguments = (walk, tmp_path / "other" / "walk", "-o", tmp_path / "out")
        assert_fails(capsys, "segment", *arguments, words="would be called walk")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (
                ("--set", "window.sizes=9"),
                "window.sizes: no such setting; did you mean window.size",
            ),
            (("--set", "window.size=1"), "window.size: expected 2 to"),
            (("--set", "window.size"), "expected NAME=VALUE"),
            (("--config", "missing.yaml"), "missing.yaml: cannot read"),
            (("--topic", "/a"), "expected a rosbag2"),
        ],
    )
    def test_wrong_options(
        self,
        tmp_path: Path,
        walk: Path,
        capsys: pytest.CaptureFixture[str],
        options: tuple[str, str],
        words: str,
    ) -> None:
        assert_fails(capsys, "segment", walk, "-o", tmp_path / "out", *options, words=words)
        assert not (tmp_path / "out").exists()

    def test_output_below_a_file(
        self, tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").write_text("")
        out = tmp_path / "file" / "out"
        assert_fails(capsys, "segment", walk, "-o", out, words="cannot write the output")

    def test_missing_arguments_are_usage_errors(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as exit_:
            main.main(["segment"])
        assert exit_.value.code == 2
        assert "INPUT" in capsys.readouterr().err


class TestProcess:
    """The whole program with the real pipeline, as a process."""

    def test_same_bytes_on_every_run_in_one_process_and_in_two(
        self, tmp_path: Path, walk: Path
    ) -> None:
        bag = recordings.image_bag(tmp_path / "drive", recordings.pan(6, SIZE))
        for jobs in ("1", "2"):
            arguments = ("segment", walk, bag, "-o", tmp_path / jobs, "--jobs", jobs)
            subprocess.run(command(*arguments), check=True)
        one, two = contents(tmp_path / "1"), contents(tmp_path / "2")
        assert one.keys() == two.keys()
        assert [name for name in one if one[name] != two[name]] == []

    def test_causal(self, tmp_path: Path) -> None:
        images = recordings.pan(8, SIZE)
        for index, image in enumerate(images):
            image[40:80, 20 + 6 * index : 50 + 6 * index] = (0, 200, 255)
        recordings.write_images(tmp_path / "all", images)
        recordings.write_images(tmp_path / "start", images[:5])
        inputs = (tmp_path / "all", tmp_path / "start")
        arguments = ("segment", *inputs, "-o", tmp_path / "out", "--jobs", "1")
        subprocess.run(command(*arguments), check=True)
        for index in range(5):
            name = f"{index:05d}.png"
            seen = (tmp_path / "out" / "all" / name).read_bytes()
            assert seen == (tmp_path / "out" / "start" / name).read_bytes()

    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
    def test_interrupt_leaves_no_half_written_file(
        self, tmp_path: Path, signum: signal.Signals
    ) -> None:
        recordings.write_images(tmp_path / "long", recordings.pan(200, (320, 240)), "{:05d}.jpg")
        out = tmp_path / "out"
        process = subprocess.Popen(
            command("segment", tmp_path / "long", "-o", out), stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(out.glob(".long.partial-*/0*.png"))) > 2:
                break
            time.sleep(0.01)
        assert list(out.glob(".long.partial-*/00001.png"))  # it is in the middle of its work
        process.send_signal(signum)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130
        assert said == "motion_seg: interrupted\n"
        assert not out.exists()

    @pytest.mark.parametrize("size", [(1, 1), (500, 1), (33, 35)])
    def test_images_of_any_size(self, tmp_path: Path, size: tuple[int, int]) -> None:
        recordings.write_images(tmp_path / "tiny", recordings.pan(2, size))
        out = tmp_path / "out"
        assert main.main(["segment", str(tmp_path / "tiny"), "-o", str(out)]) == 0
        masks = [cv2.imread(str(each)) for each in (out / "tiny").glob("*.png")]
        assert [each.shape[1::-1] for each in masks] == [size, size]

    def test_warning_is_one_line(self, tmp_path: Path) -> None:
        film = recordings.write_video(
            tmp_path / "film.avi", recordings.pan(9, SIZE), "-c:v", "mjpeg"
        )
        film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
        process = subprocess.run(
            command("segment", film, "-o", tmp_path / "out"), capture_output=True, text=True
        )
        assert process.returncode == 0
        assert process.stderr.startswith("motion_seg: warning: ")
        assert process.stderr.count("\n") == 1
        assert len(list((tmp_path / "out" / "film").glob("*.png"))) >= 2

    def test_full_disk_is_one_line(self, tmp_path: Path, walk: Path) -> None:
        process = subprocess.run(
            command("segment", walk, "-o", tmp_path / "out"),
            capture_output=True,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
        )
        assert process.returncode == 2
        assert process.stderr.count("\n") == 1
        assert "cannot write" in process.stderr
        assert not (tmp_path / "out").exists()

    def test_read_only_output_is_one_line(self, tmp_path: Path, walk: Path) -> None:
        out = tmp_path / "out"
        out.mkdir(mode=0o555)
        process = subprocess.run(
            command("segment", walk, "-o", out),
            capture_output=True,
            text=True,
            preexec_fn=obey_file_modes,
        )
        assert process.returncode == 2
        assert process.stderr.count("\n") == 1
        assert "cannot write the output: Permission denied" in process.stderr
        assert not list(out.iterdir())

    def test_ros_is_not_imported(self) -> None:
        code = "import sys, motion_seg_ros.cli.main; print([m for m in sys.modules if 'rcl' in m])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout == "[]\n"
