"""`motion_seg segment`, run as a user runs it."""

from __future__ import annotations

import contextlib
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
WITHOUT_NETWORKS = ("--set", "masks.backend=densifier", "--set", "labelling.backend=geometric")


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


def living(group: int) -> list[str]:
    """The commands of a process group, less those that have ended and were not asked about."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            name, _, rest = file.read_text().rpartition(")")
            state, _, of_group = rest.split()[:3]
            if int(of_group) == group and state != "Z":
                found.append(name)
    return found


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


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
        assert names(out) == ["drive", "film", "summary.json", "walk"]
        assert len(list((out / "film").glob("*.png"))) == 4
        with Reader(out / "drive" / "masks") as reader:
            ours = [each for each in reader.connections if each.topic.startswith("/motion_seg/")]
            assert {each.topic: each.msgcount for each in ours} == {
                f"/motion_seg/{name}": 3
                for name in ("moving_mask", "static_mask", "instance_mask", "objects", "tracks")
            }

    def test_topic_is_for_the_bags_among_the_inputs(self, tmp_path: Path, walk: Path) -> None:
        images = recordings.pan(2, SIZE)
        messages = [recordings.image_message(each, i) for i, each in enumerate(images)]
        bag = recordings.write_bag(tmp_path / "drive", {"/a": messages, "/b": messages[:1]})
        both = ["segment", str(walk), str(bag), "--jobs", "1", "-o", str(tmp_path / "out")]
        assert main.main([*both, "--topic", "/b"]) == 0
        summary = json.loads((tmp_path / "out" / "summary.json").read_text())
        assert {name: each["frames"] for name, each in summary["sequences"].items()} == {
            "drive": 1,
            "walk": 6,
        }

    @pytest.mark.parametrize("stream", ["stdout", "stderr"])
    def test_nobody_listens(
        self, tmp_path: Path, walk: Path, stream: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, stream, None)
        assert main.main(["segment", str(walk), "-o", str(tmp_path / "out")]) == 0
        assert names(tmp_path / "out") == ["summary.json", "walk"]

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

    def test_images_that_are_all_damaged_leave_nothing(
        self, tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for index in range(6):
            (walk / f"0000{index}.png").write_bytes(b"damaged")
        out = tmp_path / "new" / "out"
        assert_fails(capsys, "segment", walk, "-o", out, words="00000.png: expected an image")
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
            (
                ("--set", "masks.image_side=512"),
                "masks.image_side: no such setting; it is now masks.sam2.image_side",
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


@pytest.mark.usefixtures("stub")
class TestBadFrames:
    """A frame that cannot be used costs itself alone."""

    def test_are_left_out_and_counted(
        self,
        tmp_path: Path,
        walk: Path,
        capsys: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        (walk / "00002.png").write_bytes(b"")
        arguments = ["segment", str(walk), "-o", str(tmp_path / "out"), "--no-overlay"]
        assert main.main(arguments) == 0
        said = capsys.readouterr()
        assert f"{walk}/00002.png: expected an image, found empty" in caplog.text
        assert "5 frames" in said.out
        assert "1 bad, " in said.out
        masks = sorted(each.stem for each in (tmp_path / "out" / "walk").glob("*.png"))
        assert masks == ["00000", "00001", "00003", "00004", "00005"]
        summary = json.loads((tmp_path / "out" / "summary.json").read_text())
        (found,) = summary["sequences"].values()
        assert found["frames"] == 5
        assert list(found["bad_frames"]) == ["00002"]
        assert main.main([*arguments, "--overwrite", "--strict"]) == 1
        assert "1 bad frame (--strict)" in capsys.readouterr().err
        assert len(list((tmp_path / "out" / "walk").glob("*.png"))) == 5
        (walk / "00002.png").unlink()
        assert main.main([*arguments, "--overwrite", "--strict"]) == 0

    def test_each_mask_has_the_size_of_its_image_where_that_changes(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        images = [*recordings.pan(5, SIZE), *recordings.pan(4, (100, 150))]
        bag = recordings.image_bag(tmp_path / "drive", images)
        out = tmp_path / "out"
        assert main.main(["segment", str(bag), "-o", str(out)]) == 0
        assert "expected 160x120 like the frame before, found 100x150" in caplog.text
        for index, image in enumerate(images):
            mask = cv2.imread(str(out / "drive" / f"{index:06d}.png"), cv2.IMREAD_UNCHANGED)
            assert mask.shape[:2] == image.shape[:2]
        capture = cv2.VideoCapture(str(out / "drive" / "overlay.mp4"))
        shown = [capture.read()[1] for _ in images]
        assert {each.shape for each in shown} == {(120, 160, 3)}
        assert shown[-1][:, 110:].max() < 30, "black beside it"
        with Reader(out / "drive" / "masks") as reader:
            assert all(each.msgcount == 9 for each in reader.connections)


@pytest.mark.usefixtures("stub")
class TestManyInputs:
    """One after the other, in this process."""

    @pytest.fixture
    def three(self, tmp_path: Path) -> list[Path]:
        """Three sequences, of which the second one is damaged."""
        folders = [tmp_path / name for name in ("one", "two", "three")]
        for index, each in enumerate(folders):
            recordings.write_images(each, recordings.pan(4, SIZE, seed=index))
        for file in folders[1].iterdir():
            file.write_bytes(b"damaged")
        return folders

    def test_one_that_fails_does_not_stop_the_others(
        self, tmp_path: Path, three: list[Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        words = "1 of 3 failed: two: "
        assert_fails(capsys, "segment", *three, "-o", out, "--jobs", 1, words=words)
        assert names(out) == ["one", "summary.json", "three"]
        summary = json.loads((out / "summary.json").read_text())
        assert list(summary["sequences"]) == ["one", "three"]

    def test_resume_does_what_is_left_and_no_more(
        self, tmp_path: Path, three: list[Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        out, whole = tmp_path / "out", tmp_path / "whole"
        arguments = ["segment", *map(str, three), "--jobs", "1"]
        assert main.main([*arguments, "-o", str(out)]) == 2
        assert "1 of 3 failed" in capsys.readouterr().err
        before = (out / "one" / "tracks.npz").stat()
        recordings.write_images(three[1], recordings.pan(4, SIZE, seed=1))
        assert_fails(capsys, *arguments, "-o", out, words="already exists")
        assert main.main([*arguments, "-o", str(out), "--resume"]) == 0
        assert "3 sequences (2 finished before), 12 frames" in capsys.readouterr().out
        after = (out / "one" / "tracks.npz").stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        assert main.main([*arguments, "-o", str(whole)]) == 0
        assert contents(out) == contents(whole)

    @pytest.mark.parametrize("options", [(), ("--resume",), ("--overwrite",)])
    def test_a_sequence_is_added_to_a_folder(
        self, tmp_path: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
    ) -> None:
        folders = [tmp_path / name for name in ("one", "two", "three")]
        for index, each in enumerate(folders):
            recordings.write_images(each, recordings.pan(3, SIZE, seed=index))
        one, two, three = map(str, folders)
        out, whole = tmp_path / "out", tmp_path / "whole"
        assert main.main(["segment", one, "-o", str(out)]) == 0
        first = (out / "one" / "tracks.npz").stat()
        assert main.main(["segment", two, three, "-o", str(out), "--jobs", "1", *options]) == 0
        assert "2 sequences, 6 frames" in capsys.readouterr().out
        after = (out / "one" / "tracks.npz").stat()
        assert (after.st_ino, after.st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
        assert main.main(["segment", one, two, three, "-o", str(whole), "--jobs", "1"]) == 0
        assert contents(out) == contents(whole)
        assert_fails(capsys, "segment", two, "-o", out, words="out/two: already exists")
        assert main.main(["segment", two, "-o", str(out), "--overwrite"]) == 0
        assert contents(out) == contents(whole)

    def test_a_summary_of_something_else_is_never_replaced(
        self, tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "summary.json").write_text("[]")
        words = "summary.json: expected the summary of earlier sequences, found something else"
        assert_fails(capsys, "segment", walk, "-o", tmp_path / "out", words=words)
        assert names(tmp_path / "out") == ["summary.json"]

    def test_resume_with_everything_done_changes_nothing(self, tmp_path: Path, walk: Path) -> None:
        arguments = ["segment", str(walk), "-o", str(tmp_path / "out"), "--resume"]
        assert main.main(arguments) == 0
        before = contents(tmp_path / "out")
        assert main.main(arguments) == 0
        assert contents(tmp_path / "out") == before

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--set", "window.size=9"), "with window.size 9, found what was made with 16"),
            (("--no-overlay",), "with overlay False, found what was made with True"),
            (("--fps", "7"), "with fps 7.0, found what was made with 30.0"),
        ],
    )
    def test_resume_refuses_other_settings(
        self,
        tmp_path: Path,
        walk: Path,
        capsys: pytest.CaptureFixture[str],
        options: tuple[str, ...],
        words: str,
    ) -> None:
        arguments = ["segment", str(walk), "-o", str(tmp_path / "out")]
        assert main.main(arguments) == 0
        before = contents(tmp_path / "out")
        assert_fails(capsys, *arguments, "--resume", *options, words=words)
        assert contents(tmp_path / "out") == before

    def test_resume_refuses_another_input_of_the_same_name(
        self, tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        assert main.main(["segment", str(walk), "-o", str(out)]) == 0
        other = tmp_path / "other" / "walk"
        recordings.write_images(other, recordings.pan(6, SIZE, seed=1))
        assert_fails(capsys, "segment", other, "-o", out, "--resume", words="with input_bytes ")

    @pytest.mark.parametrize("inside", [".", "deeper"])
    def test_output_that_would_replace_the_input(
        self, tmp_path: Path, inside: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = tmp_path / "deeper" / inside  # tmp_path/deeper, or tmp_path/deeper/deeper
        recordings.write_images(folder, recordings.pan(2, SIZE))
        (tmp_path / "deeper" / "tracks.npz").touch()  # looks like an earlier output
        (tmp_path / "link").symlink_to(tmp_path)
        before = contents(tmp_path)
        arguments = ("segment", folder, "-o", tmp_path / "link", "--overwrite")
        assert_fails(capsys, *arguments, words="expected an output apart from the input")
        assert contents(tmp_path) == before

    def test_resume_refuses_what_it_does_not_know(
        self, tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        place = tmp_path / "out" / "walk"
        place.mkdir(parents=True)
        arguments = ("segment", walk, "-o", tmp_path / "out", "--resume")
        assert_fails(capsys, *arguments, words="expected a finished sequence to keep")
        (place / "sequence.json").write_text("{")
        assert_fails(capsys, *arguments, words="expected the record of a sequence")

    def test_input_that_cannot_be_read_does_not_stop_the_others(
        self, tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "broken.mcap").write_bytes(b"no bag")
        out = tmp_path / "out"
        arguments = ("segment", tmp_path / "broken.mcap", walk, "-o", out)
        assert_fails(capsys, *arguments, words="1 of 2 failed: ")
        assert names(out) == ["summary.json", "walk"]

    def test_same_failure_is_said_once(
        self, tmp_path: Path, three: list[Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ("segment", *three, "-o", tmp_path / "out", "--jobs", 1)
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
        try:
            assert main.main([str(each) for each in arguments]) == 2
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert "3 of 3 failed" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("jobs", ["0", "-1", "two"])
    def test_wrong_number_of_jobs_is_a_usage_error(
        self, tmp_path: Path, walk: Path, jobs: str
    ) -> None:
        with pytest.raises(SystemExit) as exit_:
            main.main(["segment", str(walk), "-o", str(tmp_path / "out"), f"--jobs={jobs}"])
        assert exit_.value.code == 2


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

    def test_interrupt_from_a_terminal_ends_all_processes(self, tmp_path: Path) -> None:
        inputs = [tmp_path / name for name in ("one", "two", "three")]
        for each in inputs:
            recordings.write_images(each, recordings.pan(200, (320, 240)), "{:05d}.jpg")
        out = tmp_path / "out"
        process = subprocess.Popen(
            command("segment", *inputs, "-o", out, "--jobs", 2, *WITHOUT_NETWORKS),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if len({each.parent for each in out.glob(".*.partial-*/00003.png")}) == 2:
                break
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: all processes get it
        _, said = process.communicate(timeout=30)
        assert (process.returncode, said) == (130, "motion_seg: interrupted\n")
        assert not out.exists()
        while living(process.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not living(process.pid)

    @pytest.mark.parametrize("size", [(1, 1), (500, 1), (33, 35)])
    def test_images_of_any_size(self, tmp_path: Path, size: tuple[int, int]) -> None:
        recordings.write_images(tmp_path / "tiny", recordings.pan(2, size))
        out = tmp_path / "out"
        assert main.main(["segment", str(tmp_path / "tiny"), "-o", str(out)]) == 0
        masks = [cv2.imread(str(each)) for each in (out / "tiny").glob("*.png")]
        assert [each.shape[1::-1] for each in masks] == [size, size]

    def test_warning_is_one_line(self, tmp_path: Path) -> None:
        film = recordings.write_video(
            tmp_path / "film.avi", recordings.pan(24, SIZE), "-c:v", "mjpeg"
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
