"""`motion_seg cross-validate`: folders of evaluations in, a table and a file out."""

from __future__ import annotations

import json
from pathlib import Path

import invented_results
import pytest

from motion_seg_ros.cli import main
from motion_seg_ros.lab.evaluation.results import write_results


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    """Two folders of evaluations: `low` is best on a, `high` on b."""
    folders = []
    for name, means in (("low", {"a": 0.75, "b": 0.25}), ("high", {"a": 0.5, "b": 1.0})):
        folder = tmp_path / name
        folder.mkdir()
        sequences = {key: invented_results.sequence([each] * 2) for key, each in means.items()}
        results = invented_results.results(sequences, commit=f"c0ffee-{name}")
        write_results(folder / "results.json", results)
        folders.append(str(folder))
    return folders


def test_what_is_printed_is_what_is_written(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "found.json"
    assert main.main(["cross-validate", *runs, "-o", str(file)]) == 0
    said = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line}
    found = json.loads(file.read_text())
    # a chooses low, judged .25 on b; b chooses high, judged .5 on a.
    assert found["judged"] == {"J_mean": 0.375, "F_mean": 0.375, "JF_mean": 0.375}
    assert said["judged"] == ["judged", "0.375", "0.375", "0.375"]
    assert (found["chosen"], found["in_sample"]["JF_mean"]) == ("high", 0.75)
    assert said["in-sample"][:5] == ["in-sample", "0.750", "0.750", "0.750", "high,"]
    assert [fold["chosen"] for fold in found["folds"]] == ["low", "high"]
    assert found["candidates"]["low"]["commit"] == "c0ffee-low"
    assert found["kind"] == "cross-validation"
    assert {"machine", "commit", "command", "date"} <= found.keys()


def test_a_file_that_is_there_stays(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "found.json"
    file.write_text("mine")
    assert main.main(["cross-validate", *runs, "-o", str(file)]) == 2
    assert "found.json" in capsys.readouterr().err
    assert file.read_text() == "mine"
    assert main.main(["cross-validate", *runs, "-o", str(file), "--overwrite"]) == 0
    assert json.loads(file.read_text())["dataset"] == "folder"


def test_one_run_is_no_choice(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["cross-validate", runs[0]]) == 2
    assert "expected two evaluations or more to choose from, found 1" in capsys.readouterr().err
