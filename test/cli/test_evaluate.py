"""`motion_seg evaluate`, run as a user runs it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import recordings
from checkout import ROOT
from evaluations import (
    JOBS,
    assert_fails,
    results,
    run,
    square,
    without_times,
    write_predictions,
    write_sequence,
)

from motion_seg_ros.cli import main
from motion_seg_ros.io.indexed_png import encode_id_map
from motion_seg_ros.lab.evaluation.results import read_results

REFERENCE = ROOT / "../shared/tools/davis_metrics.py"
DAVIS_DEV = ROOT / "../shared/data/davis_dev"


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        write_sequence(tmp_path / "davis", name)
    return tmp_path / "davis"


def reference() -> Any:
    """The independent implementation of J and F, where it is."""
    if not REFERENCE.is_file():
        pytest.skip("no independent implementation beside this repository")
    spec = importlib.util.spec_from_file_location("davis_metrics", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestPipeline:
    def test_all_that_is_written(
        self, davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        assert run(davis, out, "--against", "mog2,homography_diff") == 0
        table = capsys.readouterr().out
        found = read_results(out)
        assert found.dataset == "davis2016"
        assert list(found.scores.per_sequence) == ["one", "two"]
        assert list(found.against) == ["mog2", "homography_diff"]
        assert found.configuration["window.size"] == 16
        assert "numpy" in found.versions
        one = found.scores.per_sequence["one"]
        assert one.per_frame.name == ("00001", "00002", "00003", "00004")
        assert one.frames == 6
        assert one.timing is not None
        assert len(one.timing.ms) == 6
        assert one.labels is not None
        assert one.objects is None
        for method in ("motion_seg", "mog2", "homography_diff"):
            masks = sorted((out / "masks" / method / "one").glob("*.png"))
            assert [each.stem for each in masks] == [f"{index:05d}" for index in range(6)]
            assert method in table
        assert all((out / each).is_file() for each in one.pictures.values())
        assert one.pictures
        assert "</html>" in (out / "report.html").read_text()
        assert f"{found.scores.JF_mean:.3f}" in table

    def test_masks_that_are_kept_give_the_same_scores(self, davis: Path, tmp_path: Path) -> None:
        out, again = tmp_path / "out", tmp_path / "again"
        assert run(davis, out, "--sequences", "one") == 0
        masks = out / "masks/motion_seg"
        assert run(davis, again, "--sequences", "one", "--predictions", masks) == 0
        own, read = results(out), results(again)
        assert own["per_sequence"]["one"]["per_frame"] == read["per_sequence"]["one"]["per_frame"]
        assert read["configuration"] == {}
        assert read["method"] == str(masks)

    def test_side_by_side_gives_the_same(self, davis: Path, tmp_path: Path) -> None:
        outs = tmp_path / "serial", tmp_path / "parallel"
        for out, jobs in zip(outs, ("1", "2"), strict=True):
            assert run(davis, out, "--jobs", jobs) == 0
        serial, parallel = (without_times(results(out)) for out in outs)
        assert serial == parallel


class TestPredictions:
    def test_equal_to_an_independent_implementation(self, davis: Path, tmp_path: Path) -> None:
        tool = reference()
        for name, late in (("one", 1), ("two", 4)):
            write_predictions(tmp_path / "masks", name, late=late)
        assert run(davis, tmp_path / "out", "--predictions", tmp_path / "masks") == 0
        expected = tool.evaluate(str(davis / "Annotations/480p"), str(tmp_path / "masks"))
        found = results(tmp_path / "out")["per_sequence"]
        for name, scores in expected.items():
            for theirs, ours in (("J", "J_mean"), ("F", "F_mean"), ("J_recall", "J_recall")):
                assert found[name][ours] == pytest.approx(scores[theirs], abs=1e-9)

    def test_equal_on_a_real_clip(self, tmp_path: Path) -> None:
        tool = reference()
        if not DAVIS_DEV.is_dir():
            pytest.skip("no clips of DAVIS beside this repository")
        truth = DAVIS_DEV / "Annotations/480p/car-shadow"
        (tmp_path / "masks/car-shadow").mkdir(parents=True)
        for each in sorted(truth.iterdir()):
            moved = np.roll(cv2.imread(str(each), cv2.IMREAD_GRAYSCALE), 9, axis=1)
            cv2.imwrite(str(tmp_path / "masks/car-shadow" / each.name), moved)
        out = tmp_path / "out"
        arguments = ("--sequences", "car-shadow", "--predictions", tmp_path / "masks")
        assert run(DAVIS_DEV, out, *arguments) == 0
        expected = tool.evaluate(str(truth.parent), str(tmp_path / "masks"), ["car-shadow"])
        found = results(out)
        assert found["J_mean"] == pytest.approx(expected["car-shadow"]["J"], abs=1e-9)
        assert found["F_mean"] == pytest.approx(expected["car-shadow"]["F"], abs=1e-9)

    def test_colours_and_grey_values_are_all_moving(self, davis: Path, tmp_path: Path) -> None:
        (tmp_path / "masks/one").mkdir(parents=True)
        for index in range(6):
            grey = square(index, 3)
            pixels = grey if index % 2 else np.dstack([grey * 0, grey * 60, grey * 0])
            cv2.imwrite(str(tmp_path / f"masks/one/{index:05d}.png"), pixels)
        arguments = ("--sequences", "one", "--predictions", tmp_path / "masks")
        assert run(davis, tmp_path / "out", *arguments) == 0
        assert results(tmp_path / "out")["JF_mean"] == 1

    def test_only_scored_frames_are_needed(self, davis: Path, tmp_path: Path) -> None:
        write_predictions(tmp_path / "masks", "one", late=0)
        for index in (0, 5):
            (tmp_path / f"masks/one/{index:05d}.png").unlink()
        arguments = ("--sequences", "one", "--predictions", tmp_path / "masks")
        assert run(davis, tmp_path / "out", *arguments) == 0

    def test_missing_frames(
        self,
        davis: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        out = tmp_path / "out"
        write_predictions(tmp_path / "masks", "one", late=0)
        for index in (2, 3):
            (tmp_path / f"masks/one/{index:05d}.png").unlink()
        arguments = ("--sequences", "one", "--predictions", tmp_path / "masks")
        words = "expected masks of 4 frames, found none of 00002.png, 00003.png"
        assert_fails(capsys, run(davis, out, *arguments), words)
        assert not out.exists()
        assert run(davis, out, *arguments, "--missing", "empty") == 0
        assert results(out)["per_sequence"]["one"]["per_frame"]["J"] == [1, 0, 0, 1]
        assert "in which nothing moves then: 2 of 4 in one" in caplog.text

    def test_no_masks_at_all(
        self, davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ("--predictions", davis, "--missing", "empty")
        status = run(davis, tmp_path / "out", *arguments)
        assert_fails(capsys, status, "expected masks of some scored frame, found none")

    def test_masks_that_changed_are_scored_anew(self, davis: Path, tmp_path: Path) -> None:
        for late in (0, 4):
            shutil.rmtree(tmp_path / "masks", ignore_errors=True)
            write_predictions(tmp_path / "masks", "one", late=late)
            arguments = ("--sequences", "one", "--predictions", tmp_path / "masks")
            assert run(davis, tmp_path / "out", *arguments) == 0
        assert results(tmp_path / "out")["J_mean"] == pytest.approx(20 / 44)

    def test_a_folder_called_like_a_method(
        self,
        davis: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        write_predictions(tmp_path / "mog2", "one", late=0)
        arguments = ("--sequences", "one", "--predictions", "mog2", "--against", "mog2")
        assert run(davis, tmp_path / "out", *arguments) == 0
        rows = [each.split() for each in capsys.readouterr().out.splitlines()]
        assert [each[:3] for each in rows if each and each[0] == "mog2/"] == [
            ["mog2/", "4", "1.000"]
        ]
        assert [each[0] for each in rows if each].count("mog2") == 1
        assert "mog2/ on davis2016" in (tmp_path / "out/report.html").read_text()

    def test_paths_that_are_no_text(self, davis: Path, tmp_path: Path) -> None:
        masks, out = tmp_path / "caf\udce9", tmp_path / "out \udce9"
        try:
            write_predictions(masks, "one")
        except OSError:
            pytest.skip("this file system takes no such names")
        words = ["evaluate", "--dataset", "davis2016", "--root", str(davis), "--sequences", "one"]
        words += ["--predictions", str(masks), "-o", str(out), *JOBS]
        ended = subprocess.run(
            [sys.executable, "-m", "motion_seg_ros.cli.main", *words],
            env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
        assert r"caf\udce9" in ended.stdout
        assert r"caf\udce9" in (out / "report.html").read_text(encoding="utf-8")

    @pytest.mark.parametrize("options", [(), ("--overwrite",)])
    def test_masks_of_the_output_itself(
        self,
        davis: Path,
        tmp_path: Path,
        options: tuple[str, ...],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        out = tmp_path / "out"
        assert run(davis, out, "--sequences", "one", "--against", "mog2") == 0
        before = {each: each.read_bytes() for each in out.rglob("*") if each.is_file()}
        arguments = ("--sequences", "one", "--predictions", out / "masks/mog2", *options)
        words = "expected another place than the masks of the output"
        assert_fails(capsys, run(davis, out, *arguments), words)
        assert {each: each.read_bytes() for each in out.rglob("*") if each.is_file()} == before

    def test_colours_do_not_tell_objects_apart(
        self, davis: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        colours = np.array([[0, 0, 0], [0, 0, 200], [0, 200, 0]], np.uint8)
        (tmp_path / "masks/one").mkdir(parents=True)
        for index in range(6):
            ids = square(index, 1)
            ids[:, :32] *= 2  # two movers
            frame = f"one/{index:05d}.png"
            (davis / "Annotations/480p" / frame).write_bytes(encode_id_map(ids.astype(np.uint16)))
            cv2.imwrite(str(tmp_path / "masks" / frame), colours[ids])
        words = ["--root", str(davis), "--predictions", str(tmp_path / "masks")]
        for dataset in ("davis2016", "davis2017"):
            out = ["--sequences", "one", "-o", str(tmp_path / dataset), *JOBS]
            assert main.main(["evaluate", "--dataset", dataset, *words, *out]) == 0
            assert ("colour pictures in one" in caplog.text) == (dataset == "davis2017")
        assert results(tmp_path / "davis2017")["JF_mean"] == 1
        assert results(tmp_path / "davis2017")["objects_JF_mean"] < 1

    def test_masks_of_another_size(
        self, davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_predictions(tmp_path / "masks", "one")
        small = encode_id_map(np.zeros((9, 9), np.uint16))
        (tmp_path / "masks/one/00003.png").write_bytes(small)
        arguments = ("--sequences", "one", "--predictions", tmp_path / "masks")
        status = run(davis, tmp_path / "out", *arguments)
        assert_fails(capsys, status, "00003.png: expected 128x96 like its frame, found 9x9")
        assert not (tmp_path / "out").exists()


class TestOtherSources:
    def test_a_bag_with_its_truth(self, tmp_path: Path) -> None:
        images = recordings.pan(8)
        stamps = [recordings.START_NS + index * recordings.STEP_NS for index in range(8)]
        ids = np.zeros((72, 96), np.uint16)
        ids[10:30, 20:50] = 1
        ids[40:60, 20:50] = 2
        topics = {
            "/camera": [*map(recordings.image_message, images, stamps)],
            "/truth": [recordings.mask_message(ids, each, "mono16") for each in stamps],
        }
        bag = recordings.write_bag(tmp_path / "drive", topics)
        words = ["--dataset", "bag", "--root", str(bag), "--truth-topic", "/truth"]
        out = tmp_path / "out"
        assert main.main(["evaluate", *words, "-o", str(out), *JOBS]) == 0
        drive = read_results(out).scores.per_sequence["drive"]
        assert len(drive.per_frame.name) == 8
        assert drive.objects is not None
        assert drive.objects.movers == 2

    def test_rendered_scenes_need_nothing(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        words = ["--dataset", "synthetic", "--sequences", "one_mover_still_camera"]
        assert main.main(["evaluate", *words, "-o", str(out), *JOBS]) == 0
        assert results(out)["J_mean"] > 0.7

    def test_a_kind_that_is_held_out_of_training(self, tmp_path: Path) -> None:
        out = tmp_path / "out"
        words = ["--dataset", "unseen", "--sequences", "corridor_drive", "--seeds", "3"]
        assert main.main(["evaluate", *words, "-o", str(out), *JOBS]) == 0
        (name,) = results(out)["per_sequence"]
        assert name == "corridor_drive_3"


class TestInferEvery:
    def test_other_frames_are_propagated(
        self, davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        assert run(davis, out, "--sequences", "one", "--infer-every", 4) == 0
        found = read_results(out).scores.per_sequence["one"]
        assert found.timing is not None
        assert (found.timing.answered, found.timing.propagated) == (6, 4)
        assert found.labels is not None
        assert found.labels.tracks == 0  # frames 1 to 4 are scored, and the fourth is too early
        assert_fails(
            capsys,
            run(davis, out, "--sequences", "one"),
            "with --infer-every 4, found none; choose another output",
        )

    def test_it_is_about_the_pipeline(
        self, davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ("--predictions", tmp_path, "--infer-every", 2)
        status = run(davis, tmp_path / "out", *arguments)
        assert_fails(capsys, status, "--infer-every: expected without --predictions")


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--against", "mog3"), "none of that name; did you mean mog2?"),
            (("--sequences", "three"), "--sequences three: expected a sequence of"),
            (("--missing", "empty"), "--missing: expected with --predictions"),
            (("--fps", "10"), "--fps: expected with --trajectory"),
            (("--poses", "poses.txt"), "--poses: expected with --trajectory"),
            (("--set", "window.sizes=3"), "window.sizes: no such setting"),
            (("--predictions", "nowhere"), "nowhere: expected a folder of masks"),
            (("--truth", "nowhere"), "--truth: expected with --dataset folder or bag"),
            (("--set", "labelling.transformer.weights=nowhere.safetensors"), "nowhere.safetensors"),
        ],
    )
    def test_wrong_options(
        self,
        davis: Path,
        tmp_path: Path,
        arguments: tuple[str, str],
        words: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        out = tmp_path / "out"
        assert_fails(capsys, run(davis, out, *arguments), words)
        assert not out.exists()

    def test_links_in_a_circle(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "circle").symlink_to(tmp_path / "circle")
        status = run(tmp_path / "circle", tmp_path / "out")
        assert_fails(capsys, status, "circle: no such file or folder; check --root")

    def test_a_file_where_the_output_goes(
        self, davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "out").write_text("mine")
        words = "out: expected a folder to write to, found a file; choose another output"
        assert_fails(capsys, run(davis, tmp_path / "out", "--overwrite"), words)
        assert (tmp_path / "out").read_text() == "mine"

    def test_wrong_usage(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as exit_:
            main.main(["evaluate", "--dataset", "davis2015", "-o", "x"])
        assert exit_.value.code == 2
        assert "davis2015" in capsys.readouterr().err
        assert_fails(capsys, main.main(["evaluate", "-o", "x"]), "expected --dataset (")
