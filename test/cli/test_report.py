"""`motion_seg report`, run as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from motion_seg_ros.cli import main
from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.metrics import statistics
from motion_seg_ros.lab.evaluation.report.runs import read_runs
from motion_seg_ros.lab.evaluation.results import (
    PerFrame,
    Results,
    SequenceScores,
    write_results,
)
from motion_seg_ros.lab.evaluation.scoring import method_scores


def sequence(region: tuple[float, ...]) -> SequenceScores:
    found = statistics(region)
    names = tuple(f"{index}" for index in range(len(region)))
    shares = (0.1,) * len(region)
    return SequenceScores(
        *(found.mean, found.recall, found.decay) * 2,
        JF_mean=found.mean,
        frames=len(region),
        still_frames=0,
        false_alarms=0,
        per_frame=PerFrame(names, region, region, shares, shares),
    )


def write_run(folder: Path, sequences: dict[str, tuple[float, ...]]) -> Path:
    folder.mkdir(parents=True)
    scores = method_scores({name: sequence(region) for name, region in sequences.items()})
    write_results(folder / "results.json", Results("folder", "motion_seg", scores))
    return folder


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_compares_folders_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = write_run(tmp_path / "before", {"a": (0.5, 0.5), "b": (0.0, 0.25)})
    after = write_run(tmp_path / "after", {"a": (0.75, 0.75)})
    assert main.main(["report", str(before), str(after / "results.json")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["before: J&F 0.500, J 0.500, F 0.500", "after: J&F 0.750, J 0.750, F 0.750"]
    assert "1 of the 2 sequences of before are compared" in said[2]
    assert said[-1] == "1 sequence, written to report.html"
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Comparison: before, after" in page
    assert "+0.250" in page


def test_makes_the_report_of_one_run(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "out", {"a": (0.5, 0.5)})
    page = folder / "report.html"
    page.write_text("older")
    assert main.main(["report", str(folder), "-o", str(page)]) == 2
    assert page.read_text() == "older"
    assert main.main(["report", str(folder), "-o", str(page), "--overwrite"]) == 0
    assert "motion_seg on folder" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("given", ["out", "out/results.json"])
def test_results_are_never_replaced_by_their_report(
    tmp_path: Path, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_run(tmp_path / "out", {"a": (0.5,)}) / "results.json"
    before = file.read_bytes()
    assert main.main(["report", given, "-o", "out/results.json", "--overwrite"]) == 2
    assert "expected a file for the report, found the results" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_names_that_are_no_text(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "out", {"caf\udce9": (0.5,)})
    assert main.main(["report", str(folder)]) == 0
    assert r"caf\udce9" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_names_tell_runs_apart(tmp_path: Path) -> None:
    places = [write_run(tmp_path / each, {"a": (0.5,)}) for each in ("x/lite", "y/lite", "y/full")]
    renamed = places[0] / "mine.json"
    renamed.write_bytes((places[0] / "results.json").read_bytes())
    found = [each.name for each in read_runs([*places, renamed])]
    assert found == ["x/lite", "y/lite", "full", "mine"]
    assert [each.folder for each in read_runs([renamed, places[1]])] == [places[0], places[1]]


def test_a_run_given_twice_is_refused(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "out", {"a": (0.5,)})
    with pytest.raises(InputError, match="found this one twice"):
        read_runs([folder, folder / "results.json"])


def other_schema(folder: Path) -> str:
    path = write_run(folder / "other", {"a": (0.5,)}) / "results.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "schema": 99}))
    return str(path)


def not_results(folder: Path) -> str:
    (folder / "summary.json").write_text('{"version": "1"}')
    return str(folder / "summary.json")


def no_json(folder: Path) -> str:
    (folder / "frame.png").write_bytes(b"\x89PNG\r\n")
    return str(folder / "frame.png")


def other_sequences(folder: Path) -> str:
    return str(write_run(folder / "other", {"b": (0.5,)}))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (other_schema, "schema"),
        (not_results, "summary.json"),
        (no_json, "frame.png: expected JSON"),
        (other_sequences, "expected sequences in common, found none"),
        (lambda folder: str(folder), "results.json"),
        (lambda folder: str(folder / "none"), "none"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_status_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], str],
    words: str,
) -> None:
    good = write_run(tmp_path / "good", {"a": (0.5,)})
    assert main.main(["report", str(good), make(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert words in said
    assert not (tmp_path / "report.html").exists()
