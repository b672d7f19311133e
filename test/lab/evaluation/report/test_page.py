"""Contents of the page and comparison of runs; its looks are tested in a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from invented_results import results, sequence, whole, with_pictures

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.lab.evaluation.report.frames import label_curves
from motion_seg_ros.lab.evaluation.report.page import write_report
from motion_seg_ros.lab.evaluation.report.runs import ReportRun, differing_settings, subject_of
from motion_seg_ros.lab.evaluation.report.scores import (
    anchor_of,
    bars,
    differences,
    number,
    summary,
)
from motion_seg_ros.lab.evaluation.results import LabelScores, Results, Timing
from motion_seg_ros.lab.evaluation.scoring import method_scores

STRANGE = "<script>alert('é')</script> & \"ünïcode\" 漢字"
VOID = {"meta", "img", "br", "link", "input", "path", "rect"}


def test_a_live_run_says_what_speed_costs(tmp_path: Path) -> None:
    offline = method_scores({"one": sequence([1.0, 0.5], [1.0, 0.5])})
    timing = Timing(answered=17, propagated=5, dropped=3)
    found = {"one": sequence([0.75, 0.25], [0.75, 0.25], timing=timing)}
    live = results(found, against={"offline": offline})
    text = page(tmp_path, run(live))
    assert "Of 20 frames sent live 5 were propagated, and 3 never answered" in text
    assert "J&amp;F 0.500. Offline, with every frame inferred, it is 0.750: −0.250" in text
    plain = page(tmp_path, run(replace(live, against={"mog2": offline})))
    assert "sent live" not in plain


def run(found: Results, name: str = "run", folder: Path = Path("nowhere")) -> ReportRun:
    return ReportRun(name, found, folder)


def page(folder: Path, *runs: ReportRun) -> str:
    path = folder / "report.html"
    write_report(path, runs)
    return path.read_text(encoding="utf-8")


class Outline(HTMLParser):
    """Open elements, ids, links and text of a page; complains of tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], "elements that are never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")
            if name == "src":
                self.sources.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_links_lead_to_parts_of_the_page(tmp_path: Path) -> None:
    found = results({"a": whole([0.5, 1.0]), "b": whole([0.2, 0.4])})
    outline = Outline(page(tmp_path, run(found), run(found, "other")))
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.links
    assert {each.removeprefix("#") for each in outline.links} <= set(outline.ids)


def test_names_are_escaped_wherever_they_stand(tmp_path: Path) -> None:
    found = results(
        {STRANGE: with_pictures(tmp_path, "x", whole([0.5, 1.0]))},
        method=STRANGE,
        dataset=STRANGE,
        machine=STRANGE,
        command=STRANGE,
        configuration={STRANGE: STRANGE},
        against={f"{STRANGE}2": method_scores({STRANGE: whole([0.1, 0.2])})},
    )
    text = page(tmp_path, run(found, STRANGE, tmp_path))
    assert "<script>alert" not in text
    assert "<script>alert('é')</script> & \"ünïcode\" 漢字" in Outline(text).texts
    compared = page(tmp_path, run(found, STRANGE), run(replace(found, machine="x"), STRANGE + "3"))
    assert "<script>alert" not in compared
    Outline(compared)


def test_the_page_asks_for_nothing_else(tmp_path: Path) -> None:
    found = results({"a": with_pictures(tmp_path, "a", whole([0.5, 1.0]))})
    text = page(tmp_path, run(found, folder=tmp_path))
    outline = Outline(text)
    assert len(outline.sources) == 3
    assert all(each.startswith("data:image/jpeg;base64,") for each in outline.sources)
    assert not re.search(r"@import|url\(|<link|https?://", text)


def test_the_same_runs_make_the_same_bytes(tmp_path: Path) -> None:
    found = results({"a": whole([0.5, 1.0])})
    assert page(tmp_path, run(found)) == page(tmp_path, run(found))


