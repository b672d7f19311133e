"""The part of a report about conditions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from invented_results import results, sequence

from motion_seg_ros.lab.evaluation.report.page import write_report
from motion_seg_ros.lab.evaluation.report.robustness import robustness, signed
from motion_seg_ros.lab.evaluation.report.runs import ReportRun, subject_of
from motion_seg_ros.lab.evaluation.results import Results
from motion_seg_ros.lab.evaluation.scoring import method_scores
from motion_seg_ros.lab.evaluation.stress.comparison import Stress

CLEAN = {"one": sequence([0.75, 0.25], [0.75, 0.25]), "two": sequence([1.0, 0.5], [1.0, 0.5])}
NOISY = {"one": sequence([0.5, 0.25], [0.5, 0.25]), "two": sequence([0.5, 0.5], [0.5, 0.5])}


@pytest.fixture
def run() -> ReportRun:
    stress = Stress(("noise",)).scores(method_scores(CLEAN), {"noise": NOISY})
    return ReportRun("run", results(CLEAN, stress=stress), Path("nowhere"))


def test_dots_and_figures(run: ReportRun) -> None:
    found = robustness(subject_of([run]))
    assert found is not None
    clean, noise = found.rows
    assert (clean.name, clean.at_percent, clean.values[-1]) == ("clean", 62.5, "")
    assert (noise.name, noise.at_percent, noise.clean_percent) == ("noise", 43.75, 62.5)
    assert [each.at_percent for each in noise.sequences] == [37.5, 50]
    assert noise.values == ("0.438", "0.438", "0.438", "0.625", "−0.188")
    assert noise.sequences[1].told == "two 0.500"


def test_page(run: ReportRun, tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", [run])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert 'href="#robustness"' in page
    assert re.search(r'class="loss" style="left:43.75%;width:18.75%"', page)
    assert "Gaussian noise of 10 grey levels" in page
    assert "−0.188" in page


def test_nothing_of_it_without_conditions(tmp_path: Path, run: ReportRun) -> None:
    plain = ReportRun("plain", results(CLEAN), Path("nowhere"))
    assert robustness(subject_of([plain])) is None
    assert robustness(subject_of([run, plain])) is None
    write_report(tmp_path / "report.html", [plain])
    assert "robustness" not in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "text"), [(0.0124, "+0.012"), (-0.0124, "−0.012"), (-0.0001, "0.000"), (0.0, "0.000")]
)
def test_signs(value: float, text: str) -> None:
    assert signed(value) == text


def test_results_type() -> None:
    assert Results("d", "m", method_scores(CLEAN)).stress is None
