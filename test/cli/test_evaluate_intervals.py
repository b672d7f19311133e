"""`motion_seg evaluate --intervals`: what moves now, of real sequences."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluations import JOBS, assert_fails, results, run, write_predictions, write_sequence

from motion_seg_ros.cli import main


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    """A sequence of DAVIS 2016 of 6 frames, of which 00001 to 00004 are scored, and its masks."""
    write_sequence(tmp_path / "davis", "one")
    write_predictions(tmp_path / "masks", "one", late=0)
    return tmp_path / "davis"


def intervals(folder: Path, last: str) -> Path:
    path = folder / "moves.csv"
    path.write_text(f"sequence,object,first,last\none,1,00000,{last}\n", encoding="utf-8")
    return path


def test_a_mover_that_stops_in_the_middle_and_stays_masked(
    davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It moves in two of the four scored frames, and is masked exactly in all of them."""
    out = tmp_path / "out"
    masks = ("--predictions", tmp_path / "masks")
    assert run(davis, out, *masks, "--intervals", intervals(tmp_path, "00002")) == 0
    found = results(out)
    assert found["J_mean"] == found["moving_now_J"] == 1
    assert found["moving_now_false_per_frame"] == 2 / 4
    assert found["moving_now_temporal_IoU"] == pytest.approx(2 / (2 + 4 - 2))
    assert found["per_sequence"]["one"]["moving_now"]["movers"] == 1
    header, line, *_ = capsys.readouterr().out.splitlines()
    assert header.split()[-4:] == ["J", "now", "tIoU", "false"]
    assert line.split()[-3:] == ["1.000", "0.500", "0.500"]
    assert "<h2>Moving now</h2>" in (out / "report.html").read_text(encoding="utf-8")
    status = run(davis, out, *masks, "--intervals", intervals(tmp_path, "00003"))
    assert_fails(capsys, status, "the evaluation begun there, with --intervals")


def test_without_it_nothing_is_said(davis: Path, tmp_path: Path) -> None:
    assert run(davis, tmp_path / "out", "--predictions", tmp_path / "masks") == 0
    assert results(tmp_path / "out")["per_sequence"]["one"]["moving_now"] is None


def test_where_it_does_not_fit(
    davis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, file = tmp_path / "out", intervals(tmp_path, "00009")
    status = run(davis, out, "--predictions", tmp_path / "masks", "--intervals", file)
    assert_fails(capsys, status, f"{file}, line 2: expected a frame of one, found '00009'")
    assert not out.exists()
    for words, message in (
        (("--dataset", "synthetic"), "--intervals: expected with recordings, found synthetic"),
        # Where COLMAP is missing, with --ray it is not looked for before.
        (("--trajectory", "--ray", "local"), "--intervals: expected without --trajectory"),
    ):
        status = main.main(["evaluate", *words, "--intervals", str(file), "-o", str(out), *JOBS])
        assert_fails(capsys, status, message)
