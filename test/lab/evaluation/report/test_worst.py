"""The worst frames of all sequences, and what they have in common."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from invented_results import results, sequence

from motion_seg_ros.lab.evaluation.report.page import write_report
from motion_seg_ros.lab.evaluation.report.runs import ReportRun, subject_of
from motion_seg_ros.lab.evaluation.report.worst import CommonTag, worst_frames
from motion_seg_ros.lab.evaluation.results import Results


def run(found: Results, folder: Path = Path("nowhere")) -> ReportRun:
    return ReportRun("run", found, folder)


def of_three() -> Results:
    """Three sequences of 8 frames, 00001 to 00008: of J 0.1, 0.2 ... 0.8, of 0.85, and of 1."""
    steps = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    return results(
        {
            "bear": sequence(
                steps,
                tags={
                    "fast": tuple(f"{index:05d}" for index in range(1, 9)),
                    "thin": ("00001", "00008"),
                    "stopped": ("00002",),
                },
            ),
            "dog": sequence([0.85] * 8, tags={"fast": ("00003",), "large": ("00001", "00007")}),
            "cat": sequence([1.0] * 8),
        }
    )


def test_the_ten_of_lowest_region_of_all_sequences() -> None:
    found = worst_frames(subject_of([run(of_three())]))
    assert found is not None
    shown = [(each.sequence, each.frame) for each in found.frames]
    assert shown[:8] == [("bear", f"{index:05d}") for index in range(1, 9)]
    assert {name for name, _ in shown[8:]} == {"dog"}
    assert len(shown) == 10
    assert found.sequences == 2
    assert found.frames[0].scores == "J 0.10, F 0.80"
    assert found.frames[0].tags == ("fast", "thin")
    assert found.frames[1].tags == ("fast", "stopped")


def test_what_they_have_in_common() -> None:
    """All eight of bear are fast, and of dog the two of the worst outlines are shown, which are
    equal in all: the first ones. Nine of the 24 scored frames are fast, two thin, two large."""
    found = worst_frames(subject_of([run(of_three())]))
    assert found is not None
    assert [each.frame for each in found.frames[8:]] == ["00001", "00002"]
    assert found.common == (
        CommonTag("fast", 8, "38%"),
        CommonTag("thin", 2, "8%"),
        CommonTag("large", 1, "8%"),
        CommonTag("stopped", 1, "4%"),
    )


def test_without_a_fault_there_is_none(tmp_path: Path) -> None:
    found = results({"cat": sequence([1.0] * 4)})
    assert worst_frames(subject_of([run(found)])) is None
    write_report(tmp_path / "report.html", [run(found)])
    assert 'id="worst"' not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_they_are_the_first_pictures_of_the_page(tmp_path: Path) -> None:
    found = of_three().scores.per_sequence
    scores = {
        name: replace(each, pictures=pictures(tmp_path, name)) for name, each in found.items()
    }
    write_report(tmp_path / "report.html", [run(results(scores), tmp_path)])
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    first = text.index('<section id="worst">')
    assert first < text.index('<section id="summary">')
    part = text[first : text.index("</section>", first)]
    assert "8 of 10 fast" in part
    assert "2 of 10 thin" in part
    assert re.findall(r'alt="(\w+), frame (\d+)', part) == [("bear", "00001"), ("dog", "00001")]
    assert text.index("data:image/jpeg") > first
    # The first frame is also the worst of its sequence, further below; others are not shown twice.
    assert text.count("data:image/jpeg") == 2


def pictures(folder: Path, name: str) -> dict[str, str]:
    """A picture of the first frame."""
    path = Path("pictures") / name / "lowest_1.jpg"
    (folder / path).parent.mkdir(parents=True)
    content = cv2.imencode(".jpg", np.full((30, 40, 3), 90, np.uint8))[1]
    (folder / path).write_bytes(content.tobytes())
    return {"lowest 00001": path.as_posix()}
