"""The option --camera of the commands that read images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import recordings
import results
from camera_files import write_camera
from evaluations import assert_fails, run, write_sequence

from motion_seg_ros.camera import Camera
from motion_seg_ros.cli import main, segment
from motion_seg_ros.lab.evaluation import pipeline_method
from motion_seg_ros.types import Frame, FrameResult

DISTORTION = (-0.2, 0.05, 1e-3, -2e-5, 0.0)
SAID = "a.yaml: fits the images, focal length 80.5 px, plumb_bob"


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Camera | None]:
    """The cameras of the frames that the pipeline gets, in place of which something else runs."""
    found: list[Camera | None] = []

    class Seeing(results.StubSegmenter):
        def push(self, frame: Frame) -> FrameResult:
            found.append(frame.camera)
            return super().push(frame)

    for module in (segment, pipeline_method):
        monkeypatch.setattr(module, "build", lambda plan: Seeing())
    return found


@pytest.fixture
def camera(tmp_path: Path) -> str:
    return str(write_camera(tmp_path / "a.yaml"))


@pytest.fixture
def walk(tmp_path: Path) -> str:
    recordings.write_images(tmp_path / "walk", recordings.pan(3))
    return str(tmp_path / "walk")


def run_segment(source: str, out: Path, *options: str) -> int:
    return main.main(["segment", source, "-o", str(out), "--no-overlay", *options])


def calibrations(out: Path, name: str) -> dict[str, int]:
    summary = json.loads((out / "summary.json").read_text())
    found: dict[str, int] = summary["sequences"][name]["calibrations"]
    return found


def test_segment(seen: list[Camera | None], tmp_path: Path, walk: str, camera: str) -> None:
    out = tmp_path / "out"
    assert run_segment(walk, out, "--camera", camera) == 0
    assert [each.distortion for each in seen if each is not None] == [DISTORTION] * 3
    assert calibrations(out, "walk") == {SAID: 3}


def test_segment_without(seen: list[Camera | None], tmp_path: Path, walk: str) -> None:
    assert run_segment(walk, tmp_path / "out") == 0
    assert seen == [None] * 3
    assert calibrations(tmp_path / "out", "walk") == {"none": 3}


def test_segment_a_bag_with_its_own(seen: list[Camera | None], tmp_path: Path, camera: str) -> None:
    stamps = [recordings.START_NS + i * recordings.STEP_NS for i in range(3)]
    images = recordings.pan(3)
    topics: dict[str, list[Any]] = {
        "/cam/image_raw": [*map(recordings.image_message, images, stamps)],
        "/cam/camera_info": [recordings.camera_info_message(each) for each in stamps],
    }
    bag = str(recordings.write_bag(tmp_path / "drive", topics))
    assert run_segment(bag, tmp_path / "own") == 0
    assert run_segment(bag, tmp_path / "other", "--camera", camera) == 0
    focal = [None if each is None else each.matrix[0, 0] for each in seen]
    assert focal == [80.0] * 3 + [80.5] * 3
    said = "/cam/camera_info: fits the images, focal length 80.0 px"
    assert calibrations(tmp_path / "own", "drive") == {said: 3}
    assert calibrations(tmp_path / "other", "drive") == {SAID: 3}


@pytest.mark.usefixtures("seen")
def test_segment_resumes_with_the_same_camera_only(
    tmp_path: Path, walk: str, camera: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run_segment(walk, out, "--camera", camera) == 0
    assert run_segment(walk, out, "--camera", camera, "--resume") == 0
    write_camera(Path(camera), "80.5", "81.5")
    capsys.readouterr()
    status = run_segment(walk, out, "--camera", camera, "--resume")
    assert_fails(capsys, status, "expected to go on with camera 96x72, K 81.5 0.0 ")
    assert_fails(capsys, run_segment(walk, out, "--resume"), "with camera None, found")


@pytest.mark.usefixtures("seen")
def test_segment_refuses_a_wrong_file(
    tmp_path: Path, walk: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    for name, old, new, words in (
        ("b.yaml", "image_width: 96", "image_width: 192", "expected the calibration of images of"),
        ("c.yaml", "camera_matrix", "matrix", "expected 9 numbers as data of camera_matrix"),
        ("d.yaml", "plumb_bob", "omni", "d.yaml: expected the calibration of a camera, found"),
    ):
        file = write_camera(tmp_path / name, old, new)
        assert_fails(capsys, run_segment(walk, out, "--camera", str(file)), words)
        assert not out.exists()
    status = run_segment(walk, out, "--camera", str(tmp_path / "none.yaml"))
    assert_fails(capsys, status, "none.yaml: expected a calibration file, found none")


def test_evaluate(
    seen: list[Camera | None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sequence(tmp_path / "davis", "walk", 4)
    file = write_camera(
        tmp_path / "a.yaml", "width: 96\nimage_height: 72", "width: 128\nimage_height: 96"
    )
    out = tmp_path / "out"
    assert run(tmp_path / "davis", out, "--camera", file) == 0
    assert [each.distortion for each in seen if each is not None] == [DISTORTION] * 4
    write_camera(file)
    assert_fails(
        capsys, run(tmp_path / "davis", out, "--camera", file), "with --camera 128x96, K 80.5 0.0 "
    )
    again = tmp_path / "again"
    words = "expected the calibration of images of 128x96, found one for 96x72"
    assert_fails(capsys, run(tmp_path / "davis", again, "--camera", file), words)
    assert not again.exists()
    arguments = ("--predictions", tmp_path, "--camera", file)
    words = "--camera: expected without --predictions"
    assert_fails(capsys, run(tmp_path / "davis", again, *arguments), words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("evaluate", "--dataset", "synthetic"), "--camera: expected with recordings, found synth"),
        (("evaluate", "--trajectory"), "--camera: expected with --root"),
        (("demo",), "--camera: expected with INPUT"),
    ],
)
def test_rendered_scenes_know_their_camera(
    tmp_path: Path,
    camera: str,
    arguments: tuple[str, ...],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    status = main.main([*arguments, "-o", str(out), "--camera", camera])
    assert_fails(capsys, status, words)
    assert not out.exists()
    status = main.main(["benchmark", "--camera", camera])
    assert_fails(capsys, status, "--camera: expected with --input")
