"""`motion_seg segment --rerun`, run as a user runs it."""

from __future__ import annotations

import builtins
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import recordings
import results

pytest.importorskip("rerun", reason="needs the extra for Rerun, of Python 3.11 and later")

import rerun_files

from motion_seg_ros.cli import main, segment


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    recordings.write_images(tmp_path / "walk", recordings.pan(3, (96, 72)), "f{}.png")
    return tmp_path / "walk"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "build", lambda config: results.StubSegmenter())


def run(*arguments: object) -> int:
    return main.main(["segment", *(str(each) for each in arguments), "--no-overlay"])


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The last line on stderr of a run that ends with status 2."""
    assert run(*arguments) == 2
    return capsys.readouterr().err.splitlines()[-1]


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.mark.usefixtures("stub")
def test_one_sequence(tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "show" / "walk.rrd"
    assert run(walk, "-o", tmp_path / "out", "--rerun", file) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"rerun {file}"
    assert names(file.parent) == ["walk.rrd"]
    found = rerun_files.read(file)
    masks = found.at("/world/camera/mask", "SegmentationImage:buffer")
    assert len(masks) == 3
    for index, (buffer,) in enumerate(masks.values()):
        ids = np.array(buffer, np.uint8).view("<u2").reshape(72, 96)
        mask = cv2.imread(str(tmp_path / "out" / "walk" / f"f{index}.png"))
        assert ((ids > 0) == mask.any(axis=2)).all()
        assert (ids > 0).sum() == 80
    assert found.at("/__properties", "RecordingInfo:name") == {None: ["walk"]}


@pytest.mark.usefixtures("stub")
def test_several_sequences(tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recordings.write_images(tmp_path / "run", recordings.pan(2, (96, 72)), "f{}.png")
    out, show = tmp_path / "out", tmp_path / "show"
    said = error_of(capsys, walk, tmp_path / "run", "-o", out, "--rerun", tmp_path / "a.rrd")
    assert "expected a folder for 2 sequences, found the name of a file" in said
    assert not out.exists()
    assert run(walk, tmp_path / "run", "-o", out, "--rerun", show) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"rerun {show}/*.rrd"
    assert names(show) == ["run.rrd", "walk.rrd"]
    for name, frames in (("run", 2), ("walk", 3)):
        found = rerun_files.read(show / f"{name}.rrd")
        assert len(found.at("/world/camera/image", "EncodedImage:blob")) == frames


@pytest.mark.usefixtures("stub")
def test_a_run_that_fails_leaves_no_file(
    tmp_path: Path, walk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing(results.StubSegmenter):
        def push(self, frame: Any) -> Any:
            if self._count == 2:
                raise OSError(28, "No space left on device")
            return super().push(frame)

    monkeypatch.setattr(segment, "build", lambda config: Failing())
    file = tmp_path / "show" / "walk.rrd"
    error_of(capsys, walk, "-o", tmp_path / "out", "--rerun", file)
    assert not file.parent.exists()


@pytest.mark.usefixtures("stub")
def test_a_disk_that_runs_full(
    tmp_path: Path, walk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rerun itself would wait for ever."""
    free = iter((10**9, 10**9, 10**6))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=next(free)))
    file = tmp_path / "show" / "walk.rrd"
    said = error_of(capsys, walk, "-o", tmp_path / "out", "--rerun", file)
    assert "walk.rrd: cannot write the output: No space left on device" in said
    assert not file.parent.exists()
    assert not (tmp_path / "out" / "walk").exists()


@pytest.mark.usefixtures("stub")
def test_a_file_that_exists(tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "walk.rrd"
    file.write_text("mine")
    arguments = (walk, "-o", tmp_path / "out", "--rerun", file)
    assert "walk.rrd: already exists" in error_of(capsys, *arguments)
    assert file.read_text() == "mine"
    assert run(*arguments, "--overwrite") == 0
    assert rerun_files.read(file).time_lines == {"stamp"}


@pytest.mark.usefixtures("stub")
def test_resume(tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "walk.rrd"
    arguments = (walk, "-o", tmp_path / "out", "--rerun", file)
    assert run(*arguments) == 0
    before = file.read_bytes()
    assert run(*arguments, "--resume") == 0
    assert file.read_bytes() == before
    file.unlink()
    said = error_of(capsys, *arguments, "--resume")
    assert "expected the recording of a finished sequence, found none; pass --overwrite" in said
    # A run that was without it cannot be gone on with either.
    assert run(walk, "-o", tmp_path / "out", "--overwrite") == 0
    assert "expected to go on with rerun walk.rrd" in error_of(capsys, *arguments, "--resume")


@pytest.mark.usefixtures("stub")
def test_wrong_places(tmp_path: Path, walk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    said = error_of(capsys, walk, "-o", out, "--rerun", out / "walk" / "a.rrd")
    assert "expected a place apart from" in said
    said = error_of(capsys, walk, "-o", out, "--rerun", walk / "a.rrd")
    assert "expected an output apart from the input" in said
    (tmp_path / "b.rrd").mkdir()
    said = error_of(capsys, walk, "-o", out, "--rerun", tmp_path / "b.rrd", "--overwrite")
    assert "expected a file to write, found a folder" in said


def test_without_the_library(
    tmp_path: Path, walk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == "rerun":
            raise ModuleNotFoundError(f"No module named {name!r}")
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    said = error_of(capsys, walk, "-o", tmp_path / "out", "--rerun", tmp_path / "a.rrd")
    assert "expected the Python package rerun-sdk" in said
    assert "pip install 'rerun-sdk" in said
    assert not (tmp_path / "out").exists()


def test_poses_of_the_pipeline(tmp_path: Path) -> None:
    """A camera that passes over a plane: it is placed in every frame but the first few."""
    recordings.write_images(tmp_path / "pan", recordings.pan(6, (160, 120)), "f{}.png")
    file = tmp_path / "pan.rrd"
    assert run(tmp_path / "pan", "-o", tmp_path / "out", "--rerun", file) == 0
    places = rerun_files.read(file).at("/world/camera", "Transform3D:translation")
    assert len(places) >= 4
    assert np.isfinite(list(places.values())).all()