def test_what_was_not_measured_is_left_out(tmp_path: Path) -> None:
    bare = sequence([0.5, 0.5], still_frames=0, false_alarms=0)
    ids = Outline(page(tmp_path, run(results({"a": bare})))).ids
    assert {"summary", "sequences", "frames", "settings"} <= set(ids)
    assert not {"latency", "labels", "objects", "alarms", "differences"} & set(ids)
    ids = Outline(page(tmp_path, run(results({"a": whole([0.5, 0.5])})))).ids
    assert {"latency", "labels", "objects", "alarms"} <= set(ids)


@pytest.mark.parametrize(
    "path",
    [
        "pictures/none.jpg",
        "../secret.jpg",
        "/etc/hostname",
        "pictures/text.jpg",
        "pictures/\0.jpg",
        f"pictures/{'x' * 9999}.jpg",
    ],
)
def test_only_pictures_of_the_run_get_into_the_page(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "run"
    (folder / "pictures").mkdir(parents=True)
    (folder / "pictures/text.jpg").write_text("no picture")
    good = with_pictures(tmp_path, "x", sequence([0.5]))
    (tmp_path / "secret.jpg").write_bytes((tmp_path / good.pictures["worst 00001"]).read_bytes())
    scores = sequence([0.5], pictures={"worst 00001": path})
    outline = Outline(page(tmp_path, run(results({"a": scores}), folder=folder)))
    assert outline.sources == []


def test_the_summary_has_a_row_for_what_is_known_and_marks_the_best() -> None:
    ours, theirs = (
        method_scores({"a": whole([1.0, 0.8])}),
        method_scores({"a": sequence([0.2, 0.2])}),
    )
    found = results({"a": whole([1.0, 0.8])}, against={"mog2": theirs})
    rows = {each.figure.field: each for each in summary(subject_of([run(found)]).series)}
    assert (
        rows["J_mean"].values == (number(ours.J_mean), number(theirs.J_mean)) == ("0.900", "0.200")
    )
    assert rows["J_mean"].best == (True, False)
    assert rows["J_decay"].best == (False, True), "less is better"
    assert rows["ms_per_frame"].values == ("25.0", "–")
    assert rows["ms_per_frame"].best == (False, False)


def test_bars_are_as_long_as_the_scores() -> None:
    found = results({"low": sequence([0.25], [0.5]), "high": sequence([1.0], [0.0])})
    first, second = bars(subject_of([run(found)]))
    assert (first.name, second.name) == ("high", "low")
    assert [first.region[0].width_percent, first.boundary[0].width_percent] == [100, 0]
    assert [second.region[0].width_percent, second.boundary[0].width_percent] == [25, 50]


def two_runs() -> tuple[ReportRun, ReportRun]:
    """Two sequences in common, of which the second run gains on one; one more in each."""
    before = {"a": sequence([0.5], [0.5]), "b": sequence([0.5], [0.5]), "x": sequence([0.0], [0.0])}
    after = {"a": sequence([0.4], [0.3]), "y": sequence([1.0], [1.0]), "b": sequence([0.6], [0.7])}
    return run(results(before), "before"), run(results(after), "after")


def test_runs_are_compared_on_the_sequences_they_share() -> None:
    subject = subject_of(two_runs())
    assert subject.sequences == ("a", "b")
    assert [each.name for each in subject.series] == ["before", "after"]
    assert subject.series[0].scores.J_mean == pytest.approx(0.5)
    assert subject.series[1].scores.F_mean == pytest.approx(0.5)
    assert len(subject.notes) == 2
    assert "2 of the 3 sequences of before are compared; not all runs have x." in subject.notes[0]


def test_differences_are_drawn_from_the_middle_largest_gain_first() -> None:
    found = differences(subject_of(two_runs()))
    assert found.scale == 0.2
    assert [each.name for each in found.rows] == ["b", "a"]
    gain, loss = found.rows[0].boundary[0], found.rows[1].boundary[0]
    assert (gain.value, gain.left_percent, gain.width_percent) == ("+0.200", 50, pytest.approx(50))
    assert (loss.value, loss.left_percent) == ("−0.200", pytest.approx(0))
    assert found.rows[1].region[0].left_percent == pytest.approx(25)
    assert gain.series == loss.series == 1


def test_equal_runs_differ_by_nothing() -> None:
    found = results({"a": sequence([0.5])})
    (row,) = differences(subject_of([run(found, "one"), run(found, "two")])).rows
    assert (row.region[0].value, row.region[0].width_percent) == ("0.000", 0)


def test_runs_without_a_common_sequence_are_refused(tmp_path: Path) -> None:
    one = run(results({"a": sequence([0.5])}), "one")
    two = run(results({"b": sequence([0.5])}, dataset="davis2016"), "two")
    with pytest.raises(InputError, match=r"none .one: folder with a; two: davis2016 with b.;"):
        write_report(tmp_path / "report.html", [one, two])
    assert list(tmp_path.iterdir()) == []


def test_a_reader_is_told_of_other_data_sets_and_frames() -> None:
    one = run(results({"a": sequence([0.5])}), "one")
    two = run(results({"a": sequence([0.5, 0.6])}, dataset="davis2016"), "two")
    notes = subject_of([one, two]).notes
    assert "different data sets (folder, davis2016)" in notes[0]
    assert "Not the same frames are scored in a" in notes[1]


def test_settings_that_differ_are_named() -> None:
    one = results({"a": sequence([0.5])})
    two = replace(one, configuration={"window.size": 24, "masks.backend": "densifier", "new": 1})
    differing = differing_settings([run(one), run(two)])
    assert {each.name: each.values for each in differing} == {
        "window.size": (12, 24),
        "new": (None, 1),
    }
    assert differing_settings([run(one), run(one)]) == []


def test_settings_stand_as_in_a_configuration_file(tmp_path: Path) -> None:
    one = results({"a": sequence([0.5])}, configuration={"depth.enabled": True, "window.size": 12})
    two = replace(one, configuration={"window.size": 24})
    texts = Outline(page(tmp_path, run(one, "one"), run(two, "two"))).texts
    at = texts.index("What is not the same in all runs")
    cells = [each for each in texts[at:] if each.strip()][4:10]
    assert cells == ["depth.enabled", "true", "–", "window.size", "12", "24"]


def test_the_mean_of_label_curves_never_runs_backwards() -> None:
    def labelled(recall: tuple[float, ...], precision: tuple[float | None, ...]) -> LabelScores:
        thresholds = tuple(index / 10 for index in range(len(recall)))
        return LabelScores(0.5, 0.5, 0.5, 0.5, 10, thresholds, precision, recall)

    found = results(
        {
            "a": sequence([0.5], labels=labelled((1.0, 0.5, 0.0), (0.2, 0.6, None))),
            "b": sequence([0.5], labels=labelled((0.75, 0.25), (0.4, 0.3))),
            "c": sequence([0.5], labels=LabelScores(None, None, None, None, 10)),
        }
    )
    curves = label_curves(subject_of([run(found)]))
    assert curves is not None
    (mean,) = curves.means
    points = [(int(x) / 1000, 1 - int(y) / 1000) for x, y in re.findall(r"(\d+) (\d+)", mean.path)]
    expected = {0.0: 0.5, 0.25: 0.5, 0.5: 0.5, 0.51: 0.3, 0.75: 0.3, 0.76: 0.1, 1.0: 0.1}
    assert {x: y for x, y in points if x in expected} == pytest.approx(expected)
    assert [each.sequence for each in curves.single] == ["a", "b"]


def test_anchors_are_safe_whatever_the_names() -> None:
    subject = subject_of([run(results({STRANGE: sequence([0.5]), "b": sequence([0.5])}))])
    assert [anchor_of(subject, each) for each in subject.sequences] == ["sequence-1", "sequence-2"]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.12349, "0.123"), (-0.0001, "0.000"), (-0.25, "−0.250")]
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"none/report\.html"):
        write_report(tmp_path / "none/report.html", [run(results({"a": sequence([0.5])}))])
