"""`motion_seg evaluate` again in the same folder: going on, beginning anew, and refusing to."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from evaluations import (
    assert_fails,
    results,
    run,
    without_times,
    write_predictions,
    write_sequence,
)

from motion_seg_ros.lab.evaluation import evaluate
from motion_seg_ros.lab.evaluation import run as evaluation_run


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        write_sequence(tmp_path / "davis", name)
    return tmp_path / "davis"


class TestGoingOn:
    @pytest.fixture
    def counted(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The sequences that are run over, as they are."""
        seen: list[str] = []
        original = evaluate._run

        def count(task: Any, *arguments: Any) -> Any:
            seen.append(task.sequence.name)
            return original(task, *arguments)

        monkeypatch.setattr(evaluate, "_run", count)
        return seen

    def test_what_is_finished_stays(self, davis: Path, tmp_path: Path, counted: list[str]) -> None:
        out = tmp_path / "out"
        assert run(davis, out, "--sequences", "two") == 0
        first = results(out)["per_sequence"]["two"]
        assert run(davis, out) == 0
        assert counted == ["two", "one"]
        assert results(out)["per_sequence"]["two"] == first
        assert list(results(out)["per_sequence"]) == ["one", "two"]

    def test_at_another_commit_both_are_named(
        self, davis: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "out"
        monkeypatch.setattr(evaluation_run, "commit", lambda: "2222222")
        assert run(davis, out, "--sequences", "two") == 0
        assert results(out)["commit"] == "2222222"
        monkeypatch.setattr(evaluation_run, "commit", lambda: "1111111")
        assert run(davis, out) == 0
        found = results(out)
        assert found["commit"] == "1111111, 2222222"
        commits = {name: each["commit"] for name, each in found["per_sequence"].items()}
        assert commits == {"one": "1111111", "two": "2222222"}

    @pytest.mark.parametrize("content", ["", "{}", "[1]"])
    def test_damaged_scores_are_made_anew(
        self,
        davis: Path,
        tmp_path: Path,
        counted: list[str],
        content: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        out = tmp_path / "out"
        assert run(davis, out, "--sequences", "one") == 0
        first = without_times(results(out))
        (out / "masks/motion_seg/one/scores.json").write_text(content)
        assert run(davis, out, "--sequences", "one") == 0
        assert counted == ["one", "one"]
        assert "one/scores.json: expected" in caplog.text
        assert without_times(results(out)) == first

    def test_a_damaged_plan(
        self, davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_predictions(tmp_path / "masks", "one")
        arguments = ("--sequences", "one", "--predictions", tmp_path / "masks")
        assert run(davis, tmp_path / "out", *arguments) == 0
        (tmp_path / "out/evaluation.json").write_text("")
        status = run(davis, tmp_path / "out", *arguments)
        assert_fails(capsys, status, "evaluation.json: expected JSON")
        assert run(davis, tmp_path / "out", *arguments, "--overwrite") == 0

    def test_a_failure_leaves_what_is_finished(
        self, davis: Path, tmp_path: Path, counted: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        image = davis / "JPEGImages/480p/two/00003.jpg"
        whole = image.read_bytes()
        image.write_bytes(whole[: len(whole) // 2])  # its size can still be read
        assert_fails(capsys, run(davis, out), "00003.jpg")
        kept = sorted(each.name for each in (out / "masks/motion_seg").iterdir())
        assert kept == ["one"]
        assert not (out / "results.json").exists()
        image.write_bytes(whole)
        assert run(davis, out) == 0
        assert counted == ["one", "two", "two"]

    def test_a_failure_of_all_leaves_nothing(
        self, davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        image = davis / "JPEGImages/480p/one/00003.jpg"
        image.write_bytes(image.read_bytes()[:900])
        before = sorted(tmp_path.rglob("*"))
        status = run(davis, tmp_path / "out", "--sequences", "one")
        assert_fails(capsys, status, "00003.jpg")
        assert sorted(tmp_path.rglob("*")) == before

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--set", "window.size=9"), "with configuration.window.size 16, found 9"),
            (("--predictions", "MASKS"), "with --predictions none, found /"),
        ],
    )
    def test_another_evaluation(
        self,
        davis: Path,
        tmp_path: Path,
        arguments: tuple[str, str],
        words: str,
        counted: list[str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        out = tmp_path / "out"
        write_predictions(tmp_path / "masks", "one")
        options = [each.replace("MASKS", str(tmp_path / "masks")) for each in arguments]
        assert run(davis, out, "--sequences", "one") == 0
        before = (out / "results.json").read_bytes()
        assert_fails(capsys, run(davis, out, "--sequences", "one", *options), words)
        assert (out / "results.json").read_bytes() == before
        assert run(davis, out, "--sequences", "one", *options, "--overwrite") == 0
        assert counted == ["one"] * (2 if "--set" in options else 1)

    def test_what_is_begun_anew_and_fails_leaves_no_older_results(
        self, davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        assert run(davis, out, "--sequences", "one") == 0
        image = davis / "JPEGImages/480p/one/00003.jpg"
        image.write_bytes(image.read_bytes()[:900])
        arguments = ("--sequences", "one", "--set", "window.size=9", "--overwrite")
        assert_fails(capsys, run(davis, out, *arguments), "00003.jpg")
        assert not [each for each in out.rglob("*") if each.is_file()]

    def test_another_root(
        self, davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(davis, tmp_path / "out", "--sequences", "one") == 0
        shutil.copytree(davis, tmp_path / "copy")
        status = run(tmp_path / "copy", tmp_path / "out", "--sequences", "one")
        assert_fails(capsys, status, f"with --root {davis}, found {tmp_path}/copy")

    def test_a_folder_of_something_else(
        self, davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        out.mkdir()
        (out / "results.json").write_text("{}")
        assert_fails(capsys, run(davis, out), "already exists")
        assert sorted(each.name for each in out.iterdir()) == ["results.json"]
