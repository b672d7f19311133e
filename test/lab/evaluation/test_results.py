"""results.json: what is written is read back, and anything else is refused by name."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from checkout import ROOT

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.lab.evaluation.results import (
    LabelScores,
    MethodScores,
    MovingNowScores,
    ObjectScores,
    PerFrame,
    Results,
    SequenceScores,
    ThingScores,
    Timing,
    read_results,
    write_results,
)


def sequence() -> SequenceScores:
    return SequenceScores(
        J_mean=0.5,
        J_recall=0.5,
        J_decay=-0.25,
        F_mean=0.75,
        F_recall=1.0,
        F_decay=0.0,
        JF_mean=0.625,
        frames=4,
        still_frames=1,
        false_alarms=0,
        per_frame=PerFrame(("a", "b"), (0.0, 1.0), (0.5, 1.0), (0.1, 0.0), (0.2, 0.0)),
        objects=ObjectScores(
            0.1, 0.2, 0.15, movers=2, predicted=3, id_switches=4, fragmentations=5
        ),
        labels=LabelScores(0.5, None, None, None, 7, (0.0, 1.0), (0.5, None), (1.0, 0.0)),
        timing=Timing(ms=(1.5, 2.5), age_ms=(), answered=2, propagated=0, dropped=0),
        moving_now=MovingNowScores(None, 0.5, None, movers=0),
        things={"column": ThingScores(frames=2, masked=1, masked_share=0.5)},
        pictures={"worst a": "pictures/ü/a.jpg"},
    )


def results() -> Results:
    scores = MethodScores(
        *(0.5, 0.5, -0.25, 0.75, 1.0, 0.0, 0.625), 0.15, None, 0.0, 2.0, {"ü & <b>": sequence()}
    )
    return Results(
        dataset="davis2016",
        method="motion_seg",
        scores=scores,
        against={"mog2": scores},
        version="1",
        versions={"numpy": "2"},
        configuration={"window.size": 16, "profile": "lite", "x": 0.5, "y": True},
        machine="2 cores",
        command="motion_seg evaluate",
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_results(tmp_path / "results.json", results())
    return tmp_path / "results.json"


def change(file: Path, *place: str, value: object) -> None:
    """Replace one field of the file; an Ellipsis takes it away."""
    content = json.loads(file.read_text())
    inner = content
    for name in place[:-1]:
        inner = inner[name]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    file.write_text(json.dumps(content))


def test_what_is_written_is_read(file: Path) -> None:
    assert read_results(file) == results()
    assert read_results(file.parent) == results()


def test_scores_stand_at_the_top(file: Path) -> None:
    content = json.loads(file.read_text())
    assert content["schema"] == 1
    assert content["JF_mean"] == 0.625
    assert content["per_sequence"]["ü & <b>"]["objects"]["movers"] == 2
    assert content["against"]["mog2"]["J_mean"] == 0.5
    assert "scores" not in content


def test_the_same_bytes_every_time(file: Path) -> None:
    before = file.read_bytes()
    write_results(file, read_results(file))
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("schema",), 2, "expected results of `motion_seg evaluate` of schema 1, found schema 2"),
        (("schema",), ..., "of schema 1, found schema none"),
        (("J_mean",), ..., "json: expected a field J_mean"),
        (("J_mean",), "good", "json: J_mean: expected a number, found 'good'"),
        (("J_mean",), True, "json: J_mean: expected a number"),
        (("J_mean",), float("nan"), "json: J_mean: expected a number, found nan"),
        (("JF_mean",), float("-inf"), "json: JF_mean: expected a number, found -inf"),
        (("JF_mean",), 10**400, "json: JF_mean: expected a number, found 1000"),
        (("dataset",), 5, "dataset: expected a text"),
        (("novelty",), 5, "expected no field novelty"),
        (("per_sequence",), [], "per_sequence: expected a mapping"),
        (("per_sequence",), {}, "per_sequence: expected one sequence at least, found none"),
        (
            ("per_sequence", "ü & <b>", "per_frame", "F"),
            [1],
            "b>.per_frame: F: expected 2 values like name, found 1",
        ),
        (
            ("per_sequence", "ü & <b>", "labels", "curve_recall"),
            [],
            "labels: curve_recall: expected 2 values like curve_threshold, found 0",
        ),
        (("per_sequence", "ü & <b>", "frames"), 1.5, "frames: expected a whole number"),
        (("per_sequence", "ü & <b>", "per_frame", "J"), [0, "x"], r"J\[1\]: expected a number"),
        (("per_sequence", "ü & <b>", "per_frame", "F"), 1, "F: expected a list"),
        (("per_sequence", "ü & <b>", "objects"), 1, "objects: expected a mapping"),
    ],
)
def test_what_is_wrong_is_named(
    file: Path, place: tuple[str, ...], value: object, words: str
) -> None:
    change(file, *place, value=value)
    with pytest.raises(InputError, match=words):
        read_results(file)


@pytest.mark.parametrize("content", ["", "[1]", "{", "\udcff", "[" * 200_000])
def test_other_files(tmp_path: Path, content: str) -> None:
    file = tmp_path / "results.json"
    file.write_text(content, errors="surrogateescape")
    with pytest.raises(InputError, match=r"results\.json: expected"):
        read_results(file)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read it"):
        read_results(tmp_path / "results.json")
    with pytest.raises(InputError, match=r"expected results\.json of `motion_seg evaluate` in it"):
        read_results(tmp_path)


def test_no_place_to_write(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_results(tmp_path / "missing" / "results.json", results())


def test_every_field_is_documented() -> None:
    text = (ROOT / "docs/evaluation.md").read_text(encoding="utf-8")
    for kind in (
        Results,
        MethodScores,
        SequenceScores,
        PerFrame,
        ObjectScores,
        MovingNowScores,
        LabelScores,
        ThingScores,
        Timing,
    ):
        for field in dataclasses.fields(kind):
            if field.name != "scores":  # stands at the top level
                assert f"`{field.name}`" in text, f"{kind.__name__}.{field.name}"
